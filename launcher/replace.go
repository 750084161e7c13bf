package launcher

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"halorun/launcher/control"
)

// replacing finds new places for seats whose member is lost.
type replacing struct {
	theHead   *seat                  // whose files INPUT and OUTPUT are; it stays on this machine
	evicted   map[*agentProcess]bool // others cannot reach its ranks
	unstarted map[*agentProcess]int  // members that did not start there, since the last that did
	down      []bool                 // by host of the Config: it is gone, or no good
	trying    map[int]bool           // hosts that are being connected to; hereHost is one
	hereTries int                    // agents that did not start here, one after the other
	ways      chan way
}

// way is the outcome of an attempt to reach a host.
type way struct {
	host  int // of the Config, or hereHost
	agent *agentProcess
	err   error
}

const hereHost = -1

func (r *replacing) init(down []bool) {
	r.evicted, r.unstarted = make(map[*agentProcess]bool), make(map[*agentProcess]int)
	r.down, r.trying = slices.Clone(down), make(map[int]bool)
	r.ways = make(chan way, len(down)+1) // so that nobody has to wait to be heard
}

// noGood tells whether a host is used only for lack of another, since members do not start there.
func (r *replacing) noGood(a *agentProcess) bool { return r.evicted[a] || r.unstarted[a] > 1 }

// agentGone takes note of the loss of an agent, or of one that cannot be understood any more, and with it of its ranks.
func (j *job) agentGone(ctx context.Context, a *agentProcess, why error) {
	i := slices.Index(j.agents, a)
	if i < 0 {
		return
	}
	j.agents = slices.Delete(slices.Clone(j.agents), i, i+1)
	if why == nil && errors.Is(a.in.broken, control.ErrProtocol) {
		why = a.in.broken
	}
	err := &RankDied{Rank: AgentRank, Host: a.label, How: j.howLost(a, why)}
	// Its ranks end with it: the kernel sees to that here, and on another host the end of the stream.
	j.reap(a)
	for h, of := range j.of {
		if of == a {
			j.of[h] = nil
			j.down[h] = a.silent.Load() || why != nil
		}
	}
	if a == j.head {
		j.head = nil
	}
	delete(j.pauseWaiting(), a)
	lost := false
	for _, s := range j.seats {
		if s.member != nil && s.member.agent == a {
			lost = true
			j.lose(ctx, s.member, err)
		}
	}
	for _, m := range j.roles {
		if j.released && m.agent == a && !m.exited { // it ends, and nobody is left to tell
			m.exited = true
			j.exited++
		}
	}
	if !lost && !j.stopping && !j.released && j.failure == nil {
		// A spare host, or one whose ranks have moved away.
		j.event(ctx, Event{Time: time.Now(), Rank: AgentRank, Host: a.label, What: err.Error(), Action: "no rank was there"})
	}
	if j.config.MaxRestarts == 0 && j.failure == nil && !j.released {
		j.failure = err
	}
}

// reap ends an agent that is of no use any more.
func (j *job) reap(a *agentProcess) {
	a.kill()
	j.reaping.Go(func() {
		<-a.done
		a.wait()
	})
}

// howLost says in words how an agent was lost.
func (j *job) howLost(a *agentProcess, why error) string {
	switch {
	case why != nil:
		return fmt.Sprintf("cannot be understood: %v", why)
	case a.silent.Load() && a.local:
		return fmt.Sprintf("was lost: nothing was heard from it for %v", j.config.Heartbeat)
	case a.silent.Load():
		return fmt.Sprintf("was lost: nothing was heard from it for %v; the host, or the network between, is down or stands still", j.config.Heartbeat)
	}
	// Its stream has ended, so its end is near. How it ended tells most.
	ended := make(chan exit, 1)
	go func() { ended <- a.program.Wait() }()
	select {
	case e := <-ended:
		how := howEnded(e.status, e.signal)
		switch {
		case a.local:
			return how
		case e.status == sshFailed:
			return withLast(errors.New("was lost: it was killed, or the connection to it broke"), a.said.all()).Error()
		case e.signal != 0:
			return fmt.Sprintf("was lost: ssh %s", how)
		}
		return how
	case <-time.After(killTime):
		return "was lost: it closed its stream"
	}
}

// makeUp finds members for the seats that have none, and begins an epoch when all have one.
func (j *job) makeUp(ctx context.Context) {
	for _, s := range j.seats {
		// Who has ended in good order knows no more what it did.
		if s.member != nil && s.member.exited {
			j.rise(s)
		}
	}
	ready := true
	for _, s := range j.seats {
		if s.member != nil || s.dropped {
			continue
		}
		if j.config.Shrink && s != j.theHead && j.others(s) {
			s.dropped = true
			j.tell(ctx, s, fmt.Sprintf("the others take over its rows in epoch %d", j.epoch+1))
			continue
		}
		a, host := j.place(s)
		switch {
		case a != nil:
			j.sit(s, a)
		case host != noHost:
			ready = false
			j.reach(ctx, host)
		case len(j.trying) == 0:
			j.failure = &StartError{Rank: s.Rank, Host: s.Host, Err: errors.New("there is no host to take its place on")}
			if s.lost != nil {
				j.failure = s.lost.err
			}
			j.tell(ctx, s, "there is no host to take its place on")
			return
		default:
			ready = false
		}
	}
	if !ready || len(j.trying) > 0 {
		return
	}
	for _, s := range j.seats {
		if s.lost != nil && s.member != nil {
			action := fmt.Sprintf("member %d takes its place in epoch %d", s.Member, j.epoch+1)
			if s.Host != s.lost.host {
				action = fmt.Sprintf("member %d takes its place on host %s in epoch %d", s.Member, s.Host, j.epoch+1)
			}
			if j.shrunk == j.epoch {
				action += ", with lower tiles"
			}
			j.tell(ctx, s, action)
		}
	}
	j.begin(ctx)
}

