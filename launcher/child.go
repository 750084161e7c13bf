package launcher

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"halorun/launcher/control"
)

// child is a rank process as its agent sees it.
type child struct {
	member  uint32
	cmd     *exec.Cmd
	conn    *control.Conn
	out     *outbox        // on the conn
	streams                // control, stdout and stderr
	reading sync.WaitGroup // of the streams
}

// startRank starts a rank process and the goroutines that follow it until its end.
func (a *agent) startRank(s *control.Start, r control.Assigned, cpus []int) error {
	c := &child{member: r.Member, cmd: newCommand(self, append([]string{"halorun"}, s.Args...), syscall.SIGKILL)}
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
	c.out = newOutbox(c.conn)
	a.tell(&control.Started{Member: c.member, PID: c.cmd.Process.Pid, CPUs: cpus})
	c.out.post(&control.Welcome{
		Job: s.Job, Epoch: s.Epoch, Rank: r.Rank, Member: r.Member, Hosts: s.Hosts, Size: s.Size, Head: s.Head, Files: len(a.files),
		Threads: s.Threads, Key: s.Key, Spec: s.Spec,
	})
	a.mu.Lock()
	a.children[c.member] = c
	a.mu.Unlock()
	c.reading.Go(func() { a.listen(c) })
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

// listen forwards what a rank says, under the member ID that its agent knows it by.
func (a *agent) listen(c *child) {
	for {
		m, err := c.conn.Recv()
		if err != nil && !errors.Is(err, control.ErrProtocol) {
			return
		}
		switch m := m.(type) {
		case *control.Attached:
			m.Member = c.member
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
			if err == nil {
				err = fmt.Errorf("a %T is not for ranks to send", m)
			}
			// What it says next would make no sense either, so it ends: it notices that the stream does.
			a.tell(&control.Finished{Member: c.member, Status: 1, Message: fmt.Sprintf("cannot be understood: %v", err)})
			c.conn.Close()
			return
		}
		a.tell(m)
	}
}

// follow waits for a rank's end and reports it, after all else there is to report of the rank.
func (a *agent) follow(c *child) {
	pid := c.cmd.Process.Pid
	awaitExit(pid)
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
	a.tell(&control.Exited{Member: c.member, Status: e.status, Signal: int(e.signal), MaxRSSBytes: e.maxRSSBytes})
}
