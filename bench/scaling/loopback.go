package scaling

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"halorun/bench"
	"halorun/comm"
)

// echoes is how often each message goes forth and back; the median counts, as it does between hosts.
const echoes = 40

// loopback measures the links between ranks of one machine.
func loopback(ctx context.Context) ([]Link, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	ln, err := comm.TCP{}.Listen(ctx)
	if err != nil {
		return nil, err
	}
	defer ln.Close()
	defer context.AfterFunc(ctx, func() { ln.Close() })()
	sizes := []int{8, 4 << 10, 64 << 10, 1 << 20, 4 << 20}
	served := make(chan error, 1)
	go func() {
		served <- func() error {
			l, err := ln.Accept()
			if err != nil {
				return err
			}
			defer l.Close()
			defer context.AfterFunc(ctx, func() { l.Close() })()
			return echo(ctx, l, sizes, false, nil)
		}()
	}()
	l, err := comm.TCP{}.Dial(ctx, ln.Addr())
	if err != nil {
		return nil, err
	}
	defer l.Close()
	defer context.AfterFunc(ctx, func() { l.Close() })()
	var links []Link
	err = echo(ctx, l, sizes, true, func(size int, roundTrip float64) {
		links = append(links, Link{float64(size), roundTrip / 2})
	})
	if err == nil {
		err = <-served
	}
	if err != nil {
		return nil, fmt.Errorf("measure links: %w", err)
	}
	return links, nil
}

// echo is one side of an exchange of messages: the first sends each and waits for it to come back.
func echo(ctx context.Context, l comm.Link, sizes []int, first bool, tell func(size int, roundTrip float64)) error {
	for _, size := range sizes {
		b := make([]byte, size)
		var trips []float64
		for range echoes {
			began := time.Now()
			if first {
				if err := l.WriteFrame(ctx, net.Buffers{b}); err != nil {
					return err
				}
			}
			if _, err := io.ReadFull(l, b); err != nil {
				return err
			}
			if !first {
				if err := l.WriteFrame(ctx, net.Buffers{b}); err != nil {
					return err
				}
			}
			trips = append(trips, time.Since(began).Seconds())
		}
		if tell != nil {
			tell(size, bench.Median(trips))
		}
	}
	return nil
}
