package launcher

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"halorun/launcher/control"
)

const (
	// controlFD is where a rank process finds its control stream.
	controlFD = 3
	// welcomeTime is how long a rank waits for its agent's first word.
	welcomeTime = 30 * time.Second
)

// Rank is a rank process's way to its launcher, and what it learned about its job. Its methods are safe for concurrent
// use.
type Rank struct {
	*Membership // the first
	Job         string
	Files       int // how many files of Config.Files this one inherited
	Member      uint32
	Threads     int
	Spec        []byte // as in Config

	conn    *control.Conn
	ctx     context.Context
	ponging atomic.Bool
	watched sync.Once
	expiry  atomic.Int64 // how long the agent may be silent, in ns

	mu      sync.Mutex
	current *Membership
	pause   func(on bool) // what Suspend and Resume call
}

// Attach tells a rank process who it is. The process was started by an agent, which speaks on descriptor 3.
func Attach(ctx context.Context) (*Rank, error) {
	// Otherwise the descriptor could be one of the Go runtime's, and must not be touched.
	if domain, err := unix.GetsockoptInt(controlFD, unix.SOL_SOCKET, unix.SO_DOMAIN); err != nil || domain != unix.AF_UNIX {
		return nil, errors.New("attach: this command is started by an agent of Halorun, not by hand")
	}
	file := os.NewFile(controlFD, "control")
	socket, err := net.FileConn(file) // a duplicate, which does not go on to child processes
	file.Close()
	if err != nil {
		return nil, fmt.Errorf("attach: %w", err)
	}
	r, err := attach(ctx, socket)
	if err != nil {
		return nil, fmt.Errorf("attach: %w", err)
	}
	nameProcess("halorun rank " + strconv.Itoa(r.Rank))
	return r, nil
}

func attach(ctx context.Context, socket net.Conn) (*Rank, error) {
	conn := control.NewConn(socket, socket)
	welcomed, stop := context.WithTimeoutCause(ctx, welcomeTime, errors.New("the agent says nothing"))
	defer stop()
	unhook := context.AfterFunc(welcomed, conn.Close)
	err := conn.Send(&control.Attached{})
	var m control.Message
	if err == nil {
		m, err = conn.Recv()
	}
	if !unhook() {
		return nil, context.Cause(welcomed)
	}
	w, ok := m.(*control.Welcome)
	if err == nil && !ok {
		err = fmt.Errorf("the agent sent a %T before a welcome", m)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	var first *Membership
	if err == nil {
		first, err = newMembership(ctx, conn, w)
	}
	if err != nil {
		cancel(err)
		conn.Close()
		return nil, err
	}
	r := &Rank{
		Membership: first, Job: w.Job, Files: w.Files, Member: w.Member, Threads: w.Threads, Spec: w.Spec,
		conn: conn, ctx: ctx, current: first,
	}
	go r.listen(cancel)
	return r, nil
}

var (
	// ErrReleased is the cause of a Rank's context when all ranks have finished.
	ErrReleased  = fmt.Errorf("all ranks have finished: %w", context.Canceled)
	errStopped   = fmt.Errorf("the launcher stopped the job: %w", context.Canceled)
	errAgentGone = fmt.Errorf("the agent is gone: %w", context.Canceled)
)

// Context is derived from Attach's. It also ends when the launcher stops the job or the agent is gone; its cause is then
// a context.Canceled.
func (r *Rank) Context() context.Context { return r.ctx }

// listen hears what the agent says until its end of the stream closes, or it is silent for too long. It waits for nothing else.
func (r *Rank) listen(cancel context.CancelCauseFunc) {
	in := newInbox(r.conn)
	go in.run()
	for m := range in.messages {
		switch m := m.(type) {
		case *control.Ping:
			r.pong(in, m)
		case *control.Welcome:
			r.move(m)
		case *control.Gone:
			r.gone(m)
		case *control.Table:
			if c := r.now(); c.Epoch == m.Epoch {
				c.leaveFence(m)
			}
		case *control.Suspend:
			r.expiry.Store(0)
			r.suspend(true)
			_ = r.conn.Send(&control.Suspended{}) // if that fails, so does Recv
		case *control.Resume:
			r.suspend(false)
		case *control.Release:
			cancel(ErrReleased)
		case *control.Stop:
			cancel(errStopped)
		}
	}
	cancel(errAgentGone)
}

// pong answers an agent, which has to do so within its timeout from now on.
func (r *Rank) pong(in *inbox, p *control.Ping) {
	r.expiry.Store(p.Timeout)
	// An agent that was stopped together with this rank's host may find that another one has taken over.
	r.watched.Do(func() { go in.watch(&r.expiry, r.ctx.Done(), r.conn.Close) })
	if r.ponging.CompareAndSwap(false, true) {
		go func() {
			_ = r.conn.Send(&control.Pong{}) // if that fails, so does Recv
			r.ponging.Store(false)
		}()
	}
}

// now returns the latest membership.
func (r *Rank) now() *Membership {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current
}

// move makes this rank a member of the next epoch.
func (r *Rank) move(w *control.Welcome) {
	next, err := newMembership(r.ctx, r.conn, w)
	if err != nil {
		r.conn.Close()
		return
	}
	r.mu.Lock()
	last := r.current
	r.current = next
	r.mu.Unlock()
	last.follow(next)
}

func (r *Rank) gone(g *control.Gone) {
	if c := r.now(); c.Epoch == g.Epoch {
		c.cancel(&Gone{Rank: g.Rank, Why: g.Why})
	}
}

// Progress tells the launcher what this rank's result would be if it ended now.
func (r *Rank) Progress(result []byte) error { return r.conn.Send(&control.Progress{Result: result}) }

// OnPause has pause called with true before this process is stopped and with false after it goes on. It must not take long.
func (r *Rank) OnPause(pause func(on bool)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pause = pause
}

func (r *Rank) suspend(on bool) {
	r.mu.Lock()
	pause := r.pause
	r.mu.Unlock()
	if pause != nil {
		pause(on)
	}
}

// MaxRSS returns the most memory that this process had resident so far, in bytes, or 0 if the kernel does not say.
// What wait4 says instead includes, in a small process, that of the parent, from between fork and exec.
func MaxRSS() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, after, _ := bytes.Cut(status, []byte("\nVmHWM:"))
	var kib int64
	if _, err := fmt.Fscanf(bytes.NewReader(after), "%d kB", &kib); err != nil {
		return 0
	}
	return kib << 10
}
