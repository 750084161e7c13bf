package launcher

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"halorun/hostfiles"
	"halorun/launcher/control"
)

// launch starts the agents of a job.
type launch struct {
	config   *Config
	keeper   *keeper
	binaries *binaries
	reporter *reporter
	names    machineNames
	kexes
	direct chan struct{} // has room for as many ways as may be in the making at a time
	events chan event    // of all agents
}

// reached is what became of the attempt to reach a host.
type reached struct {
	agent *agentProcess // nil if there was an error
	err   error
	done  chan struct{} // closed when the above is known
}

// moreErrors is how long the launcher goes on after one host could not be reached, to tell of others that cannot.
const moreErrors = 500 * time.Millisecond

// connect starts an agent on each of the hosts, of which the first is this machine, and returns them and the errors, by host. It
// does not wait for all if one fails that the job cannot go on without.
func (l *launch) connect(ctx context.Context, hosts []hostfiles.Host) ([]*agentProcess, []error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ways := make([]*reached, len(hosts))
	for i := range ways {
		ways[i] = &reached{done: make(chan struct{})}
	}
	var g sync.WaitGroup
	var failed sync.Once
	for i, h := range hosts {
		g.Go(func() {
			w := ways[i]
			defer close(w.done)
			if i == 0 {
				w.agent, w.err = l.local(ctx, h)
			} else {
				w.agent, w.err = l.remote(ctx, h, l.parent(ways[1:], i-1))
			}
			if w.err != nil && !l.config.SkipUnreachable && !(i > 0 && l.isSpare(h)) {
				failed.Do(func() {
					time.AfterFunc(moreErrors, func() { cancel(errGivenUp) })
				})
			}
		})
	}
	g.Wait()
	agents, errs := make([]*agentProcess, len(hosts)), make([]error, len(hosts))
	for i, w := range ways {
		agents[i], errs[i] = w.agent, w.err
	}
	return agents, errs
}

// parent returns which host is to connect to the i-th of those that are not this machine, or nil if this machine is. Every host has
// up to Fanout children, counted through level by level.
func (l *launch) parent(ways []*reached, i int) *reached {
	if i < l.config.Fanout {
		return nil
	}
	return ways[i/l.config.Fanout-1]
}

// localTime is how long an agent on this machine may be without a sign of life, at least.
const localTime = 2 * time.Second

// errGivenUp is the error of a host that was not waited for.
var errGivenUp = errors.New("given up")

// local starts an agent on this machine.
func (l *launch) local(ctx context.Context, h hostfiles.Host) (*agentProcess, error) {
	cmd := newCommand(l.config.executable(), append([]string{"halorun"}, l.config.AgentArgs...), launcherDied)
	cmd.Stderr = os.Stderr // where it may have the last word
	p, err := startProgram(l.keeper, cmd, l.config.Files)
	if err != nil {
		return nil, &StartError{Rank: AgentRank, Host: h.Name, Err: err}
	}
	a, err := l.greet(ctx, &agentProcess{host: h, label: h.Name, local: true, program: p})
	if err != nil {
		return nil, &StartError{Rank: AgentRank, Host: h.Name, Err: err}
	}
	return a, nil
}

