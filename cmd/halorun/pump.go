package main

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// pump stands between the rank that is the sink and a stream that OUTPUT is. What has gone out on a stream cannot be taken back; so
// when that rank is lost, and another one begins OUTPUT anew, the pump drops what the stream has had already. The bytes are the same.
type pump struct {
	in  *os.File // the pipe's end here
	out *os.File // and its end for the ranks
	to  *os.File
	raw syscall.RawConn

	mu      sync.Mutex
	changed *sync.Cond
	pos     int64    // how far the writer has come
	emitted int64    // how much of OUTPUT has been queued or sent
	queue   [][]byte // to be sent
	busy    bool     // something of it is being sent
	ended   bool
	err     error
}

// newPump makes a pump that writes to a duplicate of a file.
func newPump(to *os.File) (*pump, error) {
	// A duplicate is no standard output, for which the Go runtime would end this program when nobody reads it any more.
	fd, err := unix.FcntlInt(to.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, err
	}
	p := &pump{to: os.NewFile(uintptr(fd), to.Name())}
	p.changed = sync.NewCond(&p.mu)
	if p.in, p.out, err = os.Pipe(); err == nil {
		p.raw, err = p.in.SyscallConn()
	}
	if err != nil {
		p.to.Close()
		return nil, err
	}
	go p.receive()
	go p.send()
	return p, nil
}

const pumpBytes = 256 << 10

// receive takes what comes through the pipe.
func (p *pump) receive() {
	buf := make([]byte, pumpBytes)
	for {
		p.mu.Lock()
		for len(p.queue) > 4 && p.err == nil {
			p.changed.Wait() // the writer waits for the stream
		}
		p.mu.Unlock()
		n, err := 0, error(nil)
		readErr := p.raw.Read(func(fd uintptr) bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			n, err = p.take(int(fd), buf)
			return !errors.Is(err, unix.EAGAIN)
		})
		if readErr != nil || err != nil && !errors.Is(err, unix.EINTR) || err == nil && n == 0 {
			break
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.changed.Broadcast()
}

// take reads once. p.mu is held, so that it is known which writer the bytes are of.
func (p *pump) take(fd int, buf []byte) (int, error) {
	n, err := unix.Read(fd, buf)
	if n <= 0 {
		return n, err
	}
	b := buf[:n]
	if had := p.emitted - p.pos; had > 0 {
		b = b[min(had, int64(n)):]
	}
	p.pos += int64(n)
	if len(b) > 0 {
		p.emitted += int64(len(b))
		p.queue = append(p.queue, append([]byte(nil), b...))
	}
	p.changed.Broadcast()
	return n, nil
}

// send writes to the stream. When that fails the writer finds its pipe broken.
func (p *pump) send() {
	defer p.to.Close()
	for {
		p.mu.Lock()
		for len(p.queue) == 0 && !p.ended {
			p.changed.Wait()
		}
		if len(p.queue) == 0 {
			p.mu.Unlock()
			return
		}
		b := p.queue[0]
		p.queue, p.busy = p.queue[1:], true
		p.mu.Unlock()
		_, err := p.to.Write(b)
		p.mu.Lock()
		p.busy = false
		if p.err == nil {
			p.err = err
		}
		p.changed.Broadcast()
		p.mu.Unlock()
		if err != nil {
			p.in.Close() // which waits for who is about to take from it, and needs the lock
			return
		}
	}
}

// restart makes ready for a writer that begins anew. The one before has ended.
func (p *pump) restart() {
	if p == nil {
		return
	}
	buf := make([]byte, pumpBytes)
	_ = p.raw.Control(func(fd uintptr) {
		p.mu.Lock()
		defer p.mu.Unlock()
		for n := 1; n > 0; {
			n, _ = p.take(int(fd), buf)
		}
		p.pos = 0
	})
}

// flush waits until all that was written has gone out, or ctx ends.
func (p *pump) flush(ctx context.Context) error {
	if p == nil {
		return nil
	}
	defer context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.changed.Broadcast()
	})()
	empty := func() bool {
		left := 0
		err := p.raw.Control(func(fd uintptr) { left, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
		return left == 0 || err != nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.err == nil && ctx.Err() == nil && (len(p.queue) > 0 || p.busy || !empty()) {
		p.changed.Wait()
	}
	if p.err == nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return p.err
}

// failure returns why the stream takes nothing more, if it does not.
func (p *pump) failure() error {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// close ends the pump, without waiting for a stream that takes nothing.
func (p *pump) close() {
	if p == nil {
		return
	}
	p.out.Close()
	p.in.Close()
}
