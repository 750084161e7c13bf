package launcher

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"syscall"
	"time"

	"halorun/launcher/control"
)

// job is the state of a job as the agents' messages tell it.
type job struct {
	*launch
	*crew
	result *Result

	members []member          // by ID
	put     map[string][]byte // by those at the fence
	// How many members have come so far.
	atFence, joined, finished, exited int
	stopping                          bool // what ends from now on ends because we say so

	failure error // the first that is no consequence of another
	echo    error // the first that is
	lost    *agentProcess
	lostWhy error // why the lost agent cannot be understood, if it cannot

	pause *pausing // while the job is being suspended
}

// member is what is known of a member.
type member struct {
	*RankResult // of the rank that it is
	agent       *agentProcess

	attached, atFence, joined, finished, exited bool
}

// newJob gives every agent its ranks, without those of hosts that were not reached. The head is a rank on this machine, or a member
// besides the ranks.
func newJob(l *launch, c *crew, result *Result) *job {
	j := &job{launch: l, crew: c, result: result, put: make(map[string][]byte)}
	result.Epochs = 1
	for _, h := range l.config.Placement {
		host, a := l.config.Hosts[h].Name, c.of[h]
		switch {
		case a != nil:
			host = a.label
		case l.config.SkipUnreachable:
			continue
		}
		result.Ranks = append(result.Ranks, RankResult{
			Rank: len(result.Ranks), Member: uint32(len(result.Ranks)), Host: host, Threads: l.config.Threads,
		})
		j.members = append(j.members, member{agent: a})
	}
	for i := range result.Ranks {
		j.members[i].RankResult = &result.Ranks[i]
	}
	if c.head != nil && j.headMember() < 0 {
		result.Head = &RankResult{Rank: theHead, Member: uint32(len(j.members)), Host: c.head.label}
		j.members = append(j.members, member{RankResult: result.Head, agent: c.head})
	}
	return j
}

// headMember returns the first member on this machine, or -1.
func (j *job) headMember() int {
	return slices.IndexFunc(j.members, func(m member) bool { return m.agent == j.head })
}

// start tells the agents what to start.
func (j *job) start() {
	c := j.config
	key := make([]byte, 32)
	rand.Read(key) // never fails
	var hosts []string
	for _, m := range j.members {
		hosts = append(hosts, m.Host)
	}
	for _, a := range j.agents {
		s := &control.Start{
			Job: c.Job, Epoch: firstEpoch, Hosts: hosts, Size: len(j.result.Ranks), Head: j.headMember(),
			Threads: c.Threads, Key: key, Spec: c.Spec, Args: c.RankArgs, Env: c.Env, Dir: c.Dir, Bind: c.Bind,
		}
		if a == j.head {
			s.Files, s.Remove = len(c.Files), c.Remove
		}
		for i, m := range j.members {
			if m.agent == a {
				s.Ranks = append(s.Ranks, control.Assigned{Rank: i, Member: uint32(i)})
			}
		}
		a.out.post(s)
	}
}

func (j *job) toAgents(m control.Message) {
	for _, a := range j.agents {
		a.out.post(m)
	}
}

// firstEpoch is the number of a job's first membership.
const firstEpoch = 1

// errAgentLost is replaced by agentLost, once it is known how the agent ended.
var errAgentLost = errors.New("the agent is lost")

