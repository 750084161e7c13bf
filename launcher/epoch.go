package launcher

import (
	"context"
	"crypto/rand"
	"time"

	"halorun/launcher/control"
)

// firstEpoch is the number of a job's first membership.
const firstEpoch = 1

// begin makes the members of the seats an epoch, with a key of its own, and tells the agents.
func (j *job) begin(ctx context.Context) {
	j.epoch++
	if h := j.theHead; j.epoch > firstEpoch && h.member.first == j.epoch {
		j.headLost()
	}
	j.broken, j.atFence, j.joined, j.finished, j.exited = false, 0, 0, 0, 0
	j.echo, j.cause, j.put = nil, nil, make(map[string][]byte)
	j.stuck.reset()
	j.roles = nil
	var hosts []string
	size, head := 0, 0
	for _, s := range j.seats { // the head that is no rank comes last
		m := s.member
		if m == nil {
			continue
		}
		m.atFence, m.joined, m.finished, m.exited = false, false, false, false
		m.numbers = append(m.numbers, len(j.roles))
		j.roles, hosts = append(j.roles, m), append(hosts, s.Host)
		if s.Rank != HeadRank {
			size++
		}
		if s == j.theHead {
			head = m.number()
		}
	}
	c := j.config
	key := make([]byte, 32)
	rand.Read(key) // never fails
	for _, a := range j.agents {
		s := &control.Start{
			Job: c.Job, Epoch: j.epoch, Hosts: hosts, Size: size, Head: head, Shrink: j.shrink,
			Threads: c.Threads, Key: key, Spec: c.Spec, Args: c.RankArgs, Env: c.Env, Dir: c.Dir, Bind: c.Bind,
		}
		if a == j.head {
			s.Files, s.Remove, s.Keep = len(c.Files), c.Remove, c.Keep
		}
		for _, m := range j.roles {
			if m.agent == a {
				s.Ranks = append(s.Ranks, control.Assigned{Rank: m.number(), Member: m.id})
			}
		}
		a.out.post(s)
	}
	j.starting.Reset(j.startTime())
}

// headLost tells the user of this package that another process is the head, once the one before has ended: its agent may have gone
// first.
func (j *job) headLost() {
	if j.headPID > 0 {
		awaitEnd(j.headPID, killTime)
	}
	j.headPID = 0
	if f := j.config.HeadLost; f != nil {
		f()
	}
}

// loss is what befell a seat.
type loss struct {
	at     time.Time
	member uint32
	host   string
	err    error
	told   bool // what was done about it
}

// lose takes note of the loss of a member, with which its epoch ends.
func (j *job) lose(ctx context.Context, m *member, err error) {
	s := m.seat
	if j.stopping || j.released || j.failure != nil || s.member != m {
		return
	}
	if m.first > j.epoch {
		s.member = nil // it has not been started
		return
	}
	if j.config.MaxRestarts == 0 || j.restarts(s) >= j.config.MaxRestarts && !j.excused(m.id) {
		if j.config.MaxRestarts > 0 {
			err = &tooOften{err, j.restarts(s)}
		}
		j.failed(ctx, m, err, false)
		return
	}
	j.rise(s)
	s.Restarts++
	s.losses = append(s.losses, m.id)
	at := time.Now()
	if s.lost != nil {
		s.LostSeconds += at.Sub(s.lost.at).Seconds() // it was not made up for
	}
	s.lost = &loss{at: at, member: m.id, host: s.Host, err: err}
	j.breakUp(m, howOf(err))
}

// restarts returns how many losses of a seat count against MaxRestarts.
func (j *job) restarts(s *seat) (n int) {
	for _, id := range s.losses {
		if !j.excused(id) {
			n++
		}
	}
	return n
}

func (j *job) excused(member uint32) bool { return j.config.Excused != nil && j.config.Excused(member) }

// breakUp ends the epoch because of a member. Of further ones nobody needs to know, who is on the way to the next.
func (j *job) breakUp(m *member, why string) {
	if !j.broken {
		j.broken = true
		j.toAgents(&control.Gone{Epoch: j.epoch, Rank: m.number(), Why: why})
	}
}

// madeUp notes that all ranks have found each other again.
func (j *job) madeUp() {
	for _, s := range j.seats {
		if s.lost != nil {
			s.LostSeconds += time.Since(s.lost.at).Seconds()
			s.lost = nil
		}
	}
}
