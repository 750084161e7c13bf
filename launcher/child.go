package launcher

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"halorun/launcher/control"
)

// child is a rank process as its agent sees it.
type child struct {
	member  uint32
	cmd     *exec.Cmd
	conn    *control.Conn
	in      *inbox
	out     *outbox        // on the conn
	streams                // control, stdout and stderr
	reading sync.WaitGroup // of the streams
	ended   chan struct{}  // closed when the process has
	hung    atomic.Int64   // for how long it was silent when it was killed for that, in ns
	told    sync.Once      // the launcher of its end
	ooms    int            // oomKills when it was started
}

// startRank starts a rank process and the goroutines that follow it until its end.
func (a *agent) startRank(s *control.Start, r control.Assigned, cpus []int) error {
	c := &child{member: r.Member, ended: make(chan struct{}), ooms: oomKills(), cmd: newCommand(self, append([]string{"halorun"}, s.Args...), syscall.SIGKILL)}
	c.cmd.Env = append(os.Environ(), s.Env...)
	if s.Dir != "" && r.Rank < s.Size { // the head is no rank, and its files are where the launcher is
		c.cmd.Dir = s.Dir
		// Otherwise the missing folder would look like a missing program.
		if _, err := os.Stat(s.Dir); err != nil {
			return fmt.Errorf("working folder: %w", err)
		}
	}
	var err error
	c.streams, err = a.keeper.spawn(c.cmd, cpus, func(theirs [3]*os.File) {
		c.cmd.Stdout, c.cmd.Stderr = theirs[1], theirs[2]
		c.cmd.ExtraFiles = append([]*os.File{theirs[0]}, a.files...)
	})
	if err != nil {
		return err
	}
	c.conn = control.NewConn(c.streams[0], c.streams[0])
	c.in, c.out = newInbox(c.conn), newOutbox(c.conn)
	a.tell(&control.Started{Member: c.member, PID: c.cmd.Process.Pid, CPUs: cpus})
	c.out.post(a.welcome(s, r))
	a.mu.Lock()
	a.children[c.member] = c
	a.mu.Unlock()
	c.reading.Go(c.in.run)
	c.reading.Go(func() { a.listen(c) })
	a.running.Go(func() { a.beat(c) })
	c.reading.Go(func() { a.forward(c, c.streams[1], "stdout") })
	c.reading.Go(func() { a.forward(c, c.streams[2], "stderr") })
	a.running.Go(c.out.run)
	a.running.Go(func() { a.follow(c) })
	return nil
}

// forward sends the launcher what a rank prints, line by line.
func (a *agent) forward(c *child, from *net.UnixConn, stream string) {
	lines := &lineWriter{emit: func(line []byte) {
		a.tell(&control.Line{Member: c.member, Stream: stream, Text: line})
	}}
	_, _ = io.Copy(lines, from) // an error is the stream's end
	lines.flush()
}

// beat tells a rank again and again that its agent is alive.
func (a *agent) beat(c *child) {
	for {
		limit := time.Duration(a.limit.Load())
		wait := limit / 5
		if limit == 0 {
			wait = idleBeat
		} else {
			c.out.post(&control.Ping{Timeout: int64(fenced(limit))})
		}
		select {
		case <-time.After(wait):
		case <-c.ended:
			return
		}
	}
}

// watch ends a rank that is silent, because it hangs or is stopped.
func (a *agent) watch(c *child) {
	c.in.watch(&a.limit, c.ended, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.children[c.member] == c {
			c.hung.Store(a.limit.Load())
			signalGroup(c.cmd.Process.Pid, syscall.SIGKILL)
			a.running.Go(func() { a.bury(c) })
		}
	})
}

// bury reports the end of a rank that was killed, should it not come. One that waits for a disk, or for memory, does nothing any more by
// itself, but may take for ever to be gone.
func (a *agent) bury(c *child) {
	select {
	case <-c.ended:
	case <-time.After(killTime):
		a.tellEnd(c, &control.Exited{Member: c.member, Signal: int(syscall.SIGKILL), Hung: c.hung.Load()})
	}
}

// tellEnd reports a rank's end, once.
func (a *agent) tellEnd(c *child, e *control.Exited) { c.told.Do(func() { a.tell(e) }) }

// idleBeat is how often it is looked whether there shall be heartbeats.
const idleBeat = 50 * time.Millisecond

// listen forwards what a rank says, under the member ID that its agent knows it by.
func (a *agent) listen(c *child) {
	for m := range c.in.messages {
		switch m := m.(type) {
		case *control.Pong:
			continue
		case *control.Progress:
			m.Member = c.member
		case *control.Stuck:
			m.Member = c.member
		case *control.Attached:
			m.Member = c.member
			a.running.Go(func() { a.watch(c) })
		case *control.Fence:
			m.Member = c.member
		case *control.Joined:
			m.Member = c.member
		case *control.Suspended:
			a.pauses(c)
			continue
		case *control.Finished:
			m.Member = c.member
		default:
			a.misunderstood(c, fmt.Errorf("a %T is not for ranks to send", m))
			return
		}
		a.tell(m)
	}
	if errors.Is(c.in.broken, control.ErrProtocol) {
		a.misunderstood(c, c.in.broken)
	}
}

// misunderstood ends a rank that says what makes no sense. What it says next would make none either: it notices that its stream ends.
func (a *agent) misunderstood(c *child, err error) {
	a.tell(&control.Finished{Member: c.member, Status: 1, Message: fmt.Sprintf("cannot be understood: %v", err)})
	c.conn.Close()
	for range c.in.messages {
	}
}

// follow waits for a rank's end and reports it, after all else there is to report of the rank.
func (a *agent) follow(c *child) {
	pid := c.cmd.Process.Pid
	awaitExit(pid)
	close(c.ended)
	a.mu.Lock()
	signalGroup(pid, syscall.SIGKILL) // what it may have started
	delete(a.children, c.member)
	a.mu.Unlock()
	c.out.close()
	c.closeRead()
	c.reading.Wait()
	c.streams.close()
	_ = c.cmd.Wait() // its error says what exitOf says
	e := exitOf(c.cmd)
	a.tellEnd(c, &control.Exited{
		Member: c.member, Status: e.status, Signal: int(e.signal), MaxRSSBytes: e.maxRSSBytes, Hung: c.hung.Load(),
		Memory: e.signal == syscall.SIGKILL && c.hung.Load() == 0 && a.ranOutOfMemory(c),
	})
}

// ranOutOfMemory tells whether the kernel has killed a process since c was started, which no other rank was found to be.
func (a *agent) ranOutOfMemory(c *child) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ooms = max(a.ooms, c.ooms)
	if oomKills() <= a.ooms {
		return false
	}
	a.ooms++
	return true
}
