package comm_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"halorun/comm"
	"halorun/comm/commtest"
)

// tapped is TCP that sees all that a rank reads and writes on the wire, and may change what it reads.
type tapped struct {
	comm.TCP
	mu     sync.Mutex
	wire   bytes.Buffer
	change func(total int, b []byte) // of what is read, behind total bytes
}

func (t *tapped) ListenFor(ctx context.Context, peers []netip.Addr) (comm.Listener, error) {
	ln, err := t.TCP.ListenFor(ctx, peers)
	return tappedListener{ln, t}, err
}

func (t *tapped) Dial(ctx context.Context, addr string) (comm.Link, error) {
	l, err := t.TCP.Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	return &tappedLink{Link: l, tap: t}, nil
}

type tappedListener struct {
	comm.Listener
	tap *tapped
}

func (l tappedListener) Accept() (comm.Link, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &tappedLink{Link: c, tap: l.tap}, nil
}

type tappedLink struct {
	comm.Link
	tap   *tapped
	total int
}

func (l *tappedLink) Read(p []byte) (int, error) {
	n, err := l.Link.Read(p)
	l.tap.mu.Lock()
	defer l.tap.mu.Unlock()
	l.tap.wire.Write(p[:n])
	if l.tap.change != nil {
		l.tap.change(l.total, p[:n])
	}
	l.total += n
	return n, err
}

func (l *tappedLink) WriteFrame(ctx context.Context, parts net.Buffers) error {
	l.tap.mu.Lock()
	for _, p := range parts {
		l.tap.wire.Write(p)
	}
	l.tap.mu.Unlock()
	return l.Link.WriteFrame(ctx, parts)
}

var known = bytes.Repeat([]byte("what nobody else may read "), 10000)

// exchange has two ranks tell each other what is known, and returns what each could say of that.
func exchange(hosts []string, noEncrypt bool, tap *tapped) []error {
	o := commtest.Options{Timeout: time.Second, Config: func(c *comm.Config) {
		c.Hosts, c.Host, c.NoEncrypt = hosts, hosts[c.Rank], noEncrypt
		c.Transport, c.HandshakeTimeout = comm.TCP{Interface: "127.0.0.1"}, 300*time.Millisecond
		if c.Rank == 1 {
			c.Transport = tap
		}
	}}
	return commtest.Each(2, o, func(ctx context.Context, w *comm.World) error {
		want := "tcp+tls"
		if noEncrypt || hosts[0] == hosts[1] {
			want = "tcp"
		}
		if w.Transport() != want {
			return fmt.Errorf("the transport is %s; want %s", w.Transport(), want)
		}
		peer := 1 - w.Rank()
		got := make([]byte, len(known))
		rows := [][]byte{known[:1], known[1:1000], known[1000:]}
		if _, err := w.Sendrecv(ctx, peer, 1, rows, peer, 1, [][]byte{got}); err != nil {
			return err
		}
		if !bytes.Equal(got, known) {
			return fmt.Errorf("received something else")
		}
		return nil
	})
}

// Between hosts nothing can be read on the wire; on one host, or without encryption, it can.
func TestWire(t *testing.T) {
	for _, c := range []struct {
		hosts     []string
		noEncrypt bool
		readable  bool
	}{
		{[]string{"a", "b"}, false, false}, {[]string{"a", "b"}, true, true}, {[]string{"a", "a"}, false, true},
	} {
		tap := &tapped{TCP: comm.TCP{Interface: "127.0.0.1"}}
		tr := exchange(c.hosts, c.noEncrypt, tap)
		if tr[0] != nil || tr[1] != nil {
			t.Fatalf("%+v: %v", c, tr)
		}
		if c.hosts[0] == c.hosts[1] {
			continue // it is another listener that is not tapped
		}
		if readable := bytes.Contains(tap.wire.Bytes(), known[:100]); readable != c.readable {
			t.Errorf("%+v: readable is %v", c, readable)
		}
		if tap.wire.Len() < 2*len(known) {
			t.Errorf("%+v: only %d bytes were seen", c, tap.wire.Len())
		}
	}
}

// Whoever changes what is on the wire is noticed: no rank takes it for what its peer said.
func TestAlteredWire(t *testing.T) {
	for _, at := range []int{10, 60, 300, 1500, 200000} {
		tap := &tapped{TCP: comm.TCP{Interface: "127.0.0.1"}}
		tap.change = func(total int, b []byte) {
			if i := at - total; i >= 0 && i < len(b) {
				b[i] ^= 1
			}
		}
		errs := exchange([]string{"a", "b"}, false, tap)
		if errs[1] == nil {
			t.Errorf("changed at %d: %v", at, errs)
		}
		for _, err := range errs {
			if err != nil && strings.Contains(err.Error(), "something else") {
				t.Errorf("changed at %d: %v", at, err)
			}
		}
	}
}

