package commtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"halorun/comm"
)

// Options say how ranks are joined. The zero value is loopback TCP without
// faults.
type Options struct {
	// Memory uses links in memory instead of TCP.
	Memory bool
	// Faults, if any, happen on every link.
	Faults *Faults
	// Timeout bounds the whole run; zero means 30 s.
	Timeout time.Duration
	// Config changes a rank's configuration before it joins.
	Config func(*comm.Config)
}

// Each runs body as n ranks and returns what each returned, by rank. The world of
// a rank is closed as soon as its body has returned.
func Each(n int, o Options, body func(ctx context.Context, w *comm.World) error) []error {
	timeout := o.Timeout
	if timeout == 0 {
		timeout = 30 * time.Second
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	// All "hosts" are this machine, so the addresses that others are reached by are those of loopback.
	var transport comm.Transport = comm.TCP{Interface: "127.0.0.0/8"}
	if o.Memory {
		transport = new(Memory)
	}
	transports := o.Faults.wrap(transport, n)
	var hosts []string
	for i := range n {
		hosts = append(hosts, fmt.Sprintf("host%d", i))
	}
	board := NewBootstrap(n)
	errs := make([]error, n)
	var wg sync.WaitGroup
	for rank := range n {
		cfg := comm.Config{
			Rank: rank, Size: n, Member: uint32(100 + rank), Epoch: 1,
			Host: hosts[rank], Hosts: hosts,
			Key:       []byte("a key that only tests know"),
			Bootstrap: board,
			Transport: transports[rank],
			NoEncrypt: true, // Config says otherwise where encryption matters
		}
		if o.Config != nil {
			o.Config(&cfg)
		}
		wg.Go(func() {
			w, err := comm.Join(ctx, cfg)
			if err != nil {
				errs[rank] = err
				return
			}
			err = body(ctx, w)
			errs[rank] = errors.Join(err, w.Close())
		})
	}
	wg.Wait()
	return errs
}

// Run is Each for bodies that must not fail.
func Run(t testing.TB, n int, o Options, body func(ctx context.Context, w *comm.World) error) {
	t.Helper()
	for rank, err := range Each(n, o, body) {
		if err != nil {
			t.Errorf("rank %d of %d: %v", rank, n, err)
		}
	}
}

// Bootstrap is a comm.Bootstrap in memory, shared by n ranks.
type Bootstrap struct {
	n int

	mu      sync.Mutex
	values  map[string][]byte
	inside  int
	release chan struct{} // closed when all are inside the fence
}

// NewBootstrap returns a bootstrap for n ranks.
func NewBootstrap(n int) *Bootstrap {
	return &Bootstrap{n: n, values: make(map[string][]byte), release: make(chan struct{})}
}

// Put stores a value for all.
func (b *Bootstrap) Put(_ context.Context, key string, value []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.values[key] = value
	return nil
}

// Get returns a value that some rank has put.
func (b *Bootstrap) Get(_ context.Context, key string) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	v, ok := b.values[key]
	if !ok {
		return nil, fmt.Errorf("nobody has put %q", key)
	}
	return v, nil
}

// Fence waits for all n ranks.
func (b *Bootstrap) Fence(ctx context.Context) error {
	b.mu.Lock()
	release := b.release
	if b.inside++; b.inside == b.n {
		close(release)
		b.inside, b.release = 0, make(chan struct{})
	}
	b.mu.Unlock()
	select {
	case <-release:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
