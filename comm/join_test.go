package comm_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"halorun/comm"
	"halorun/comm/commtest"
)

// gate is a bootstrap that holds the last rank back until strangers are through
// with rank 0, and can give out other addresses.
type gate struct {
	comm.Bootstrap
	addr chan string   // gets rank 0's address
	open chan struct{} // lets the last rank go on
	last bool
	lie  func(addr string) string
}

func (g *gate) Put(ctx context.Context, key string, value []byte) error {
	if strings.HasPrefix(key, "comm.addr.") && strings.HasSuffix(key, ".0") {
		g.addr <- string(value)
	}
	if g.last && strings.HasPrefix(key, "comm.addr.") {
		<-g.open
	}
	return g.Bootstrap.Put(ctx, key, value)
}

func (g *gate) Get(ctx context.Context, key string) ([]byte, error) {
	b, err := g.Bootstrap.Get(ctx, key)
	if g.lie != nil && strings.HasPrefix(key, "comm.addr.") {
		b = []byte(g.lie(string(b)))
	}
	return b, err
}

// strangers are what may come to a rank's port, each given a link to it.
var strangers = map[string]func(ctx context.Context, l comm.Link) error{
	"scanner": func(context.Context, comm.Link) error { return nil },
	"garbage": func(ctx context.Context, l comm.Link) error {
		l.WriteFrame(ctx, net.Buffers{bytes.Repeat([]byte("GET / HTTP/1.1\r\n\r\n"), 1000)})
		_, err := io.Copy(io.Discard, l)
		return notEnd(err)
	},
	"flood": func(ctx context.Context, l comm.Link) error {
		sent, junk := 0, make([]byte, 1<<20)
		for sent < 4<<30 {
			if err := l.WriteFrame(ctx, net.Buffers{junk}); err != nil {
				break
			}
			sent += len(junk)
		}
		if sent > 64<<20 {
			return fmt.Errorf("%d bytes were taken", sent)
		}
		return nil
	},
}

// notEnd forgives the errors with which a socket ends.
func notEnd(err error) error {
	var op *net.OpError
	if err == io.EOF || errors.As(err, &op) {
		return nil
	}
	return err
}

// joinAmid joins three ranks while crowd is at rank 0's door.
func joinAmid(t *testing.T, transport comm.Transport, timeout time.Duration, crowd func(dial func() comm.Link)) {
	t.Helper()
	addr, open := make(chan string, 1), make(chan struct{})
	var outside sync.WaitGroup
	outside.Go(func() {
		at := <-addr
		defer close(open)
		crowd(func() comm.Link {
			l, err := transport.Dial(t.Context(), at)
			if err != nil {
				t.Fatal(err)
			}
			return l
		})
	})
	o := commtest.Options{Timeout: timeout, Config: func(c *comm.Config) {
		c.Transport, c.NoEncrypt = transport, false
		c.Bootstrap = &gate{Bootstrap: c.Bootstrap, addr: addr, open: open, last: c.Rank == 2}
	}}
	commtest.Run(t, 3, o, func(ctx context.Context, w *comm.World) error { return everyCollective(ctx, w, 1000) })
	outside.Wait()
}

func TestJoinAmongStrangers(t *testing.T) {
	for name, visit := range strangers {
		t.Run(name, func(t *testing.T) {
			joinAmid(t, comm.TCP{Interface: "127.0.0.1"}, 0, func(dial func() comm.Link) {
				var wg sync.WaitGroup
				defer wg.Wait()
				for range 20 {
					l := dial()
					wg.Go(func() {
						defer l.Close()
						if err := visit(t.Context(), l); err != nil {
							t.Error(err)
						}
					})
				}
			})
		})
	}
}

// More silent connections than a rank has places for do not keep its peers out,
// and neither does one that says its hello a byte a second.
func TestJoinAmongSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var silent []comm.Link
		var slow sync.WaitGroup
		joinAmid(t, new(commtest.Memory), time.Hour, func(dial func() comm.Link) {
			loris := dial()
			slow.Go(func() {
				defer loris.Close()
				start := time.Now()
				for _, b := range []byte("HALORUN1 and then very little for a very long time") {
					if loris.WriteFrame(t.Context(), net.Buffers{{b}}) != nil {
						break
					}
					time.Sleep(time.Second) // of synctest's clock: it takes no time
				}
				if d := time.Since(start); d > 10*time.Second {
					t.Errorf("listened to for %v", d)
				}
			})
			for range 200 {
				silent = append(silent, dial())
			}
		})
		slow.Wait()
		for _, l := range silent {
			if _, err := io.Copy(io.Discard, l); err != nil {
				t.Errorf("a silent connection was not ended: %v", err)
			}
			l.Close()
		}
	})
}

// A handshake that was overheard opens nothing.
func TestReplay(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	addr, overheard, replayed := make(chan string, 1), make(chan []byte, 1), make(chan struct{})
	const handshakes = 40 + 48 // what a dialer says: hello and proof
	var wg sync.WaitGroup
	wg.Go(func() { // between rank 1 and rank 0
		at := <-addr
		in, err := ln.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer in.Close()
		out, err := net.Dial("tcp", at)
		if err != nil {
			t.Error(err)
			return
		}
		defer out.Close()
		var back sync.WaitGroup
		back.Go(func() { io.Copy(in, out); in.Close() })
		var said bytes.Buffer
		io.CopyN(io.MultiWriter(out, &said), in, handshakes)
		overheard <- said.Bytes()

		again, err := net.Dial("tcp", at)
		if err != nil {
			t.Error(err)
			return
		}
		again.Write(said.Bytes())
		answer, err := io.ReadAll(again)
		if len(answer) > 32 || notEnd(err) != nil {
			t.Errorf("answer of %d bytes, error %v", len(answer), err)
		}
		again.Close()
		close(replayed)
		io.Copy(out, in)
		out.Close()
		back.Wait()
	})
	o := commtest.Options{Config: func(c *comm.Config) {
		g := &gate{Bootstrap: c.Bootstrap, addr: addr}
		switch c.Rank {
		case 1:
			g.lie = func(string) string { return ln.Addr().String() }
		case 2: // so that rank 0 still listens
			g.lie = func(addr string) string { <-replayed; return addr }
		}
		c.Bootstrap = g
	}}
	commtest.Run(t, 3, o, func(ctx context.Context, w *comm.World) error { return everyCollective(ctx, w, 1000) })
	wg.Wait()
	if said := <-overheard; len(said) != handshakes {
		t.Errorf("overheard %d bytes", len(said))
	}
}

