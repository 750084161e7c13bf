package launcher

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"strconv"
	"sync"
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
	Job        string
	Rank, Size int // Size counts the head too, if it computes nothing
	Ranks      int // how many compute: those below this number
	Head       int // the one that reads INPUT and writes OUTPUT
	Files      int // how many files of Config.Files this one inherited
	Member     uint32
	Epoch      uint32
	Threads    int
	Host       string
	Hosts      []string // of all, by number
	Key        []byte   // the job's secret
	Spec       []byte   // as in Config

	conn *control.Conn
	ctx  context.Context

	mu    sync.Mutex
	pause func(on bool)     // what Suspend and Resume call
	put   map[string][]byte // since the last fence
	table map[string][]byte // what all ranks put before the fences that are complete
	fence chan struct{}     // that this rank is at, closed when it is complete; nil if it is at none
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
	switch {
	case err != nil:
	case !ok:
		err = fmt.Errorf("the agent sent a %T before a welcome", m)
	case w.Rank < 0 || w.Rank >= len(w.Hosts):
		err = fmt.Errorf("the agent calls this rank %d of %d", w.Rank, len(w.Hosts))
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	r := &Rank{
		Job: w.Job, Rank: w.Rank, Size: len(w.Hosts), Ranks: w.Size, Head: w.Head, Files: w.Files, Member: w.Member, Epoch: w.Epoch, Threads: w.Threads,
		Host: w.Hosts[w.Rank], Hosts: w.Hosts, Key: w.Key, Spec: w.Spec,
		conn: conn, ctx: ctx, put: make(map[string][]byte), table: make(map[string][]byte),
	}
	go r.listen(cancel)
	return r, nil
}

var (
	errStopped   = fmt.Errorf("the launcher stopped the job: %w", context.Canceled)
	errAgentGone = fmt.Errorf("the agent is gone: %w", context.Canceled)
)

// Context is derived from Attach's. It also ends when the launcher stops the job or the agent is gone; its cause is then
// a context.Canceled.
func (r *Rank) Context() context.Context { return r.ctx }

// listen hears what the agent says until its end of the stream closes.
func (r *Rank) listen(cancel context.CancelCauseFunc) {
	for {
		m, err := r.conn.Recv()
		if err != nil {
			cancel(errAgentGone)
			return
		}
		switch m := m.(type) {
		case *control.Table:
			r.leaveFence(m)
		case *control.Suspend:
			r.suspend(true)
			_ = r.conn.Send(&control.Suspended{}) // if that fails, so does Recv
		case *control.Resume:
			r.suspend(false)
		case *control.Stop:
			cancel(errStopped)
		}
	}
}

func (r *Rank) suspend(on bool) {
	r.mu.Lock()
	pause := r.pause
	r.mu.Unlock()
	if pause != nil {
		pause(on)
	}
}

// Joined tells the launcher that this rank has met all others. From then on the job may be suspended: pause is called with
// true before this process is stopped and with false after it goes on, and must not take long.
func (r *Rank) Joined(pause func(on bool)) error {
	r.mu.Lock()
	r.pause = pause
	r.mu.Unlock()
	return r.conn.Send(&control.Joined{})
}

func (r *Rank) leaveFence(t *control.Table) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.Copy(r.table, t.Values)
	if r.fence != nil {
		close(r.fence)
		r.fence = nil
	}
}

// Put keeps a value for the next Fence, after which every rank can Get it. Keys are the whole job's.
func (r *Rank) Put(_ context.Context, key string, value []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.put[key] = bytes.Clone(value)
	return nil
}

// Fence returns when all ranks of the epoch have come to it. A rank that gives up stays at that fence until then, and can
// come to no other.
func (r *Rank) Fence(ctx context.Context) error {
	complete, err := r.enterFence()
	if err != nil {
		return fmt.Errorf("fence: %w", err)
	}
	select {
	case <-complete:
		return nil
	case <-r.ctx.Done():
		return fmt.Errorf("fence: %w", context.Cause(r.ctx))
	case <-ctx.Done():
		return fmt.Errorf("fence: %w", context.Cause(ctx))
	}
}

func (r *Rank) enterFence() (complete <-chan struct{}, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fence != nil {
		return nil, errors.New("this rank is at an earlier one still")
	}
	if err := r.conn.Send(&control.Fence{Values: r.put}); err != nil {
		return nil, err
	}
	r.put = make(map[string][]byte)
	r.fence = make(chan struct{})
	return r.fence, nil
}

// Get returns what a rank put before a fence that this rank has left.
func (r *Rank) Get(_ context.Context, key string) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.table[key]
	if !ok {
		return nil, fmt.Errorf("get: no rank put %q before a fence", key)
	}
	return v, nil
}

// Done tells the launcher that this rank has done its part, and result, of which only the launcher's caller knows the
// meaning. It is the last call, and the process may exit at once: a Unix socket keeps what was sent for its reader.
func (r *Rank) Done(result []byte) error {
	return r.finish(&control.Finished{Result: result})
}

// Fail tells the launcher, in place of Done, that this rank's part failed, and which exit status the job should have
// (1 if it is 0). consequence means that the error only reflects another rank's failure, which is the one to be shown.
func (r *Rank) Fail(status int, message string, result []byte, consequence bool) error {
	if status == 0 {
		status = 1
	}
	return r.finish(&control.Finished{Status: status, Message: message, Consequence: consequence, Result: result})
}

func (r *Rank) finish(f *control.Finished) error {
	f.MaxRSSBytes = maxRSS()
	if err := r.conn.Send(f); err != nil {
		return fmt.Errorf("finish: %w", err)
	}
	return nil
}

// maxRSS returns the most memory that this process had resident so far, in bytes, or 0 if the kernel does not say.
// What wait4 says instead includes, in a small process, that of the parent, from between fork and exec.
func maxRSS() int64 {
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