// follow starts the ranks and acts on the agents' messages until the job is done or has failed.
func (j *job) follow(ctx context.Context) error {
	if len(j.result.Ranks) == 0 {
		return &StartError{Rank: theAgent, Host: j.head.label, Err: errors.New("no host with ranks can be reached")}
	}
	j.start()
	timeout := j.config.StartTimeout
	if timeout == 0 {
		timeout = 10*time.Second + time.Duration(len(j.members))*20*time.Millisecond
	}
	starting := time.NewTimer(timeout)
	defer starting.Stop()
	var cause, exit <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-starting.C:
			j.mustBeAttached(ctx, timeout)
		case <-cause:
			return j.echo
		case <-exit:
			return nil // all is done, and who hangs in its exit is killed
		case stopped := <-j.config.Suspend:
			j.suspend(stopped)
		case <-j.pause.timeout():
			j.sleep(ctx)
		case e := <-j.events:
			if e.message == nil {
				j.lost = e.from
				if errors.Is(e.from.in.broken, control.ErrProtocol) {
					j.lostWhy = e.from.in.broken
				}
				return errAgentLost
			}
			if j.lostWhy = j.hear(ctx, e); j.lostWhy != nil {
				j.lost = e.from
				return errAgentLost
			}
		}
		size := len(j.members)
		if j.atFence == size {
			j.toAgents(&control.Table{Values: j.put})
			j.openFence()
		}
		j.pauseIfDue(ctx)
		switch {
		case j.failure != nil:
			return j.failure
		case j.exited == size:
			return j.echo
		case j.echo != nil && cause == nil:
			cause = time.After(causeTime)
		case j.finished == size && exit == nil:
			exit = time.After(exitTime)
		}
	}
}

// finish ends the agents and with them the ranks, and hears what they still have to tell.
func (j *job) finish(ctx context.Context) {
	j.stopping = true
	limit, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	if j.lostWhy != nil {
		j.lost.kill()
	}
	j.toAgents(&control.Stop{})
	printing := limit
	if ctx.Err() != nil {
		printing = ctx // what there is no room for is not worth waiting for
	}
	running := make(map[*agentProcess]bool)
	for _, a := range j.agents {
		running[a] = a != j.lost || j.lostWhy != nil
		if !running[a] {
			delete(running, a)
		}
	}
	kill, abandon := limit.Done(), (<-chan time.Time)(nil)
	for len(running) > 0 {
		select {
		case e := <-j.events:
			if e.message == nil {
				delete(running, e.from)
			} else {
				_ = j.hear(printing, e) // nothing depends on it any more
			}
		case <-kill:
			kill, abandon = nil, time.After(lastTime)
			for a := range running {
				a.kill()
			}
		case <-abandon:
			// A connection that even death does not end waits for a disk.
			running = nil
		}
	}
	for i := range j.result.Hosts {
		for _, a := range j.agents {
			if h := &j.result.Hosts[i]; a.host == h.Host {
				h.ClockSkew = a.clockSkew()
			}
		}
	}
	// An agent whose stream has ended may still be busy with its own end.
	defer context.AfterFunc(limit, func() {
		for _, a := range j.agents {
			a.kill()
		}
	})()
	for _, a := range j.agents {
		select {
		case <-a.done:
			a.wait()
		default:
		}
	}
	j.reporter.close(ctx, limit)
}

// agentLost tells how the lost agent ended, once it has.
func (j *job) agentLost() error {
	a := j.lost
	e := a.program.Wait()
	how := howEnded(e.status, e.signal)
	switch {
	case j.lostWhy != nil:
		how = fmt.Sprintf("cannot be understood: %v", j.lostWhy)
	case a.silent.Load():
		how = fmt.Sprintf("was lost: nothing was heard from it for %v; the host, or the network between, is down or stands still", j.config.Heartbeat)
	case a.local:
	case e.status == sshFailed:
		how = withLast(errors.New("was lost: it was killed, or the connection to it broke"), a.said.all()).Error()
	case e.signal != 0:
		how = fmt.Sprintf("was lost: ssh %s", how)
	}
	return &RankDied{Rank: theAgent, Host: a.label, How: how}
}

// hear takes note of a message. An error means that the agent does not keep to the protocol.
func (j *job) hear(ctx context.Context, e event) error {
	switch m := e.message.(type) {
	case *control.Started:
		return j.note(e, m.Member, func(r *member) { r.PID, r.CPUs = m.PID, m.CPUs })
	case *control.Attached:
		return j.note(e, m.Member, func(r *member) { r.attached = true })
	case *control.Fence:
		return j.note(e, m.Member, func(r *member) { j.cameToFence(r, m) })
	case *control.Joined:
		return j.note(e, m.Member, func(r *member) {
			if !r.joined {
				r.joined = true
				j.joined++
			}
		})
	case *control.Suspended:
		j.pause.ready(e.from)
		return nil
	case *control.Line:
		return j.note(e, m.Member, func(r *member) { j.printed(ctx, r, m) })
	case *control.Finished:
		return j.note(e, m.Member, func(r *member) { j.rankFinished(ctx, r, m) })
	case *control.Exited:
		return j.note(e, m.Member, func(r *member) { j.rankExited(ctx, r, m) })
	}
	return fmt.Errorf("it sent a %T, which is not for launchers", e.message)
}

