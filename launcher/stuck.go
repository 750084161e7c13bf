package launcher

import (
	"context"
	"slices"
	"time"

	"halorun/launcher/control"
)

// stuck is what ranks say that cannot reach others. Most often the reason is a death, of which there will be word soon. If there is none,
// two hosts cannot reach each other that both reach this one, and one of them has to go, or it would be so again and again.
type stuck struct {
	complaints []complaint
	verdict    <-chan time.Time
}

type complaint struct {
	by, about *member
	message   *control.Stuck
	heard     [2]uint64 // from both agents till then
}

func (s *stuck) reset() { *s = stuck{} }

// isStuck takes note of a complaint.
func (j *job) isStuck(m *member, s *control.Stuck) {
	c := complaint{by: m, message: s}
	if s.Rank >= 0 && s.Rank < len(j.roles) {
		c.about = j.roles[s.Rank]
		c.heard = [2]uint64{c.by.agent.in.heard.Load(), c.about.agent.in.heard.Load()}
	}
	j.complaints = append(j.complaints, c)
	if j.verdict == nil {
		j.verdict = time.After(causeTime)
	}
}

// grave returns the complaints that count. A rank that cannot go on closes its connections, about which others complain.
func (s *stuck) grave() []complaint {
	grave := slices.DeleteFunc(slices.Clone(s.complaints), func(c complaint) bool { return c.message.Closed })
	if len(grave) == 0 {
		return s.complaints
	}
	return grave
}

// judge decides about the complaints, once it is sure that both sides of the first one are alive.
func (j *job) judge(ctx context.Context) {
	j.verdict = nil
	if j.broken || len(j.complaints) == 0 {
		return
	}
	first := j.grave()[0]
	s := first.by.seat
	failed := &RankFailed{Rank: s.Rank, Host: s.Host, Status: first.message.Status, Message: first.message.Message}
	if j.config.MaxRestarts == 0 || first.about == nil || j.epoch == firstEpoch && j.joined < len(j.roles) {
		// From the first it has not worked, which somebody has to mend.
		j.failed(ctx, first.by, failed, false)
		return
	}
	alive := func(a *agentProcess, heard uint64) bool { return a.in.heard.Load() >= heard+2 }
	if !alive(first.by.agent, first.heard[0]) || !alive(first.about.agent, first.heard[1]) {
		j.verdict = time.After(causeTime / 3)
		return
	}
	out := j.leastConnected()
	err := &RankDied{Rank: out.seat.Rank, Host: out.seat.Host, How: "was given up: it cannot exchange data with others (" + first.message.Message + ")"}
	if out.agent == j.head {
		j.lose(ctx, out, err) // both are here
		return
	}
	j.evicted[out.agent] = true
	for h, a := range j.of {
		j.down[h] = j.down[h] || a == out.agent
	}
	for _, m := range j.roles {
		if m.agent == out.agent {
			j.lose(ctx, m, err)
		}
	}
}

// leastConnected returns a member on the host that has trouble with the most others: not this machine, if there is a choice, and else the
// later one.
func (j *job) leastConnected() *member {
	trouble := make(map[*agentProcess]map[*agentProcess]bool)
	add := func(a, b *agentProcess) {
		if trouble[a] == nil {
			trouble[a] = make(map[*agentProcess]bool)
		}
		trouble[a][b] = true
	}
	for _, c := range j.grave() {
		if c.about != nil {
			add(c.by.agent, c.about.agent)
			add(c.about.agent, c.by.agent)
		}
	}
	var worst *member
	worse := func(a, b *member) bool {
		switch here, there := a.agent == j.head, b.agent == j.head; {
		case here != there:
			return there
		case len(trouble[a.agent]) != len(trouble[b.agent]):
			return len(trouble[a.agent]) > len(trouble[b.agent])
		}
		return a.number() > b.number()
	}
	for _, m := range j.roles {
		if trouble[m.agent] != nil && (worst == nil || worse(m, worst)) {
			worst = m
		}
	}
	return worst
}