// A rank that is not who it should be gets in nowhere and learns why; the others
// say whom they miss.
func TestJoinRefuses(t *testing.T) {
	for name, change := range map[string]func(*comm.Config){
		"key":   func(c *comm.Config) { c.Key = []byte("some other job's key") },
		"epoch": func(c *comm.Config) { c.Epoch++; c.Bootstrap = lastEpoch{c.Bootstrap} },
		"size":  func(c *comm.Config) { c.Size = 3 },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				errs := commtest.Each(2, commtest.Options{Memory: true, Config: func(c *comm.Config) {
					if c.Rank == 1 {
						change(c)
					}
				}}, func(context.Context, *comm.World) error { return errors.New("joined") })
				if err := errs[0]; !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "rank 1 on host host1 did not connect") {
					t.Errorf("rank 0: %v", err)
				}
				if err := errs[1]; err == nil || !strings.Contains(err.Error(), "join with rank 0 on host host0") || !strings.Contains(err.Error(), "handshake failed") {
					t.Errorf("rank 1: %v", err)
				}
			})
		})
	}
}

// Of two ranks that both claim to be rank 1, one gets in at most.
func TestJoinDuplicateRank(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		errs := commtest.Each(3, commtest.Options{Memory: true, Config: func(c *comm.Config) {
			if c.Rank == 2 {
				c.Rank = 1
			}
		}}, func(context.Context, *comm.World) error { return errors.New("joined") })
		for rank, err := range errs {
			if err == nil || strings.Contains(err.Error(), "joined") {
				t.Errorf("rank %d: %v", rank, err)
			}
		}
		if !strings.Contains(errs[0].Error(), "rank 2 on host host2 did not connect") {
			t.Errorf("rank 0: %v", errs[0])
		}
	})
}

// lastEpoch finds the addresses of the epoch before.
type lastEpoch struct{ comm.Bootstrap }

func (b lastEpoch) Get(ctx context.Context, key string) ([]byte, error) {
	return b.Bootstrap.Get(ctx, strings.Replace(key, ".2.", ".1.", 1))
}

func TestJoinConfig(t *testing.T) {
	for _, c := range []struct {
		cfg  comm.Config
		want string
	}{
		{comm.Config{}, "join: no rank 0 in a world of size 0"},
		{comm.Config{Rank: 2, Size: 2}, "no rank 2"},
		{comm.Config{Size: 2, Key: make([]byte, 15)}, "key of 15 bytes"},
		{comm.Config{Size: 2, Key: make([]byte, 16)}, "bootstrap"},
		{comm.Config{Size: 1, EagerLimit: 2 << 20}, "eager limit"},
	} {
		if _, err := comm.Join(t.Context(), c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	w, err := comm.Join(t.Context(), comm.Config{Size: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

// broken is a bootstrap that fails at one step.
type broken struct {
	comm.Bootstrap
	step string
}

var errBroken = errors.New("the launcher is gone")

func (b broken) Put(ctx context.Context, key string, value []byte) error {
	if b.step == "put" {
		return errBroken
	}
	return b.Bootstrap.Put(ctx, key, value)
}

func (b broken) Fence(ctx context.Context) error {
	if b.step == "fence" {
		return errBroken
	}
	return b.Bootstrap.Fence(ctx)
}

func (b broken) Get(ctx context.Context, key string) ([]byte, error) {
	if b.step == "get" {
		return nil, errBroken
	}
	return b.Bootstrap.Get(ctx, key)
}

func TestJoinWithoutBootstrap(t *testing.T) {
	for _, step := range []string{"put", "fence", "get"} {
		synctest.Test(t, func(t *testing.T) {
			errs := commtest.Each(2, commtest.Options{Memory: true, Config: func(c *comm.Config) {
				if c.Rank == 1 {
					c.Bootstrap = broken{c.Bootstrap, step}
				}
			}}, func(context.Context, *comm.World) error { return errors.New("joined") })
			if !errors.Is(errs[1], errBroken) || !errors.Is(errs[0], context.DeadlineExceeded) {
				t.Errorf("%s: %v", step, errs)
			}
		})
	}
}

// When all are in, nobody listens any more.
func TestListenerCloses(t *testing.T) {
	addr := make(chan string, 1)
	o := commtest.Options{Config: func(c *comm.Config) { c.Bootstrap = &gate{Bootstrap: c.Bootstrap, addr: addr} }}
	commtest.Run(t, 2, o, func(ctx context.Context, w *comm.World) error {
		if err := w.Barrier(ctx); err != nil {
			return err
		}
		if w.Rank() == 0 {
			if c, err := net.Dial("tcp", <-addr); err == nil {
				c.Close()
				return errors.New("somebody listens")
			}
		}
		return nil
	})
}