// note has f take note of something about a member, which must be one of the agent's own.
func (j *job) note(e event, id uint32, f func(*member)) error {
	if uint64(id) >= uint64(len(j.members)) || j.members[id].agent != e.from {
		return fmt.Errorf("it speaks of member %d, which is not one of its own", id)
	}
	f(&j.members[id])
	return nil
}

func (j *job) cameToFence(r *member, m *control.Fence) {
	if !r.atFence {
		r.atFence = true
		j.atFence++
	}
	maps.Copy(j.put, m.Values)
}

// openFence makes ready for the next fence.
func (j *job) openFence() {
	j.atFence, j.put = 0, make(map[string][]byte)
	for i := range j.members {
		j.members[i].atFence = false
	}
}

func (j *job) printed(ctx context.Context, r *member, m *control.Line) {
	if j.config.Lines != nil {
		rank, host := r.Rank, r.Host
		j.reporter.report(ctx, func() { j.config.Lines(rank, host, m.Stream, string(m.Text)) })
	}
}

func (j *job) rankFinished(ctx context.Context, r *member, m *control.Finished) {
	if r.finished {
		return
	}
	r.finished = true
	j.finished++
	r.Result, r.MaxRSSBytes = m.Result, m.MaxRSSBytes
	if m.Status != 0 {
		j.failed(ctx, r, &RankFailed{Rank: r.Rank, Host: r.Host, Status: m.Status, Message: m.Message}, m.Consequence)
	}
}

func (j *job) rankExited(ctx context.Context, r *member, m *control.Exited) {
	if r.exited {
		return
	}
	r.exited = true
	j.exited++
	r.Status, r.Signal = m.Status, syscall.Signal(m.Signal)
	if r.MaxRSSBytes == 0 {
		r.MaxRSSBytes = m.MaxRSSBytes
	}
	how := howEnded(r.Status, r.Signal)
	switch {
	case m.Error != "":
		j.failed(ctx, r, &StartError{Rank: r.Rank, Host: r.Host, Err: errors.New(m.Error)}, false)
	case r.finished:
		// It said how its part went, which is what counts.
	case !r.attached:
		j.failed(ctx, r, &StartError{Rank: r.Rank, Host: r.Host, Err: fmt.Errorf("it %s", how)}, false)
	default:
		j.failed(ctx, r, &RankDied{Rank: r.Rank, Host: r.Host, How: how}, false)
	}
}

// mustBeAttached takes note of a rank that has not attached, if there is one.
func (j *job) mustBeAttached(ctx context.Context, timeout time.Duration) {
	missing := slices.IndexFunc(j.members, func(r member) bool { return !r.attached })
	if missing < 0 {
		return
	}
	r := &j.members[missing]
	j.failed(ctx, r, &StartError{Rank: r.Rank, Host: r.Host, Err: fmt.Errorf("no sign of life within %v", timeout)}, false)
}

// failed takes note of a rank's failure. What fails after the first one, or because the job is stopped, is no event.
func (j *job) failed(ctx context.Context, r *member, err error, consequence bool) {
	switch {
	case j.stopping || j.failure != nil:
		return
	case !consequence:
		j.failure = err
	case j.echo == nil:
		j.echo = err
	default:
		return
	}
	j.event(ctx, Event{Time: time.Now(), Member: r.Member, Rank: r.Rank, Host: r.Host, What: err.Error()})
}

func (j *job) event(ctx context.Context, e Event) {
	j.result.Events = append(j.result.Events, e)
	if j.config.Events != nil {
		j.reporter.report(ctx, func() { j.config.Events(e) })
	}
}
