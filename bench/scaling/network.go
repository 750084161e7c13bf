package scaling

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"halorun/comm"
)

// Link is how long a message took from one rank to another.
type Link struct {
	Bytes   float64 `json:"bytes"`
	Seconds float64 `json:"seconds"`
}

// Network is Hockney's model of it: n bytes take Latency + n/BytesPerSecond.
type Network struct {
	Kind           string  `json:"kind"` // loopback, or hosts
	Latency        float64 `json:"latency_seconds"`
	BytesPerSecond float64 `json:"bytes_per_second"`
	Error          float64 `json:"error"` // mean, as a part of what was measured
	Links          []Link  `json:"measured"`
}

func fitNetwork(kind string, links []Link) Network {
	var u, v, y []float64
	for _, l := range links {
		u, v, y = append(u, 1), append(v, l.Bytes), append(y, l.Seconds)
	}
	a, b := fit(u, v, y, relativeTo(y))
	n := Network{Kind: kind, Latency: a, Links: links}
	if b > 0 {
		n.BytesPerSecond = 1 / b
	}
	for _, l := range links {
		n.Error += abs(n.seconds(l.Bytes)-l.Seconds) / l.Seconds / float64(len(links))
	}
	return n
}

// seconds returns what a message takes.
func (n Network) seconds(bytes float64) float64 {
	if n.BytesPerSecond == 0 {
		return n.Latency
	}
	return n.Latency + bytes/n.BytesPerSecond
}

// echoes is how often each message goes forth and back; the fastest counts, as which only the network tells of.
const echoes = 40

// Loopback measures the links between ranks of one machine.
func Loopback(ctx context.Context) ([]Link, error) {
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
	err = echo(ctx, l, sizes, true, func(size int, d time.Duration) {
		links = append(links, Link{float64(size), d.Seconds() / 2})
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
func echo(ctx context.Context, l comm.Link, sizes []int, first bool, tell func(size int, best time.Duration)) error {
	for _, size := range sizes {
		b := make([]byte, size)
		var best time.Duration
		for i := range echoes {
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
			if d := time.Since(began); i == 0 || d < best {
				best = d
			}
		}
		if tell != nil {
			tell(size, best)
		}
	}
	return nil
}
