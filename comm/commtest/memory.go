package commtest

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"

	"halorun/comm"
)

// Memory is a comm.Transport within one process. Its links wait on channels
// only, so that they work in a testing/synctest bubble. The ranks of a world
// share one Memory.
type Memory struct {
	mu        sync.Mutex
	listeners []*memoryListener
}

// Name returns "memory".
func (*Memory) Name() string { return "memory" }

// Listen opens a place to dial.
func (m *Memory) Listen(context.Context) (comm.Listener, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ln := &memoryListener{
		addr:   fmt.Sprint(len(m.listeners)),
		queue:  make(chan comm.Link),
		closed: make(chan struct{}),
	}
	ln.close = sync.OnceFunc(func() { close(ln.closed) })
	m.listeners = append(m.listeners, ln)
	return ln, nil
}

// Dial waits until the listener at addr accepts.
func (m *Memory) Dial(ctx context.Context, addr string) (comm.Link, error) {
	var i int
	if _, err := fmt.Sscan(addr, &i); err != nil {
		return nil, err
	}
	m.mu.Lock()
	ln := m.listeners[i]
	m.mu.Unlock()
	here, there := Pipe()
	select {
	case ln.queue <- there:
		return here, nil
	case <-ln.closed:
		return nil, syscall.ECONNREFUSED
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type memoryListener struct {
	addr   string
	queue  chan comm.Link
	closed chan struct{}
	close  func()
}

func (l *memoryListener) Addr() string { return l.addr }

func (l *memoryListener) Accept() (comm.Link, error) {
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error {
	l.close()
	return nil
}

// Pipe returns the two ends of a link in memory.
func Pipe() (a, b comm.Link) {
	there, back := newHalf(), newHalf()
	return &memoryLink{out: there, in: back}, &memoryLink{out: back, in: there}
}

// pipeBuffer is how many bytes are on their way before a writer waits, as in a
// socket.
const pipeBuffer = 128 << 10

// half is one direction of a link: bytes in flight, handed over in pieces.
type half struct {
	pieces chan []byte   // in flight
	rest   []byte        // of the piece the reader has begun
	ended  chan struct{} // the writer has closed; what is in flight still arrives
	torn   chan struct{} // the reader has closed
	end    func()
	tear   func()
}

const pieceSize = 8 << 10

func newHalf() *half {
	h := &half{
		pieces: make(chan []byte, pipeBuffer/pieceSize),
		ended:  make(chan struct{}),
		torn:   make(chan struct{}),
	}
	h.end = sync.OnceFunc(func() { close(h.ended) })
	h.tear = sync.OnceFunc(func() { close(h.torn) })
	return h
}

type memoryLink struct{ out, in *half }

func (l *memoryLink) WriteFrame(ctx context.Context, parts net.Buffers) error {
	for _, p := range parts {
		for len(p) > 0 {
			n := min(len(p), pieceSize)
			if err := l.out.put(ctx, append([]byte(nil), p[:n]...)); err != nil {
				return err
			}
			p = p[n:]
		}
	}
	return nil
}

func (h *half) put(ctx context.Context, piece []byte) error {
	select {
	case <-h.ended:
		return net.ErrClosed
	case <-h.torn:
		return syscall.EPIPE
	default:
	}
	select {
	case h.pieces <- piece:
		return nil
	case <-h.ended:
		return net.ErrClosed
	case <-h.torn:
		return syscall.EPIPE
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *memoryLink) Read(p []byte) (int, error) {
	h := l.in
	if len(h.rest) == 0 {
		if err := h.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, h.rest)
	h.rest = h.rest[n:]
	return n, nil
}

// next waits for a piece. What was in flight when the writer closed comes before
// the end.
func (h *half) next() error {
	select {
	case h.rest = <-h.pieces:
		return nil
	case <-h.torn:
		return net.ErrClosed
	case <-h.ended:
	}
	select {
	case h.rest = <-h.pieces:
		return nil
	default:
		return io.EOF
	}
}

func (l *memoryLink) Close() error {
	l.out.end()
	l.in.tear()
	return nil
}
