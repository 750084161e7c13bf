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

	"golang.org/x/sys/unix"

	"halorun/launcher/control"
)

// child is a rank process as its agent sees it.
type child struct {
	member uint32
	cmd    *exec.Cmd
	conn   *control.Conn
	out    *outbox // on the conn
	// Our ends of the control stream, stdout and stderr. All are sockets, not pipes: when the process has ended, CloseRead
	// gives us what it has sent and then the stream's end, even if a descendant holds the other end open.
	streams [3]*net.UnixConn
	reading sync.WaitGroup // of the streams
}

// startRank starts a rank process and the goroutines that follow it until its end.
func (a *agent) startRank(s *control.Start, r control.Assigned) error {
	c := &child{member: r.Member, cmd: newCommand(self, s.Args, syscall.SIGKILL)}
	var theirs [len(c.streams)]*os.File
	var err error
	for i := range theirs {
		if c.streams[i], theirs[i], err = socketPair(); err != nil {
			err = fmt.Errorf("make a socket pair: %w", err)
			break
		}
		defer theirs[i].Close()
	}
	if err == nil {
		c.cmd.Stdout, c.cmd.Stderr = theirs[1], theirs[2]
		c.cmd.ExtraFiles = append([]*os.File{theirs[0]}, a.files...)
		err = a.keeper.start(c.cmd)
	}
	if err != nil {
		c.close()
		return err
	}
	c.conn = control.NewConn(c.streams[0], c.streams[0])
	c.out = newOutbox(c.conn)
	a.tell(&control.Started{Member: c.member, PID: c.cmd.Process.Pid})
	c.out.post(&control.Welcome{
		Job: s.Job, Epoch: s.Epoch, Rank: r.Rank, Member: r.Member, Hosts: s.Hosts, Threads: s.Threads, Key: s.Key, Spec: s.Spec,
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

func (c *child) close() {
	for _, s := range c.streams {
		if s != nil {
			s.Close()
		}
	}
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
	killGroup(pid) // what it may have started
	delete(a.children, c.member)
	a.mu.Unlock()
	c.out.close()
	for _, s := range c.streams {
		_ = s.CloseRead() // it is closed already if the rank cannot be understood
	}
	c.reading.Wait()
	c.close()
	_ = c.cmd.Wait() // its error says what exitOf says
	e := exitOf(c.cmd)
	a.tell(&control.Exited{Member: c.member, Status: e.status, Signal: int(e.signal), MaxRSSBytes: e.maxRSSBytes})
}

// socketPair returns the two ends of a stream between an agent and a rank.
func socketPair() (ours *net.UnixConn, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	file := os.NewFile(uintptr(fds[0]), "socket")
	defer file.Close()
	theirs = os.NewFile(uintptr(fds[1]), "socket")
	conn, err := net.FileConn(file)
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return conn.(*net.UnixConn), theirs, nil
}
