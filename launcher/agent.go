package launcher

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"halorun/launcher/control"
	"halorun/launcher/jobs"
)

const (
	// stopGrace is how long ranks have to tell what they have to tell, once they are told to stop.
	stopGrace = 250 * time.Millisecond
	// killTime is how long ranks may take to be gone once they are killed. One that waits for a dead disk takes for ever.
	killTime = 500 * time.Millisecond
	// firstWord is how long an agent waits for its launcher's first word.
	firstWord = 8 * time.Second
)

// launcherDied is the signal by which the kernel tells a local agent so. It is one that nobody else sends: whoever wants an agent to end
// leaves its launcher alive.
const launcherDied = syscall.SIGUSR2

var errLauncherGone = errors.New("the launcher is gone, or a signal ended this agent")

// Agent is the body of an agent process, which speaks with its launcher over stdin and stdout. It returns when the
// launcher tells it to stop, or is gone, which is an error. By then its ranks have ended. version is that of the program.
func Agent(ctx context.Context, version string) error {
	nameProcess("halorun agent")
	conn, err := takeStdio()
	if err != nil {
		return fmt.Errorf("agent: %w", err)
	}
	// Signals must not get their default meaning back: the kernel may tell of the launcher's death last of all.
	ctx, _ = signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	context.AfterFunc(ctx, conn.Close)
	orphaned := make(chan os.Signal, 1)
	signal.Notify(orphaned, launcherDied)
	go func() {
		<-orphaned
		conn.Close()
	}()
	// What is printed when nobody is there to read it may not end this agent before its time.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)

	a := &agent{
		launcher: conn, in: newInbox(conn), keeper: newKeeper(), children: make(map[uint32]*child),
		ended: make(chan struct{}),
	}
	a.relays.agent = a
	defer a.keeper.close()
	go a.in.run()
	a.patience.Store(int64(firstWord))
	go a.in.watch(&a.patience, a.ended, func() {
		a.silence.Store(a.patience.Load())
		conn.Close()
	})
	if program, err := os.Readlink(self); err == nil {
		go tidyCache(program)
	}
	a.tell(&control.Hello{Machine: thisMachine(version)})
	err = a.obey()
	if err == nil {
		err = ctx.Err()
	} else {
		conn.Close() // nobody is left to wait for what ranks still print
		a.end(0)
	}
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("agent: %w", err) // the launcher has another one take over the files
	}
	if _, resumable := os.Stat(a.keep); a.keep == "" || resumable != nil {
		for _, path := range a.remove {
			// Whoever put it in place or removed it already was first.
			if os.Remove(path) != nil {
				jobs.RemoveTemporary(path) // a folder of such files
			}
		}
	}
	return fmt.Errorf("agent: %w", err)
}

// thisMachine tells what there is to know of this host.
func thisMachine(version string) control.Machine {
	m := control.Machine{Arch: runtime.GOARCH, Version: version}
	m.Name, _ = os.Hostname()
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	network, _ := os.Readlink("/proc/self/ns/net")
	m.ID = strings.TrimSpace(string(boot)) + " " + network
	return m
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
	in       *inbox
	patience atomic.Int64 // with a silent launcher, in ns
	silence  atomic.Int64 // after which it was given up, in ns; 0 if it was not
	limit    atomic.Int64 // of a rank's silence, in ns
	keeper   *keeper
	files    []*os.File // that ranks inherit
	remove   []string
	keep     string // if it exists, what is in remove stays
	relays   relays
	running  sync.WaitGroup // the goroutines of children
	ended    chan struct{}  // closed when all that was started has ended, after a Stop

	mu       sync.Mutex
	children map[uint32]*child // by member; a child is here until its process has ended
	pausing  *pause            // while the job is suspended
	ooms     int               // oomKills that are accounted for
}

