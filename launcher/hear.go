package launcher

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"syscall"
	"time"

	"halorun/launcher/control"
)

// hear takes note of a message. An error means that the agent does not keep to the protocol.
func (j *job) hear(ctx context.Context, e event) error {
	switch m := e.message.(type) {
	case *control.Started:
		return j.note(e, m.Member, func(r *member) { j.started(r, m) })
	case *control.Attached:
		return j.note(e, m.Member, func(r *member) { j.hasAttached(r) })
	case *control.Fence:
		return j.noteNow(e, m.Member, m.Epoch, func(r *member) { j.cameToFence(r, m) })
	case *control.Joined:
		return j.noteNow(e, m.Member, m.Epoch, func(r *member) { j.hasJoined(r) })
	case *control.Suspended:
		j.pause.ready(e.from)
		return nil
	case *control.Line:
		return j.note(e, m.Member, func(r *member) { j.printed(ctx, r, m) })
	case *control.Progress:
		return j.note(e, m.Member, func(r *member) { j.progressed(r, m.Result) })
	case *control.Stuck:
		return j.noteNow(e, m.Member, m.Epoch, func(r *member) { j.isStuck(r, m) })
	case *control.Finished:
		return j.note(e, m.Member, func(r *member) { j.rankFinished(ctx, r, m) })
	case *control.Exited:
		return j.note(e, m.Member, func(r *member) { j.rankExited(ctx, r, m) })
	}
	return fmt.Errorf("it sent a %T, which is not for launchers", e.message)
}

// note has f take note of something about a member, which must be one of the agent's own. What is said of a member that has been
// replaced counts for nothing.
func (j *job) note(e event, id uint32, f func(*member)) error {
	m := j.members[id]
	if m == nil || m.agent != e.from {
		return fmt.Errorf("it speaks of member %d, which is not one of its own", id)
	}
	if m.seat.member == m {
		f(m)
	}
	return nil
}

// noteNow is note for what is over with its epoch.
func (j *job) noteNow(e event, id, epoch uint32, f func(*member)) error {
	return j.note(e, id, func(m *member) {
		if epoch == j.epoch && !j.broken {
			f(m)
		}
	})
}

func (j *job) started(r *member, m *control.Started) {
	r.seat.PID, r.seat.CPUs = m.PID, m.CPUs
	if r.seat == j.theHead {
		j.headPID = m.PID
	}
}

func (j *job) hasAttached(r *member) {
	r.attached = true
	delete(j.unstarted, r.agent)
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
	for _, m := range j.roles {
		m.atFence = false
	}
}

func (j *job) hasJoined(r *member) {
	if r.joined {
		return
	}
	r.joined = true
	if j.joined++; j.joined == len(j.roles) {
		j.madeUp()
	}
}

func (j *job) printed(ctx context.Context, r *member, m *control.Line) {
	if j.config.Lines != nil {
		rank, host := r.seat.Rank, r.seat.Host
		j.reporter.report(ctx, func() { j.config.Lines(rank, host, m.Stream, string(m.Text)) })
	}
}

func (j *job) progressed(r *member, result []byte) {
	r.result = result
	if f := j.config.Progress; f != nil {
		rank, id, host := r.seat.Rank, r.id, r.seat.Host
		j.reporter.latest(id, func() { f(rank, id, host, result) })
	}
}

func (j *job) rankFinished(ctx context.Context, r *member, m *control.Finished) {
	if r.finished || m.Epoch != j.epoch && (m.Status == 0 || m.Consequence) {
		return
	}
	r.finished = true
	if !j.broken {
		j.finished++
	}
	s := r.seat
	s.Result, s.MaxRSSBytes = m.Result, max(s.MaxRSSBytes, m.MaxRSSBytes)
	j.progressed(r, m.Result)
	if m.Status != 0 {
		j.failed(ctx, r, &RankFailed{Rank: s.Rank, Host: s.Host, Status: m.Status, Message: m.Message}, m.Consequence)
	}
}

func (j *job) rankExited(ctx context.Context, r *member, m *control.Exited) {
	if r.exited {
		return
	}
	r.exited = true
	if !j.broken {
		j.exited++
	}
	s := r.seat
	s.Status, s.Signal = m.Status, syscall.Signal(m.Signal)
	if s.MaxRSSBytes == 0 {
		s.MaxRSSBytes = m.MaxRSSBytes
	}
	how := howEnded(s.Status, s.Signal)
	switch {
	case m.Memory:
		how = "was killed by the kernel for lack of memory"
	case m.Hung != 0:
		how = fmt.Sprintf("hung: nothing was heard from it for %v, and it was killed", time.Duration(m.Hung))
	}
	switch {
	case m.Error != "":
		j.notStarted(ctx, r, errors.New(m.Error))
	case r.finished && !j.broken:
		// It said how its part went, which is what counts.
	case !r.attached:
		j.notStarted(ctx, r, fmt.Errorf("it %s", how))
	default:
		if m.Memory && j.config.MaxRestarts > 0 && j.shrunk != j.epoch {
			j.shrunk = j.epoch // however many of its ranks were killed
			j.shrink++
		}
		j.lose(ctx, r, &RankDied{Rank: s.Rank, Host: s.Host, How: how})
	}
}

// notStarted takes note of a member whose process does not run. For the first ones of a job that is its end, because most likely
// nothing can be done about it.
func (j *job) notStarted(ctx context.Context, m *member, err error) {
	start := &StartError{Rank: m.seat.Rank, Host: m.seat.Host, Err: err}
	if j.epoch == firstEpoch || j.config.MaxRestarts == 0 {
		j.failed(ctx, m, start, false)
		return
	}
	j.unstarted[m.agent]++
	j.lose(ctx, m, start)
}

// failed takes note of a rank's failure. What fails after the first one, or because the job is stopped, is no event.
func (j *job) failed(ctx context.Context, r *member, err error, consequence bool) {
	switch {
	case j.stopping || j.released || j.failure != nil:
		return
	case !consequence:
		j.failure = err
	case j.echo == nil && !j.broken:
		j.echo = err
	default:
		return
	}
	s := r.seat
	j.event(ctx, Event{Time: time.Now(), Member: r.id, Rank: s.Rank, Host: s.Host, What: err.Error(), Action: "the job ends"})
}
