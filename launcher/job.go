package launcher

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"halorun/launcher/control"
)

// job is the state of a job as the agents' messages tell it.
//
//	job.go      the loop, and the end
//	hear.go     what the agents say
//	epoch.go    who is which rank; a new epoch
//	replace.go  who takes the place of a lost rank, and where
//	stuck.go    ranks that cannot reach each other
type job struct {
	*launch
	*crew
	result *Result

	seats   []*seat
	members map[uint32]*member // all there ever were, by ID
	nextID  uint32

	epoch  uint32
	roles  []*member         // of the epoch, by number
	put    map[string][]byte // by those at the fence
	broken bool              // the epoch has lost a rank
	// How many of the roles have come so far.
	atFence, joined, finished, exited int
	released                          bool   // all have finished
	stopping                          bool   // what ends from now on ends because we say so
	headPID                           int    // of the head, while it may run
	shrink                            int    // how often the ranks' tiles are to be halved
	shrunk                            uint32 // the last epoch for which that was

	starting *time.Timer

	failure error            // the first that is no consequence of another
	echo    error            // the first that is
	cause   <-chan time.Time // when no cause of the echo will come any more

	replacing
	stuck
	reaping sync.WaitGroup // of agents that are lost, and of connections in the making

	pause *pausing // while the job is being suspended
}

// seat is a rank of the job, or its source and sink, whoever it is at the time.
type seat struct {
	*RankResult
	home    int      // the host of the Config that it was given first; -1 for the head that is no rank
	member  *member  // nil while nobody is
	dropped bool     // for good
	lost    *loss    // that is not made up for yet
	losses  []uint32 // members that were lost, as Restarts counts them
}

// member is what is known of a member.
type member struct {
	id      uint32
	seat    *seat
	first   uint32 // epoch
	numbers []int  // by epoch, from the first on
	agent   *agentProcess
	result  []byte // latest

	attached, atFence, joined, finished, exited bool
}

// number returns what ranks call it in its latest epoch.
func (m *member) number() int { return m.numbers[len(m.numbers)-1] }

// newJob gives every agent its ranks, without those of hosts that were not reached. The head is a rank on this machine, or a member
// besides the ranks.
func newJob(l *launch, c *crew, result *Result) *job {
	j := &job{launch: l, crew: c, result: result, members: make(map[uint32]*member)}
	j.replacing.init(c.failed)
	for _, h := range l.config.Placement {
		host, a := l.config.Hosts[h].Name, c.of[h]
		switch {
		case a != nil:
			host = a.label
		case l.config.SkipUnreachable:
			continue
		}
		s := &seat{home: h, RankResult: &RankResult{Rank: len(j.seats), Host: host, Threads: l.config.Threads}}
		j.seats = append(j.seats, s)
		j.sit(s, a)
	}
	if c.head == nil {
		return j
	}
	if j.headSeat() == nil {
		s := &seat{home: -1, RankResult: &RankResult{Rank: HeadRank, Host: c.head.label}}
		j.seats = append(j.seats, s)
		j.sit(s, c.head)
	}
	return j
}

// rise ends the time of a seat's member.
func (j *job) rise(s *seat) {
	s.Lost = append(s.Lost, Lost{s.member.id, s.member.first, s.member.numbers, s.member.result})
	s.member, s.Result = nil, nil
}

// sit makes a new member the rank of a seat.
func (j *job) sit(s *seat, a *agentProcess) {
	m := &member{id: j.nextID, seat: s, agent: a, first: j.epoch + 1}
	j.nextID++
	j.members[m.id] = m
	s.member, s.Member = m, m.id
	s.PID, s.CPUs, s.Status, s.Signal = 0, nil, 0, 0
	if a != nil {
		s.Host = a.label
	}
}

// headSeat returns the head's: the first on this machine.
func (j *job) headSeat() *seat {
	i := slices.IndexFunc(j.seats, func(s *seat) bool { return s.Rank == HeadRank || s.member != nil && s.member.agent == j.head })
	if i < 0 {
		return nil
	}
	return j.seats[i]
}

func (j *job) toAgents(m control.Message) {
	for _, a := range j.agents {
		a.out.post(m)
	}
}