// An address may lead nowhere, or to a stranger; the next one is tried.
func TestWaysAreTriedInTurn(t *testing.T) {
	stranger, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	go func() {
		for {
			c, err := stranger.Accept()
			if err != nil {
				return
			}
			go func() { // says something, and not what a rank says
				defer c.Close()
				_, _ = c.Write(bytes.Repeat([]byte("220 welcome\r\n"), 20))
				_, _ = io.Copy(io.Discard, c)
			}()
		}
	}()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for name, before := range map[string]string{"a stranger's": stranger.Addr().String(), "a dead": closed.Addr().String(), "none": ""} {
		o := commtest.Options{Config: func(c *comm.Config) {
			c.NoEncrypt = false
			c.Bootstrap = &gate{Bootstrap: c.Bootstrap, addr: make(chan string, 9), lie: func(addr string) string {
				return strings.TrimPrefix(before+","+addr, ",")
			}}
		}}
		commtest.Run(t, 3, o, func(ctx context.Context, w *comm.World) error { return everyCollective(ctx, w, 1000) })
		_ = name
	}
	// If no way leads to the peer, the error names both ends and all there is to know.
	o := commtest.Options{Config: func(c *comm.Config) {
		c.Bootstrap = &gate{Bootstrap: c.Bootstrap, addr: make(chan string, 9), lie: func(string) string { return closed.Addr().String() }}
	}, Timeout: 3 * time.Second}
	err = commtest.Each(2, o, func(context.Context, *comm.World) error { return nil })[1]
	for _, part := range []string{"rank 1 on host host1: join with rank 0 on host host0: no connection from 127.0.0.1 to " + closed.Addr().String() + ": connection refused; "} {
		if err == nil || !strings.HasPrefix(err.Error(), part) {
			t.Errorf("%v; want %q", err, part)
		}
	}
}

// misled is a bootstrap in which rank 0's addresses begin with one that leads to rank 1.
type misled struct{ comm.Bootstrap }

func (m misled) Get(ctx context.Context, key string) ([]byte, error) {
	b, err := m.Bootstrap.Get(ctx, key)
	if err != nil || key != "comm.addr.1.0" {
		return b, err
	}
	other, err := m.Bootstrap.Get(ctx, "comm.addr.1.1")
	return fmt.Appendf(nil, "%s,%s", other, b), err
}

// A rank that is dialed in place of another does not take the dialer for its own peer.
func TestAddressOfAnotherRank(t *testing.T) {
	for _, clear := range []bool{false, true} {
		commtest.Run(t, 3, commtest.Options{Timeout: 5 * time.Second, Config: func(c *comm.Config) {
			c.NoEncrypt = clear
			if c.Rank == 2 {
				c.Bootstrap = misled{c.Bootstrap}
			}
		}}, func(ctx context.Context, w *comm.World) error { return everyCollective(ctx, w, 1000) })
	}
}

// Ranks that do not agree on encryption do not get together, and learn why at once.
func TestDisagreementOnEncryption(t *testing.T) {
	began := time.Now()
	errs := commtest.Each(2, commtest.Options{Timeout: 3 * time.Second, Config: func(c *comm.Config) { c.NoEncrypt = c.Rank == 0 }},
		func(context.Context, *comm.World) error { return nil })
	if errs[1] == nil || !strings.Contains(errs[1].Error(), "--no-encrypt") || time.Since(began) > 10*time.Second {
		t.Errorf("%v after %v", errs, time.Since(began))
	}
}

// Silent strangers do not keep anybody from finding out about the ways.
func TestProbeAmongStrangers(t *testing.T) {
	board := commtest.NewBootstrap(2)
	addr := make(chan string, 9)
	crowded := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(crowded)
		at := <-addr
		for range 200 {
			c, err := net.Dial("tcp", at)
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { c.Close() })
		}
	})
	for rank := range 2 {
		wg.Go(func() {
			cfg := comm.Config{
				Rank: rank, Size: 2, Member: uint32(rank), Epoch: 1, Host: fmt.Sprint(rank), Hosts: []string{"0", "1"}, Key: []byte("0123456789abcdef"),
				Bootstrap: &gate{Bootstrap: board, addr: addr, open: crowded, last: rank == 1}, Transport: comm.TCP{Interface: "127.0.0.1"},
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			ways, err := comm.Probe(ctx, cfg)
			if err != nil || len(ways) != 1 || ways[0].Err != "" || ways[0].RoundTrip <= 0 || ways[0].BytesPerSecond <= 0 || ways[0].To != 1-rank {
				t.Errorf("rank %d: %+v, %v", rank, ways, err)
			}
		})
	}
	wg.Wait()
}