// obey does what the launcher says until it said stop and all has ended.
func (a *agent) obey() error {
	stopping := false
	for {
		var m control.Message
		var ok bool
		select {
		case <-a.ended:
			return nil
		case m, ok = <-a.in.messages:
		}
		if !ok {
			if errors.Is(a.in.broken, control.ErrProtocol) {
				return fmt.Errorf("the launcher cannot be understood: %w", a.in.broken)
			}
			if silence := time.Duration(a.silence.Load()); silence > 0 {
				return fmt.Errorf("%w: nothing was heard from it for %v", errLauncherGone, silence)
			}
			return errLauncherGone
		}
		switch m := m.(type) {
		case *control.Ping:
			a.ping(m)
		case *control.Start:
			a.start(m)
		case *control.Table, *control.Gone, *control.Release:
			a.toRanks(m)
		case *control.Suspend:
			a.suspend()
		case *control.Resume:
			a.resume()
		case *control.Open, *control.Input, *control.Kill:
			a.relays.obey(m)
		case *control.Stop:
			if !stopping {
				stopping = true
				go func() {
					defer close(a.ended)
					a.end(stopGrace)
				}()
			}
		default:
			return fmt.Errorf("the launcher cannot be understood: it sent a %T, which is not for agents", m)
		}
	}
}

// tell sends the launcher a message. If that fails, obey finds out as well.
func (a *agent) tell(m control.Message) { _ = a.launcher.Send(m) }

// ping answers without waiting for room in the stream: whoever obeys must notice that the launcher is gone.
func (a *agent) ping(p *control.Ping) {
	a.patience.Store(p.Timeout)
	a.limit.Store(p.Ranks)
	go func() {
		pong := &control.Pong{}
		if p.Sum {
			pong.Sum, _ = sumOf(self)
		}
		pong.Clock = time.Now().UnixNano()
		a.tell(pong)
	}()
}

// sumOf returns the SHA-256 of a file, in hex.
func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// start brings this host's ranks into an epoch: it makes it known to those that run, starts the others, and reports those that cannot be
// started. Members that do not belong to it end.
func (a *agent) start(s *control.Start) {
	a.remove, a.keep = s.Remove, s.Keep
	for i := len(a.files); i < s.Files; i++ {
		fd := controlFD + i
		unix.CloseOnExec(fd) // ranks get it where they expect it
		a.files = append(a.files, os.NewFile(uintptr(fd), fmt.Sprintf("inherited file %d", i)))
	}
	cpus := make([][]int, len(s.Ranks))
	if s.Bind {
		cpus = shares(cores(), len(s.Ranks), s.Threads)
	}
	runs := a.moveOn(s)
	for i, r := range s.Ranks {
		if runs[r.Member] {
			continue
		}
		if err := a.startRank(s, r, cpus[i]); err != nil {
			a.tell(&control.Exited{Member: r.Member, Error: err.Error()})
		}
	}
}

// moveOn tells the ranks that run of the epoch, ends those that are not in it, and returns the others.
func (a *agent) moveOn(s *control.Start) (runs map[uint32]bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	runs = make(map[uint32]bool)
	for _, r := range s.Ranks {
		if c := a.children[r.Member]; c != nil {
			runs[r.Member] = true
			c.out.post(a.welcome(s, r))
		}
	}
	for member, c := range a.children {
		if !runs[member] {
			signalGroup(c.cmd.Process.Pid, syscall.SIGKILL)
		}
	}
	return runs
}

func (a *agent) welcome(s *control.Start, r control.Assigned) *control.Welcome {
	return &control.Welcome{
		Job: s.Job, Epoch: s.Epoch, Rank: r.Rank, Member: r.Member, Hosts: s.Hosts, Size: s.Size, Head: s.Head, Files: len(a.files),
		Threads: s.Threads, Key: s.Key, Spec: s.Spec, Shrink: s.Shrink,
	}
}

func (a *agent) toRanks(m control.Message) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.children {
		c.out.post(m)
	}
}

// signalRanks sends a signal to all ranks and what they started.
func (a *agent) signalRanks(s syscall.Signal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.children {
		signalGroup(c.cmd.Process.Pid, s)
	}
}

// end ends all ranks: those that do not take the chance to stop by themselves within grace are killed. So it goes with the ways
// to other hosts' agents, which end when those do.
func (a *agent) end(grace time.Duration) {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		a.running.Wait()
		if grace == 0 {
			a.relays.kill()
		}
		a.relays.wait()
	}()
	if grace > 0 {
		a.toRanks(&control.Stop{})
		select {
		case <-gone:
			return
		case <-time.After(grace):
		}
	}
	a.signalRanks(syscall.SIGKILL)
	if grace == 0 {
		a.relays.kill()
	}
	select {
	case <-gone:
		return
	case <-time.After(killTime):
	}
	a.relays.kill()
}
