package comm

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"
)

// Way is how one rank reached another.
type Way struct {
	From, To         int
	FromHost, ToHost string
	Address          string        // that was tried
	RoundTrip        time.Duration // of 8 bytes, the median
	BytesPerSecond   float64
	Err              string // "" if it works
}

const (
	probePings = 21
	// A transfer ends after so many bytes or so much time, whichever comes first.
	probeBytes = 8 << 20
	probeTime  = 50 * time.Millisecond
	probePiece = 64 << 10
	// allPairs is up to how many ranks every pair is tried; of more, each rank tries out probeRounds others.
	allPairs    = 32
	probeRounds = 8
)

// Probe tries out the ways between ranks, one of which is on each host, on the ports and with the handshake and encryption that
// Join would use. It returns those on which this rank was the dialer. A way that does not work takes no longer than
// Config.ConnectTimeout and keeps no other from being tried. All ranks of the epoch call it, in place of Join.
func Probe(ctx context.Context, cfg Config) ([]Way, error) {
	if err := cfg.setDefaults(); err != nil {
		return nil, fmt.Errorf("probe: %w", err)
	}
	if cfg.Size == 1 {
		return nil, nil
	}
	w := newWorld(cfg)
	ln, err := w.listen(ctx)
	if err != nil {
		return nil, err
	}
	serving, stop := context.WithCancel(ctx)
	var server sync.WaitGroup
	server.Go(func() {
		_ = accept(serving, ln, func(ctx context.Context, c Link) { w.serveProbe(ctx, serving, c) }) // until it is closed
	})
	defer server.Wait()
	defer ln.Close()
	defer stop()
	b := cfg.Bootstrap
	if err := b.Put(ctx, addrKey(cfg.Epoch, cfg.Rank), []byte(ln.Addr())); err != nil {
		return nil, fmt.Errorf("publish address: %w", err)
	}
	if err := b.Fence(ctx); err != nil {
		return nil, fmt.Errorf("wait for the other hosts' addresses: %w", err)
	}
	// Connections are made all at once, so that dead ways cost their time together; measuring goes pair by pair.
	ways := make([]Way, 0, cfg.Size)
	for _, peer := range probed(cfg.Rank, cfg.Size) {
		ways = append(ways, Way{From: cfg.Rank, To: peer, FromHost: w.Host(cfg.Rank), ToHost: w.Host(peer)})
	}
	links := make([]Link, len(ways))
	var dialing sync.WaitGroup
	for i := range ways {
		dialing.Go(func() {
			var err error
			if links[i], ways[i].Address, err = w.dial(ctx, ways[i].To); err != nil {
				ways[i].Err = w.wrap("connect to", ways[i].To, 0, err).Error()
			}
		})
	}
	dialing.Wait()
	for i, l := range links {
		if l == nil {
			continue
		}
		if err := ways[i].measure(ctx, l); err != nil {
			ways[i].Err = w.wrap("exchange bytes with", ways[i].To, 0, err).Error()
		}
		l.Close()
	}
	// Others may still be at it with this rank.
	if err := b.Fence(ctx); err != nil {
		return ways, fmt.Errorf("wait for the other hosts: %w", err)
	}
	return ways, nil
}

// probed returns the ranks that a rank tries to reach, in an order in which ranks do not all turn to the same one. In round r of the
// method of circles, rank i is paired with r − i, so that every round covers every rank.
func probed(rank, size int) []int {
	circle := size + size%2 // an odd rank out pairs with nobody
	var rounds []int
	if size <= allPairs {
		for r := range circle - 1 {
			rounds = append(rounds, r)
		}
	} else {
		for r := range probeRounds {
			rounds = append(rounds, r*(circle-1)/probeRounds)
		}
	}
	var peers []int
	for _, r := range rounds {
		if p := paired(rank, r, circle); p < size {
			peers = append(peers, p)
		}
	}
	return peers
}

// paired returns who rank is paired with in a round; size is even.
func paired(rank, round, size int) int {
	n := size - 1
	if rank == n { // it is in the middle of the circle: with who would be paired with itself
		return round * (n + 1) / 2 % n
	}
	p := ((round-rank)%n + n) % n
	if p == rank {
		return n
	}
	return p
}

// measure finds out a way's round trip and bandwidth.
func (way *Way) measure(ctx context.Context, l Link) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	defer context.AfterFunc(ctx, func() { l.Close() })()
	ask := make([]byte, 8)
	answer := make([]byte, 8)
	var trips []time.Duration
	for range probePings {
		began := time.Now()
		if err := l.WriteFrame(ctx, net.Buffers{ask}); err != nil {
			return err
		}
		if _, err := io.ReadFull(l, answer); err != nil {
			return dropped(err)
		}
		trips = append(trips, time.Since(began))
	}
	slices.Sort(trips)
	way.RoundTrip = trips[len(trips)/2]

	piece := make([]byte, probePiece)
	binary.LittleEndian.PutUint64(ask, probePiece)
	began, sent := time.Now(), 0
	for sent < probeBytes && time.Since(began) < probeTime {
		if err := l.WriteFrame(ctx, net.Buffers{ask, piece}); err != nil {
			return err
		}
		sent += probePiece
	}
	for range sent / probePiece {
		if _, err := io.ReadFull(l, answer); err != nil {
			return dropped(err)
		}
	}
	way.BytesPerSecond = float64(sent) / time.Since(began).Seconds()
	return nil
}

// serveProbe answers somebody who tries to reach this rank: to each 8 bytes, which say how many more there are, 8 bytes. serving
// ends when nobody does any more.
func (w *World) serveProbe(ctx, serving context.Context, c Link) {
	defer c.Close()
	l, err := w.admitProbe(ctx, c)
	if err != nil {
		return
	}
	defer context.AfterFunc(serving, func() { c.Close() })()
	_ = answerProbe(serving, l) // its end is the other's to explain
}

// admitProbe is the acceptor's side of a handshake with any rank.
func (w *World) admitProbe(ctx context.Context, c Link) (Link, error) {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.HandshakeTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	var peer identity
	t, err := admit(ctx, c, w.cfg.Key, w.terms(w.cfg.Rank), w.identity(), func(id identity) error {
		peer = id
		if id.epoch != w.cfg.Epoch || id.size != uint32(w.cfg.Size) || id.rank >= id.size {
			return fmt.Errorf("%w: not a rank of this epoch", errHandshake)
		}
		return nil
	})
	if err == nil && w.encrypts(int(peer.rank)) {
		return w.encrypt(ctx, c, t, false)
	}
	return c, err
}

func answerProbe(ctx context.Context, l Link) error {
	head, piece := make([]byte, 8), make([]byte, probePiece)
	for {
		if _, err := io.ReadFull(l, head); err != nil {
			return err
		}
		n := binary.LittleEndian.Uint64(head)
		if n > probePiece {
			return errFrame
		}
		if _, err := io.ReadFull(l, piece[:n]); err != nil {
			return err
		}
		if err := l.WriteFrame(ctx, net.Buffers{head}); err != nil {
			return err
		}
	}
}
