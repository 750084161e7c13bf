package launcher

import (
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"halorun/hostfiles"
	"halorun/launcher/control"
)

// agentProcess is an agent as the launcher sees it.
type agentProcess struct {
	host    hostfiles.Host
	label   string // by which ranks and messages know the host
	local   bool   // started by fork, not by ssh
	program program
	conn    *control.Conn
	in      *inbox
	out     *outbox // on the conn
	said    *notes  // on stderr
	relayed relayed
	done    chan struct{} // closed when its stream has ended

	loggedIn  bool // ssh did its part
	machine   control.Machine
	connected time.Duration // how long it took to reach it
	sent      int           // bytes of program that it was sent
	patience  atomic.Int64  // with its silence, in ns
	silent    atomic.Bool   // for longer than that
	killed    atomic.Bool   // by us

	mu    sync.Mutex
	asked time.Time     // when the last ping went out
	skew  time.Duration // its clock minus ours, as far as is known
	trip  time.Duration // of the ping that told
	sum   chan string   // gets the checksum of its program
}

// event is something that an agent says; no message is that its stream has ended.
type event struct {
	from    *agentProcess
	message control.Message
}

// begin starts what goes on as long as the agent is there.
func (a *agentProcess) begin(c *Config, events chan<- event) {
	a.in, a.out = newInbox(a.conn), newOutbox(a.conn)
	a.done, a.sum = make(chan struct{}), make(chan string, 1)
	go a.in.run()
	go a.out.run()
	go a.listen(events)
	a.patience.Store(int64(c.Heartbeat))
	a.ping(a.heartbeat(c, c.RemotePath != "" && !a.local))
	go a.beat(c)
	go a.in.watch(&a.patience, a.done, func() {
		a.silent.Store(true)
		a.kill()
	})
}

// beat tells the agent again and again that the launcher is alive.
func (a *agentProcess) beat(c *Config) {
	tick := time.NewTicker(c.Heartbeat / 5)
	defer tick.Stop()
	for {
		select {
		case <-a.done:
			return
		case <-tick.C:
			if a.patience.Load() != 0 {
				a.ping(a.heartbeat(c, false))
			}
		}
	}
}

// heartbeat returns a Ping. An agent on this machine need not miss it: the kernel tells of the launcher's end.
func (a *agentProcess) heartbeat(c *Config, sum bool) *control.Ping {
	p := &control.Ping{Ranks: int64(c.Heartbeat), Sum: sum}
	if !a.local {
		p.Timeout = int64(fenced(c.Heartbeat))
	}
	return p
}

func (a *agentProcess) ping(p *control.Ping) {
	a.mu.Lock()
	a.asked = time.Now()
	a.mu.Unlock()
	a.out.post(p)
}

// ponged learns the agent's clock from the quickest answer.
func (a *agentProcess) ponged(p *control.Pong) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	trip := now.Sub(a.asked)
	if a.trip == 0 || trip < a.trip {
		a.trip = trip
		a.skew = time.Unix(0, p.Clock).Sub(now.Add(-trip / 2))
	}
	if p.Sum != "" {
		select {
		case a.sum <- p.Sum:
		default:
		}
	}
}

func (a *agentProcess) clockSkew() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.skew
}

// hasEnded tells whether its stream has ended.
func (a *agentProcess) hasEnded() bool {
	select {
	case <-a.done:
		return true
	default:
		return false
	}
}

func (a *agentProcess) listen(events chan<- event) {
	for m := range a.in.messages {
		switch m := m.(type) {
		case *control.Pong:
			a.ponged(m)
		case *control.Output, *control.Ended:
			a.relayed.take(m)
		default:
			events <- event{a, m}
		}
	}
	a.relayed.lost()
	close(a.done)
	events <- event{a, nil}
}

// kill ends the agent or the way to it; and the kernel, or the agent itself, ends its ranks.
func (a *agentProcess) kill() {
	a.killed.Store(true)
	a.program.Kill()
}

// wait waits for the agent's end, once its stream has ended and it was told to stop or killed.
func (a *agentProcess) wait() exit {
	e := a.program.Wait()
	a.conn.Close()
	a.out.close()
	a.program.Stderr().Close()
	return e
}

// notes keeps the end of what a program says on stderr, until somebody listens.
type notes struct {
	mu     sync.Mutex
	lines  []string
	listen func(line string)
	ended  chan struct{}
}

const keptNotes = 40

// takeNotes reads lines from r until its end.
func takeNotes(r io.Reader) *notes {
	n := &notes{ended: make(chan struct{})}
	go func() {
		defer close(n.ended)
		lines := &lineWriter{emit: func(b []byte) { n.add(strings.TrimRight(string(b), "\r ")) }}
		_, _ = io.Copy(lines, r) // an error is the stream's end
		lines.flush()
	}()
	return n
}

func (n *notes) add(line string) {
	n.mu.Lock()
	listen := n.listen
	if line != "" {
		n.lines = append(n.lines, line)
		n.lines = n.lines[max(0, len(n.lines)-keptNotes):]
	}
	n.mu.Unlock()
	if listen != nil {
		listen(line)
	}
}

// to has f called with every further line. What was said until then is of no interest: it is the talk of a login.
func (n *notes) to(f func(line string)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.listen, n.lines = f, nil
}

// all returns what was said, once that has ended or some time has passed: a descendant of the program may hold stderr open.
func (n *notes) all() []string {
	select {
	case <-n.ended:
	case <-time.After(100 * time.Millisecond):
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.lines
}
