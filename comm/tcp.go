package comm

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// TCP is the transport over TCP sockets.
type TCP struct {
	// ListenOn is the address to listen on, as for net.Listen; empty means any port
	// of 127.0.0.1.
	ListenOn string
	// UserTimeout is how long sent bytes may stay unacknowledged by the peer's
	// kernel before the link counts as lost (RFC 5482); zero means 30 s.
	UserTimeout time.Duration
}

// Name returns "tcp".
func (TCP) Name() string { return "tcp" }

// Listen opens the listening socket.
func (t TCP) Listen(ctx context.Context) (Listener, error) {
	addr := t.ListenOn
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	// Connections inherit no keepalive: TCP_USER_TIMEOUT and the launcher's
	// heartbeats tell a dead peer from a silent one.
	lc := net.ListenConfig{KeepAlive: -1}
	ln, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return tcpListener{ln.(*net.TCPListener), t}, nil
}

const (
	redialFirst = time.Millisecond
	redialMost  = 100 * time.Millisecond
)

// Dial connects to addr. A refused connection is tried again until ctx ends: a
// listener's queue may be full, or its process about to start.
func (t TCP) Dial(ctx context.Context, addr string) (Link, error) {
	d := net.Dialer{KeepAlive: -1}
	for pause := redialFirst; ; pause = min(2*pause, redialMost) {
		c, err := d.DialContext(ctx, "tcp", addr)
		if err == nil {
			return t.link(c.(*net.TCPConn))
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
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

type tcpListener struct {
	*net.TCPListener
	t TCP
}

func (l tcpListener) Addr() string { return l.TCPListener.Addr().String() }

func (l tcpListener) Accept() (Link, error) {
	c, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	return l.t.link(c)
}

// link readies a connected socket. Go has set TCP_NODELAY already.
func (t TCP) link(c *net.TCPConn) (Link, error) {
	timeout := t.UserTimeout
	if timeout == 0 {
		timeout = 30 * time.Second
	}
	raw, err := c.SyscallConn()
	if err == nil {
		err = errors.Join(raw.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(timeout.Milliseconds()))
		}), err)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return &tcpLink{TCPConn: c}, nil
}

type tcpLink struct {
	*net.TCPConn
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
