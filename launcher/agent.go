package launcher

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"halorun/launcher/control"
)

const (
	// stopGrace is how long ranks have to tell what they have to tell, once they are told to stop.
	stopGrace = 250 * time.Millisecond
	// killTime is how long ranks may take to be gone once they are killed. One that waits for a dead disk takes for ever.
	killTime = 500 * time.Millisecond
)

var errLauncherGone = errors.New("the launcher is gone, or a signal ended this agent")

// Agent is the body of an agent process, which speaks with its launcher over stdin and stdout. It returns when the
// launcher tells it to stop, or is gone, which is an error. By then its ranks have ended.
func Agent(ctx context.Context) error {
	nameProcess("halorun agent")
	conn, err := takeStdio()
	if err != nil {
		return fmt.Errorf("agent: %w", err)
	}
	// SIGTERM is also how the kernel tells of the launcher's death. It may do that last of all, so signals must not get their
	// default meaning back.
	ctx, _ = signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	context.AfterFunc(ctx, conn.Close)

	a := &agent{launcher: conn, keeper: newKeeper(), children: make(map[uint32]*child)}
	defer a.keeper.close()
	a.tell(&control.Hello{})
	err = a.obey()
	if err == nil {
		a.end(stopGrace)
		err = ctx.Err()
	} else {
		conn.Close() // nobody is left to wait for what ranks still print
		a.end(0)
	}
	if err == nil {
		return nil
	}
	for _, path := range a.remove {
		// Whoever put it in place or removed it already was first.
		_ = os.Remove(path)
	}
	return fmt.Errorf("agent: %w", err)
}

// takeStdio returns the control stream on stdin and stdout. Whatever else is printed to stdout goes to stderr from now
// on.
func takeStdio() (*control.Conn, error) {
	in, err := takeDescriptor(0, "stdin")
	if err != nil {
		return nil, err
	}
	out, err := takeDescriptor(1, "stdout")
	if err != nil {
		in.Close()
		return nil, err
	}
	conn := control.NewConn(in, out)
	if err := unix.Dup3(2, 1, 0); err != nil {
		conn.Close()
		return nil, fmt.Errorf("point stdout to stderr: %w", err)
	}
	return conn, nil
}

// agent is the state of an agent process.
type agent struct {
	launcher *control.Conn
	keeper   *keeper
	files    []*os.File // that ranks inherit
	remove   []string
	running  sync.WaitGroup // the goroutines of children

	mu       sync.Mutex
	children map[uint32]*child // by member; a child is here until its process has ended
}

// obey does what the launcher says until it says stop.
func (a *agent) obey() error {
	for {
		m, err := a.launcher.Recv()
		if errors.Is(err, control.ErrProtocol) {
			return fmt.Errorf("the launcher cannot be understood: %w", err)
		}
		if err != nil {
			return errLauncherGone
		}
		switch m := m.(type) {
		case *control.Start:
			a.start(m)
		case *control.Table:
			a.toRanks(m)
		case *control.Stop:
			return nil
		default:
			return fmt.Errorf("the launcher cannot be understood: it sent a %T, which is not for agents", m)
		}
	}
}

// tell sends the launcher a message. If that fails, obey finds out as well.
func (a *agent) tell(m control.Message) { _ = a.launcher.Send(m) }

// start starts the ranks, and reports those that cannot be.
func (a *agent) start(s *control.Start) {
	a.remove = s.Remove
	for i := len(a.files); i < s.Files; i++ {
		fd := controlFD + i
		unix.CloseOnExec(fd) // ranks get it where they expect it
		a.files = append(a.files, os.NewFile(uintptr(fd), fmt.Sprintf("inherited file %d", i)))
	}
	for _, r := range s.Ranks {
		if err := a.startRank(s, r); err != nil {
			a.tell(&control.Exited{Member: r.Member, Error: err.Error()})
		}
	}
}

func (a *agent) toRanks(m control.Message) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.children {
		c.out.post(m)
	}
}

// end ends all ranks: those that do not take the chance to stop by themselves within grace are killed.
func (a *agent) end(grace time.Duration) {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		a.running.Wait()
	}()
	if grace > 0 {
		a.toRanks(&control.Stop{})
		select {
		case <-gone:
			return
		case <-time.After(grace):
		}
	}
	a.mu.Lock()
	for _, c := range a.children {
		killGroup(c.cmd.Process.Pid)
	}
	a.mu.Unlock()
	select {
	case <-gone:
	case <-time.After(killTime):
	}
}
