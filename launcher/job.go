package launcher

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"syscall"
	"time"

	"halorun/launcher/control"
)

// job is the state of a job as the agent's messages tell it.
type job struct {
	config   Config
	host     string
	result   Result
	reporter *reporter

	greeted bool              // by the agent
	members []member          // by ID
	put     map[string][]byte // by those at the fence
	// How many members have come so far.
	atFence, finished, exited int
	stopping                  bool // what ends from now on ends because we say so

	failure error // the first that is no consequence of another
	echo    error // the first that is
	lost    error // why the agent cannot be understood
}

// member is what is known of a member.
type member struct {
	*RankResult                         // of the rank that it is
	attached, atFence, finished, exited bool
}

func newJob(c Config, host string) *job {
	j := &job{
		config: c, host: host, members: make([]member, c.Size), put: make(map[string][]byte),
		result: Result{Epochs: 1, Ranks: make([]RankResult, c.Size)},
	}
	for i := range j.result.Ranks {
		j.result.Ranks[i] = RankResult{Rank: i, Member: uint32(i), Host: host, Threads: c.Threads}
		j.members[i].RankResult = &j.result.Ranks[i]
	}
	return j
}

// errAgentLost is replaced by agentLost, once it is known how the agent ended.
var errAgentLost = errors.New("the agent is lost")

// follow acts on the agent's messages until the job is done or has failed.
func (j *job) follow(ctx context.Context, a *agentProcess) error {
	timeout := j.config.StartTimeout
	if timeout == 0 {
		timeout = 10*time.Second + time.Duration(j.config.Size)*20*time.Millisecond
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
		case m, ok := <-a.messages:
			if !ok {
				if errors.Is(a.broken, control.ErrProtocol) {
					j.lost = a.broken
				}
				return errAgentLost
			}
			if j.lost = j.hear(ctx, m); j.lost != nil {
				return errAgentLost
			}
		}
		size := j.config.Size
		if j.atFence == size {
			a.out.post(&control.Table{Values: j.put})
			j.openFence()
		}
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

// finish ends the agent and with it the ranks, and hears what they still have to tell.
func (j *job) finish(ctx context.Context, a *agentProcess) {
	j.stopping = true
	limit, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	kill := func() { _ = a.cmd.Process.Kill() } // and the kernel ends its ranks
	defer context.AfterFunc(limit, kill)()
	if j.lost != nil {
		kill()
	}
	a.out.post(&control.Stop{})
	printing := limit
	if ctx.Err() != nil {
		printing = ctx // what there is no room for is not worth waiting for
	}
	for m := range a.messages {
		_ = j.hear(printing, m) // nothing depends on it any more
	}
	a.wait()
	j.reporter.close(ctx, limit)
}

// agentLost tells how the agent ended, once it has.
func (j *job) agentLost(a *agentProcess) error {
	e := exitOf(a.cmd)
	how := howEnded(e.status, e.signal)
	if j.lost != nil {
		how = fmt.Sprintf("cannot be understood: %v", j.lost)
	}
	if !j.greeted {
		return &StartError{Rank: theAgent, Host: j.host, Err: fmt.Errorf("it %s", how)}
	}
	return &RankDied{Rank: theAgent, Host: j.host, How: how}
}

// hear takes note of a message. An error means that the agent does not keep to the protocol.
func (j *job) hear(ctx context.Context, m control.Message) error {
	switch m := m.(type) {
	case *control.Hello:
		j.greeted = true
		return nil
	case *control.Started:
		return j.note(m.Member, func(r *member) { r.PID = m.PID })
	case *control.Attached:
		return j.note(m.Member, func(r *member) { r.attached = true })
	case *control.Fence:
		return j.note(m.Member, func(r *member) { j.cameToFence(r, m) })
	case *control.Line:
		return j.note(m.Member, func(r *member) { j.printed(ctx, r, m) })
	case *control.Finished:
		return j.note(m.Member, func(r *member) { j.rankFinished(ctx, r, m) })
	case *control.Exited:
		return j.note(m.Member, func(r *member) { j.rankExited(ctx, r, m) })
	}
	return fmt.Errorf("it sent a %T, which is not for launchers", m)
}

// note has f take note of something about a member.
func (j *job) note(id uint32, f func(*member)) error {
	if uint64(id) >= uint64(len(j.members)) {
		return fmt.Errorf("it speaks of member %d; there are %d", id, len(j.members))
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
	switch {
	case missing < 0:
		return
	case !j.greeted:
		j.failure = &StartError{Rank: theAgent, Host: j.host, Err: fmt.Errorf("no sign of life within %v", timeout)}
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
	e := Event{Time: time.Now(), Member: r.Member, Rank: r.Rank, Host: r.Host, What: err.Error()}
	j.result.Events = append(j.result.Events, e)
	if j.config.Events != nil {
		j.reporter.report(ctx, func() { j.config.Events(e) })
	}
}
