package comm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// TCP is the transport over TCP sockets.
type TCP struct {
	// Ports are those to listen on.
	Ports PortRange
	// Interface says where to listen when ranks are on several hosts: an interface's name (eth0), one of its addresses, or a
	// network (10.0.0.0/24). Empty means the interfaces that lead to the other hosts.
	Interface string
	// Preferred are addresses of this host by which others are known to reach it. They are offered first.
	Preferred []string
	// UserTimeout is how long sent bytes may stay unacknowledged by the peer's
	// kernel before the link counts as lost (RFC 5482); zero means 30 s.
	UserTimeout time.Duration
}

// Name returns "tcp".
func (TCP) Name() string { return "tcp" }

// Listen listens on 127.0.0.1.
func (t TCP) Listen(ctx context.Context) (Listener, error) {
	return t.listen(ctx, []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})})
}

// Candidates returns addresses by which other hosts may reach this one.
func (t TCP) Candidates() ([]netip.Addr, error) {
	own, err := ownAddresses()
	if err != nil {
		return nil, err
	}
	return candidates(own, t.Interface, t.Preferred)
}

// ListenFor listens on the addresses of this host that lead to the given addresses of others.
func (t TCP) ListenFor(ctx context.Context, peers []netip.Addr) (Listener, error) {
	own, err := ownAddresses()
	if err != nil {
		return nil, err
	}
	mine, err := candidates(own, t.Interface, t.Preferred)
	if err != nil {
		return nil, err
	}
	return t.listen(ctx, leading(mine, own, peers))
}

func (t TCP) listen(ctx context.Context, addrs []netip.Addr) (Listener, error) {
	// Connections inherit no keepalive: TCP_USER_TIMEOUT and the launcher's
	// heartbeats tell a dead peer from a silent one.
	lc := net.ListenConfig{KeepAlive: -1}
	l := &tcpListener{t: t, accepted: make(chan accepted), closed: make(chan struct{})}
	for _, a := range addrs {
		ln, err := t.listenOn(ctx, lc, a)
		if err != nil {
			l.Close()
			return nil, err
		}
		l.listeners = append(l.listeners, ln)
	}
	for _, ln := range l.listeners {
		go l.accept(ln)
	}
	return l, nil
}

// listenOn listens on the first port that is free.
func (t TCP) listenOn(ctx context.Context, lc net.ListenConfig, a netip.Addr) (*net.TCPListener, error) {
	for port := t.Ports.First; ; port++ {
		ln, err := lc.Listen(ctx, "tcp", netip.AddrPortFrom(a, uint16(port)).String())
		switch {
		case err == nil:
			return ln.(*net.TCPListener), nil
		case !errors.Is(err, syscall.EADDRINUSE):
			return nil, err
		case port >= t.Ports.Last:
			return nil, fmt.Errorf("no free port in %v on %v; widen --port-range to at least as many ports as a host has ranks", t.Ports, a)
		}
	}
}

const (
	redialFirst = time.Millisecond
	redialMost  = 100 * time.Millisecond
)

// refusedTime is how long a refused connection is tried again: a listener's queue may be full.
const refusedTime = time.Second

// Dial connects to addr.
func (t TCP) Dial(ctx context.Context, addr string) (Link, error) {
	d := net.Dialer{KeepAlive: -1}
	began := time.Now()
	for pause := redialFirst; ; pause = min(2*pause, redialMost) {
		c, err := d.DialContext(ctx, "tcp", addr)
		if err == nil {
			return t.link(c.(*net.TCPConn))
		}
		if !errors.Is(err, syscall.ECONNREFUSED) || time.Since(began) > refusedTime {
			return nil, err
		}
		if sleep(ctx, pause) != nil {
			return nil, err
		}
	}
}

// sleep waits for d or until ctx ends, and returns ctx's error then.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tcpListener listens on several addresses.
type tcpListener struct {
	t         TCP
	listeners []*net.TCPListener
	accepted  chan accepted
	closing   sync.Once
	closed    chan struct{}
}

type accepted struct {
	conn *net.TCPConn
	err  error
}

func (l *tcpListener) Addr() string {
	var addrs []string
	for _, ln := range l.listeners {
		addrs = append(addrs, ln.Addr().String())
	}
	return strings.Join(addrs, ",")
}

func (l *tcpListener) accept(ln *net.TCPListener) {
	for {
		c, err := ln.AcceptTCP()
		select {
		case l.accepted <- accepted{c, err}:
		case <-l.closed:
			if err == nil {
				c.Close()
			}
			return
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
	}
}

func (l *tcpListener) Accept() (Link, error) {
	select {
	case a := <-l.accepted:
		if a.err != nil {
			return nil, a.err
		}
		return l.t.link(a.conn)
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *tcpListener) Close() error {
	l.closing.Do(func() {
		close(l.closed)
		for _, ln := range l.listeners {
			ln.Close()
		}
	})
	return nil
}

// link readies a connected socket. Go has set TCP_NODELAY already.
func (t TCP) link(c *net.TCPConn) (Link, error) {
	timeout := t.UserTimeout
	if timeout == 0 {
		timeout = 30 * time.Second
	}
	l := &tcpLink{TCPConn: c, timeout: timeout}
	if err := l.setTimeout(timeout); err != nil {
		c.Close()
		return nil, err
	}
	return l, nil
}

type tcpLink struct {
	*net.TCPConn
	timeout time.Duration

	mu      sync.Mutex
	restore *time.Timer // sets the timeout again
}

// Suspend makes the kernel wait for a peer that is stopped for as long as it takes, and for a while longer when it goes on: the peer
// may do so later.
func (l *tcpLink) Suspend(on bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.restore != nil {
		l.restore.Stop()
	}
	if on {
		return l.setTimeout(0)
	}
	l.restore = time.AfterFunc(l.timeout, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		_ = l.setTimeout(l.timeout) // it fails for a link that is closed
	})
	return nil
}

// setTimeout sets TCP_USER_TIMEOUT; 0 is the kernel's own.
func (l *tcpLink) setTimeout(timeout time.Duration) error {
	raw, err := l.SyscallConn()
	if err == nil {
		err = errors.Join(raw.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(timeout.Milliseconds()))
		}), err)
	}
	return err
}

var longAgo = time.Unix(1, 0)

func (l *tcpLink) WriteFrame(ctx context.Context, parts net.Buffers) error {
	stop := context.AfterFunc(ctx, func() { l.SetWriteDeadline(longAgo) })
	defer stop()
	_, err := parts.WriteTo(l.TCPConn)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