// remote starts an agent on another host: through its parent in the tree, if there is one, else directly.
func (l *launch) remote(ctx context.Context, h hostfiles.Host, parent *reached) (*agentProcess, error) {
	if parent != nil {
		select {
		case <-parent.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if via := parent.agent; via != nil {
			a, err := l.reach(ctx, h, nil, func(args []string) (program, error) {
				p, err := via.relayed.start(via.conn, args)
				if err != nil {
					return nil, &sshError{host: h, said: []string{err.Error()}}
				}
				return p, nil
			})
			var failed *sshError
			if !errors.As(err, &failed) {
				return a, err
			}
			// Hosts may well not be allowed to log in to each other.
			l.notice(ctx, "host %s cannot be reached from host %s (%v); connecting to it from here", h.Name, via.label, failed)
		}
	}
	select {
	case l.direct <- struct{}{}:
		defer func() { <-l.direct }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	return l.reach(ctx, h, l.kexOption(ctx, h), func(args []string) (program, error) {
		path, err := exec.LookPath(args[0])
		if err != nil {
			return nil, fmt.Errorf("%w; install it, or name another with --ssh", err)
		}
		return startProgram(l.keeper, newCommand(path, args, syscall.SIGTERM), nil)
	})
}

func (l *launch) notice(ctx context.Context, format string, args ...any) {
	if f := l.config.Notices; f != nil {
		text := fmt.Sprintf(format, args...)
		l.reporter.report(ctx, func() { f(text) })
	}
}

// reach starts an agent over ssh with some options, which start runs. If the program there turns out to be no good, it is looked at closely, and
// sent anew if it is damaged.
func (l *launch) reach(ctx context.Context, h hostfiles.Host, options []string, start func(args []string) (program, error)) (*agentProcess, error) {
	var first error
	for _, verify := range []bool{false, true} {
		script, err := l.script(verify)
		if err != nil {
			return nil, &HostError{Host: h.Name, Err: err}
		}
		p, err := start(l.config.sshArgs(h, options, "exec /bin/sh -c "+quoted(script)))
		if err != nil {
			return nil, &HostError{Host: h.Name, Err: err}
		}
		a, err := l.greet(ctx, &agentProcess{host: h, label: h.Name, program: p})
		var ended *agentEnded
		switch {
		case err == nil && verify && a.sent > 0:
			l.notice(ctx, "host %s: the program there was damaged (%v); it was sent anew", h.Name, first)
			return a, nil
		case err == nil:
			return a, nil
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case errors.As(err, &ended) && !verify && l.config.RemotePath == "":
			first = err
		default:
			return nil, &HostError{Host: h.Name, Err: err}
		}
	}
	panic("unreachable")
}

func (l *launch) script(verify bool) (string, error) {
	if l.config.RemotePath != "" {
		return remoteScript(l.config.RemotePath, l.config.AgentArgs), nil
	}
	return l.binaries.agentScript(l.config.AgentArgs, verify)
}

// greet waits for the agent's greeting. What the host lacks for it, it gets.
func (l *launch) greet(ctx context.Context, a *agentProcess) (*agentProcess, error) {
	began := time.Now()
	timeout := l.config.LaunchTimeout
	if a.local {
		timeout = min(timeout, max(localTime, l.config.Heartbeat))
	}
	var late atomic.Bool
	timer := time.AfterFunc(timeout, func() {
		late.Store(true)
		a.program.Kill()
	})
	defer timer.Stop()
	defer context.AfterFunc(ctx, a.program.Kill)()

	a.said = takeNotes(a.program.Stderr())
	a.conn = control.NewConn(a.program.Stdout(), a.program.Stdin())
	err := l.hello(a, func() { timer.Reset(timeout) })
	if err != nil {
		// What has closed its stream is about to end, and how it ends tells why.
		kill := time.AfterFunc(killTime, a.program.Kill)
		if errors.Is(err, control.ErrProtocol) || errors.As(err, new(*stagingError)) {
			a.program.Kill()
		}
		e := a.program.Wait()
		kill.Stop()
		a.conn.Close()
		said := a.said.all()
		a.program.Stderr().Close()
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case late.Load() && a.local:
			return nil, fmt.Errorf("no sign of life within %v", timeout)
		case late.Load() && a.loggedIn && a.sent == 0:
			return nil, &agentEnded{how: fmt.Sprintf("gave no sign of life within %v", timeout), said: said}
		case late.Load():
			return nil, &sshError{host: a.host, said: append(said, fmt.Sprintf("no answer within %v", timeout))}
		case errors.Is(err, control.ErrProtocol), errors.As(err, new(*stagingError)):
			return nil, withLast(err, said)
		case e.status == sshFailed && !a.local && !a.loggedIn:
			return nil, &sshError{host: a.host, said: said}
		case e.status == sshFailed && !a.local:
			// So ssh tells, or rather does not tell, that what it ran was killed by a signal.
			return nil, &agentEnded{how: "was killed, or the connection broke", said: said}
		}
		return nil, &agentEnded{how: howEnded(e.status, e.signal), said: said}
	}
	a.connected = time.Since(began)
	a.said.to(func(line string) { l.notice(context.Background(), "the agent on host %s: %s", a.label, line) })
	a.begin(l.config, l.events)
	if l.config.RemotePath != "" && !a.local {
		if err := l.compare(ctx, a); err != nil {
			a.kill()
			<-a.done
			a.wait()
			return nil, err
		}
	}
	return a, nil
}

// hello reads up to the agent's Hello. It calls progress when the host has taken a part of the program that it is sent.
func (l *launch) hello(a *agentProcess, progress func()) error {
	for {
		line, err := a.conn.Await()
		if err != nil {
			return err
		}
		words := strings.Fields(line + " .") // so that there is one
		switch {
		case words[0] == "control":
			m, err := a.conn.Recv()
			if err != nil {
				return err
			}
			h, ok := m.(*control.Hello)
			if !ok {
				return fmt.Errorf("%w: an agent says hello first, not %T", control.ErrProtocol, m)
			}
			a.machine = h.Machine
			return nil
		case line == "login":
			a.loggedIn = true
		case line == "staging failed":
			return &stagingError{errors.New("the program cannot be put there")}
		case words[0] == "staging" && len(words) == 4:
			progress()
			if a.sent, err = l.binaries.send(a.program.Stdin(), words[1], words[2], progress); err != nil && !errors.Is(err, io.ErrClosedPipe) {
				return l.sendFailed(a, err)
			}
			progress()
		}
	}
}

// sendFailed returns why a program could not be sent: what the host says of it counts more than that it does not listen.
func (l *launch) sendFailed(a *agentProcess, err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		if line, awaitErr := a.conn.Await(); awaitErr == nil && line == "staging failed" {
			err = errors.New("the program cannot be put there")
		}
	}
	return &stagingError{err}
}

// compare makes sure that a program that the user has installed is this one.
func (l *launch) compare(ctx context.Context, a *agentProcess) error {
	sums := l.binaries.list[0]
	if a.machine.Arch != archOf(sums.machine) {
		if a.machine.Version != l.config.Version {
			return fmt.Errorf("%s is version %s and this is version %s: install the same on all hosts",
				l.config.RemotePath, a.machine.Version, l.config.Version)
		}
		return nil
	}
	mine, err := sums.sum()
	if err != nil {
		return err
	}
	select {
	case theirs := <-a.sum:
		if theirs != mine {
			return fmt.Errorf("%s is another build: version %s, SHA-256 %.12s…, and this is version %s, %.12s…: "+
				"install this one there, or leave out --remote-path and it is sent", l.config.RemotePath, a.machine.Version, theirs,
				l.config.Version, mine)
		}
		return nil
	case <-a.done:
		return errors.New("the connection was lost")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
