package launcher

import (
	"context"
	"time"

	"halorun/launcher/control"
)

// suspendTime is how long the agents may take to stop their ranks.
const suspendTime = time.Second

// pausing is a suspension of the job as the launcher sees it.
type pausing struct {
	stopped func()                 // to be called when the ranks are
	waiting map[*agentProcess]bool // for these; nil until they were told
	limit   <-chan time.Time
}

func (p *pausing) timeout() <-chan time.Time {
	if p == nil {
		return nil
	}
	return p.limit
}

func (p *pausing) ready(a *agentProcess) {
	if p != nil {
		delete(p.waiting, a)
	}
}

// pauseWaiting returns the agents that a suspension waits for.
func (j *job) pauseWaiting() map[*agentProcess]bool {
	if j.pause == nil {
		return nil
	}
	return j.pause.waiting
}

// suspend begins a suspension. While ranks still look for each other it waits, since they would take a pause for a failure.
func (j *job) suspend(stopped func()) {
	if j.pause == nil {
		j.pause = &pausing{stopped: stopped}
	}
}

// pauseIfDue does the next step of a suspension.
func (j *job) pauseIfDue(ctx context.Context) {
	p := j.pause
	switch {
	case p == nil || j.broken || j.joined < len(j.roles):
	case p.waiting == nil:
		p.waiting = make(map[*agentProcess]bool)
		for _, a := range j.agents {
			p.waiting[a] = true
			a.patience.Store(0)
		}
		p.limit = time.After(suspendTime)
		j.toAgents(&control.Suspend{})
	case len(p.waiting) == 0:
		j.sleep(ctx)
	}
}

// sleep lasts as long as the suspension does.
func (j *job) sleep(ctx context.Context) {
	began := time.Now()
	j.event(ctx, Event{Time: began, Rank: AgentRank, What: "suspended"})
	j.pause.stopped()
	j.pause = nil
	j.event(ctx, Event{Time: time.Now(), Rank: AgentRank, What: "resumed after " + time.Since(began).Round(time.Millisecond).String()})
	for _, a := range j.agents {
		a.patience.Store(int64(j.config.Heartbeat))
	}
	j.toAgents(&control.Resume{})
}