// follow starts the ranks and acts on the agents' messages until the job is done or has failed.
func (j *job) follow(ctx context.Context) error {
	if !slices.ContainsFunc(j.seats, func(s *seat) bool { return s.Rank != HeadRank }) {
		return &StartError{Rank: AgentRank, Host: j.head.label, Err: errors.New("no host with ranks can be reached")}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	j.starting = time.NewTimer(time.Hour)
	defer j.starting.Stop()
	j.theHead = j.headSeat()
	j.begin(ctx)
	var exit <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			if j.released && j.echo == nil && j.config.Commit != nil {
				return nil // it comes too late
			}
			return context.Cause(ctx)
		case <-j.starting.C:
			j.mustBeAttached(ctx)
		case <-j.cause:
			return j.echo
		case <-exit:
			return nil // all is done, and who hangs in its exit is killed
		case stopped := <-j.config.Suspend:
			j.suspend(stopped)
		case <-j.pause.timeout():
			j.sleep(ctx)
		case w := <-j.ways:
			j.arrived(ctx, w)
		case <-j.verdict:
			j.judge(ctx)
		case e := <-j.events:
			if e.message == nil {
				j.agentGone(ctx, e.from, nil)
			} else if err := j.hear(ctx, e); err != nil {
				j.agentGone(ctx, e.from, err)
			}
		}
		if j.failure == nil && j.broken {
			j.makeUp(ctx)
		}
		size := len(j.roles)
		if j.atFence == size {
			j.toAgents(&control.Table{Epoch: j.epoch, Values: j.put})
			j.openFence()
		}
		j.pauseIfDue(ctx)
		switch {
		case j.failure != nil:
			return j.failure
		case j.broken:
		case j.exited == size && (j.released || j.echo != nil):
			return j.echo
		case j.echo != nil && j.cause == nil:
			j.cause = time.After(causeTime)
		case j.finished == size && !j.released:
			if f := j.config.Commit; f != nil && j.echo == nil {
				if err := f(); err != nil {
					return err
				}
			}
			j.released = true
			j.toAgents(&control.Release{})
			exit = time.After(exitTime)
		}
	}
}

// startTime is how long members may take to attach.
func (j *job) startTime() time.Duration {
	if t := j.config.StartTimeout; t != 0 {
		return t
	}
	return 10*time.Second + time.Duration(len(j.roles))*20*time.Millisecond
}

// finish ends the agents and with them the ranks, and hears what they still have to tell.
func (j *job) finish(ctx context.Context) {
	j.stopping = true
	for _, s := range j.seats {
		j.tell(ctx, s, "the job ends") // before anything could be done
	}
	limit, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	j.agents = append(j.agents, j.stragglers()...)
	j.toAgents(&control.Stop{})
	printing := limit
	if ctx.Err() != nil {
		printing = ctx // what there is no room for is not worth waiting for
	}
	running := make(map[*agentProcess]bool)
	for _, a := range j.agents {
		running[a] = true
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
	reaped := make(chan struct{})
	go func() {
		defer close(reaped)
		j.reaping.Wait()
	}()
	select {
	case <-reaped:
	case <-time.After(lastTime):
	}
	j.sum()
	j.reporter.close(ctx, limit)
}

// sum puts what became of the seats into the result.
func (j *job) sum() {
	j.result.Epochs, j.result.Ranks = max(int(j.epoch), 1), nil
	for _, s := range j.seats {
		if s.lost != nil {
			s.LostSeconds += time.Since(s.lost.at).Seconds()
		}
		if s.Result == nil && s.member != nil {
			s.Result = s.member.result // it had no time for a last word
		}
		if s.Rank == HeadRank {
			j.result.Head = s.RankResult
		} else {
			j.result.Ranks = append(j.result.Ranks, *s.RankResult)
		}
		j.result.Restarts += s.Restarts
	}
}

// mustBeAttached takes note of ranks that have not attached.
func (j *job) mustBeAttached(ctx context.Context) {
	for _, m := range j.roles {
		if m.attached || j.broken && m.seat.member != m {
			continue
		}
		err := fmt.Errorf("no sign of life within %v", j.startTime())
		j.notStarted(ctx, m, err)
	}
}

func (j *job) event(ctx context.Context, e Event) {
	j.result.Events = append(j.result.Events, e)
	if j.config.Events != nil {
		j.reporter.report(ctx, func() { j.config.Events(e) })
	}
}