// others tells whether there are ranks besides s.
func (j *job) others(s *seat) bool {
	return slices.ContainsFunc(j.seats, func(o *seat) bool { return o != s && o.Rank != HeadRank && o.member != nil })
}

// tell makes an event of what befell a seat, and what was done about it.
func (j *job) tell(ctx context.Context, s *seat, action string) {
	if l := s.lost; l != nil && !l.told {
		l.told = true
		j.event(ctx, Event{Time: l.at, Member: l.member, Rank: s.Rank, Host: l.host, What: l.err.Error(), Action: action})
	}
}

const noHost = -2

// place returns the agent that is to start a seat's new member, or a host to connect to first. Where it was before comes first, then
// free slots: of hosts that are connected, then of spare ones, then of others; and then whoever has the fewest ranks for its slots.
func (j *job) place(s *seat) (*agentProcess, int) {
	before := j.members[s.Member].agent
	switch here := before.local; {
	case here && j.head == nil:
		return nil, hereHost
	case s == j.theHead || here && !j.noGood(j.head):
		return j.head, noHost
	}
	if slices.Contains(j.agents, before) && !j.noGood(before) {
		return before, noHost
	}
	for h, host := range j.config.Hosts {
		if j.of[h] == nil && !j.down[h] && !j.noGood(before) && host == before.host {
			return nil, h
		}
	}
	load := make(map[*agentProcess]int)
	for _, o := range j.seats {
		if o.member != nil && o.Rank != HeadRank {
			load[o.member.agent]++
		}
	}
	slots, spare := make(map[*agentProcess]int), make(map[*agentProcess]bool)
	for h, a := range j.of {
		if a != nil {
			slots[a] += max(1, j.config.Hosts[h].Slots)
			spare[a] = slices.Contains(j.config.Spares, h)
		}
	}
	const (
		free = iota
		freeSpare
		full
		idle // this machine, if it is not to compute
		noGood
	)
	tier := func(a *agentProcess) int {
		switch {
		case j.noGood(a):
			return noGood
		case slots[a] == 0:
			return idle
		case load[a] >= slots[a]:
			return full
		case spare[a]:
			return freeSpare
		}
		return free
	}
	var best *agentProcess
	for _, a := range j.agents {
		better := func(b *agentProcess) bool { // with fewer ranks for its slots
			return cmp.Or(tier(a)-tier(b), (load[a]+1)*max(1, slots[b])-(load[b]+1)*max(1, slots[a])) < 0
		}
		if !j.evicted[a] && (best == nil || better(best)) {
			best = a
		}
	}
	if best != nil && tier(best) <= freeSpare {
		return best, noHost
	}
	for h := range j.config.Hosts {
		if j.of[h] == nil && !j.down[h] && !j.isLocal[h] {
			return nil, h
		}
	}
	return best, noHost
}

// reach connects to a host, unless that is under way.
func (j *job) reach(ctx context.Context, host int) {
	if j.trying[host] {
		return
	}
	j.trying[host] = true
	j.reaping.Go(func() {
		var w way
		if host == hereHost {
			w.agent, w.err = j.launch.local(ctx, j.here)
		} else {
			w.agent, w.err = j.launch.remote(ctx, j.config.Hosts[host], nil)
		}
		w.host = host
		j.ways <- w
	})
}

// arrived takes note of a host's new agent, or that there is none.
func (j *job) arrived(ctx context.Context, w way) {
	delete(j.trying, w.host)
	if w.err == nil && w.agent.hasEnded() {
		w.err = &RankDied{Rank: AgentRank, Host: w.agent.label, How: j.howLost(w.agent, nil)}
		j.reap(w.agent)
	}
	switch {
	case w.host == hereHost && w.err != nil:
		if j.hereTries++; j.hereTries > j.config.MaxRestarts {
			j.failure = w.err
			return
		}
		j.event(ctx, Event{Time: time.Now(), Rank: AgentRank, Host: j.hereLabel, What: w.err.Error(), Action: "it is started again"})
	case w.host == hereHost:
		j.hereTries = 0
		w.agent.label = j.hereLabel
		j.head = w.agent
		j.agents = append(slices.Clone(j.agents), w.agent)
		for h := range j.of {
			if j.isLocal[h] {
				j.of[h] = w.agent
			}
		}
	case w.err != nil:
		j.down[w.host] = true
		j.event(ctx, Event{Time: time.Now(), Rank: AgentRank, Host: j.config.Hosts[w.host].Name, What: w.err.Error(), Action: "another host is looked for"})
	default:
		j.of[w.host] = w.agent
		j.relabel(w.agent)
		j.agents = append(slices.Clone(j.agents), w.agent)
	}
}

// relabel gives a new agent the label of others on its machine.
func (j *job) relabel(a *agentProcess) {
	for _, o := range j.agents {
		if o.machine.ID == a.machine.ID {
			a.label = o.label
		}
	}
}

// stragglers are agents that arrive when nobody needs them any more.
func (j *job) stragglers() []*agentProcess {
	var late []*agentProcess
	limit := time.After(stopTime)
	for len(j.trying) > 0 {
		select {
		case w := <-j.ways: // soon, since their context has ended
			delete(j.trying, w.host)
			if w.agent != nil {
				late = append(late, w.agent)
			}
		case <-limit:
			return late
		}
	}
	return late
}
