package launcher

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"halorun/hostfiles"
)

// Config says what to start, and where.
type Config struct {
	Executable string   // of agent and ranks; "" is this program
	AgentArgs  []string // arguments that make it call Agent
	RankArgs   []string // arguments that make it call Attach
	Version    string   // of this program

	// Hosts are those that ranks may run on, and Placement says which, for each rank, by index. Without hosts there are Size
	// ranks on this machine.
	Hosts     []hostfiles.Host
	Placement []int
	Size      int

	Threads int        // of each rank, passed on
	Job     string     // a short name
	Spec    []byte     // what the ranks are to do, passed on
	Remove  []string   // temporary files, by absolute path, that an agent here removes if the launcher is gone
	Keep    string     // unless there is this file, by absolute path: the job can be resumed
	Files   []*os.File // every rank on this machine inherits them, from descriptor 4 on
	Env     []string   // NAME=VALUE, for the ranks' environment
	Dir     string     // the ranks' working folder; "" leaves them where their agent is
	Bind    bool       // each rank to cores of its own

	SSH             []string      // the program that connects to hosts, and first arguments; nil is ssh
	SSHArgs         []string      // more arguments, before our own
	RemotePath      string        // where the user has installed this program on the hosts; "" sends it
	Fanout          int           // connections a host makes at a time, and children a host has in the tree; zero is 32
	LaunchTimeout   time.Duration // how long a host may be without a sign of life before its agent runs; zero is 10 s
	SkipUnreachable bool          // go on without hosts that cannot be reached
	Heartbeat       time.Duration // how long a host, or a rank, may be silent later; zero is 5 s
	MaxRestarts     int           // how often each rank may be lost and replaced; zero: the first loss ends the job
	Shrink          bool          // go on without lost ranks, rather than replace them
	Spares          []int         // of Hosts, those without ranks that get an agent even so, to be at hand

	// Lines gets every line that a rank prints, without its newline; stream is stdout or stderr. A line of more than
	// 64 KiB comes in pieces. Events gets events as they happen, Notices what else users should know. Calls of all three come one at
	// a time, from one goroutine. One that blocks holds up the ranks, but does not keep the context from ending the job.
	Lines   func(rank int, host, stream, line string)
	Events  func(Event)
	Notices func(string)

	// Progress gets what a rank says its result would be if it ended now, as Lines gets lines.
	Progress func(rank int, member uint32, host string, result []byte)
	// Excused tells whether the loss of a member does not count against MaxRestarts, since what it was at is to blame, and is not tried again.
	// It may be asked again and again, by any goroutine.
	Excused func(member uint32) bool
	// HeadLost is called when the process that reads INPUT and writes OUTPUT is lost, and has ended, before another one takes its place.
	HeadLost func()
	// Commit is called when all ranks have finished, and before they know that. Its error is the job's.
	Commit func() error

	// Suspend gets a function when the job is to pause. It is called when the ranks are stopped, and when it returns they go on.
	Suspend <-chan func()

	// StartTimeout is how long it may take until all ranks have attached, once their agents run; zero is 10 s, and 20 ms more for
	// each rank.
	StartTimeout time.Duration
}

func (c *Config) setDefaults() {
	if c.Fanout == 0 {
		c.Fanout = 32
	}
	if c.LaunchTimeout == 0 {
		c.LaunchTimeout = 10 * time.Second
	}
	if c.Heartbeat == 0 {
		c.Heartbeat = 5 * time.Second
	}
	if len(c.SSH) == 0 {
		c.SSH = []string{"ssh"}
	}
}

func (c *Config) executable() string {
	if c.Executable == "" {
		return self
	}
	return c.Executable
}

// Event is something that happened to a rank.
type Event struct {
	Time   time.Time `json:"time"`
	Member uint32    `json:"member"`
	Rank   int       `json:"rank"`
	Host   string    `json:"host"`
	What   string    `json:"what"`
	Action string    `json:"action"` // what was done about it
}

// String returns the event in words.
func (e Event) String() string {
	text := strings.TrimSpace(e.What)
	if e.Action != "" {
		text += "; " + e.Action
	}
	return text
}

// Result is what became of the ranks, as far as is known.
type Result struct {
	Epochs, Restarts int
	Ranks            []RankResult // by rank
	Head             *RankResult  // of the source and sink, if it is no rank
	Hosts            []HostResult // those with ranks, as in Config, and this machine
	Events           []Event
}

// RankResult is what became of one rank. Where a rank had several members, Member to MaxRSSBytes, Status and Signal are of the last one.
type RankResult struct {
	Rank        int
	Member      uint32
	Host        string
	PID         int // 0 if it was not started
	Threads     int
	CPUs        []int // that it was bound to, if it was
	MaxRSSBytes int64
	Result      []byte         // what the rank gave to Done or Fail
	Lost        []Lost         // its members before
	Restarts    int            // how many of those were lost; the others had done their part when the epoch ended
	LostSeconds float64        // from each loss until all ranks had met again
	Status      int            // of the process's exit
	Signal      syscall.Signal // that ended it; 0 if it exited by itself
}

// Lost is a member that is gone.
type Lost struct {
	Member  uint32
	First   uint32 // epoch
	Numbers []int  // in its epochs, from the first on: what ranks call it
	Result  []byte // what was last known of it
}

// HostResult is what became of the attempt to reach a host.
type HostResult struct {
	hostfiles.Host
	Local     bool          // it is this machine, to which nothing connects
	Err       error         // why there is no agent
	Connected time.Duration // how long it took until the agent ran
	Sent      int           // bytes of program that it was sent
	Name      string        // by which it knows itself
	Arch      string        // its GOARCH
	Version   string        // of the program there
	ClockSkew time.Duration // its clock minus ours
}

const (
	// causeTime is how long an error that is a mere consequence waits for its cause.
	causeTime = 300 * time.Millisecond
	// exitTime is how long ranks may take to exit, once all have finished.
	exitTime = 2 * time.Second
	// stopTime is how long the agents may take to end their ranks and themselves, before they are killed.
	stopTime = stopGrace + killTime + 150*time.Millisecond
	// lastTime is how long killed agents and connections may take to be gone.
	lastTime = 500 * time.Millisecond
)

// Run starts the ranks and returns when all have done their part, or at the first failure, with a *HostError, a *StartError, a
// *RankFailed, a *RankDied or the context's cause. In any case all processes here have ended by then, and those on other hosts were
// told to, or their connection is gone, which they take for the same. The result is not nil.
func Run(ctx context.Context, c Config) (*Result, error) {
	c.setDefaults()
	name, err := os.Hostname()
	if len(c.Hosts) == 0 {
		c.Hosts, c.Placement = []hostfiles.Host{{Name: name}}, make([]int, max(0, c.Size))
	}
	if err == nil && len(c.Placement) == 0 {
		err = errors.New("there are no ranks to start")
	}
	if err != nil {
		return &Result{}, &StartError{Rank: AgentRank, Host: name, Err: err}
	}
	l := &launch{
		config: &c, keeper: newKeeper(), binaries: findBinaries(c.executable()), reporter: newReporter(),
		direct: make(chan struct{}, c.Fanout), events: make(chan event, 4*len(c.Hosts)+64),
	}
	defer l.keeper.close()
	crew, result, err := l.muster(ctx, name)
	j := newJob(l, crew, result)
	if err == nil {
		err = j.follow(ctx)
	}
	j.finish(ctx)
	return j.result, err
}

// crew are the agents of a job.
type crew struct {
	agents []*agentProcess
	of     []*agentProcess // by host of the Config; nil for those that were not reached
	head   *agentProcess   // the one on this machine; nil while it is being replaced

	isLocal   []bool         // by host of the Config: it is this machine
	failed    []bool         // by host of the Config: it could not be reached
	here      hostfiles.Host // this machine
	hereLabel string
}

// muster starts the agents on all hosts that get a rank, and on this machine.
func (l *launch) muster(ctx context.Context, name string) (*crew, *Result, error) {
	c := l.config
	used := make([]bool, len(c.Hosts))
	for _, h := range slices.Concat(c.Placement, c.Spares) {
		used[h] = true
	}
	var hosts []hostfiles.Host // to start an agent on: this machine comes first
	local := l.locals(ctx, used)
	here := hostfiles.Host{Name: name}
	for i, h := range c.Hosts {
		if local[i] {
			here = h
			break
		}
	}
	hosts = append(hosts, here)
	at := make([]int, len(c.Hosts)) // in hosts
	for i, h := range c.Hosts {
		if used[i] && !local[i] {
			at[i] = len(hosts)
			hosts = append(hosts, h)
		}
	}
	agents, errs := l.connect(ctx, hosts)
	cr, result := &crew{of: make([]*agentProcess, len(c.Hosts)), failed: make([]bool, len(c.Hosts)), head: agents[0]}, &Result{}
	for i, a := range agents {
		r := HostResult{Host: hosts[i], Local: i == 0, Err: errs[i]}
		if a != nil {
			cr.agents = append(cr.agents, a)
			r.Connected, r.Sent, r.Name, r.Arch, r.Version = a.connected, a.sent, a.machine.Name, a.machine.Arch, a.machine.Version
		}
		result.Hosts = append(result.Hosts, r)
	}
	for i := range c.Hosts {
		if used[i] {
			cr.of[i] = agents[at[i]]
			cr.failed[i] = cr.of[i] == nil
		}
	}
	cr.label()
	cr.isLocal, cr.here, cr.hereLabel = local, here, here.Name
	if cr.head != nil {
		cr.hereLabel = cr.head.label
	}
	return cr, result, l.unreached(ctx, hosts, l.required(ctx, hosts, errs))
}

// locals tells which of the hosts are this machine.
func (l *launch) locals(ctx context.Context, used []bool) []bool {
	if len(l.config.Hosts) > 1 || l.config.Hosts[0].Origin != "" {
		l.names = thisMachineNames()
	}
	local := make([]bool, len(used))
	var g errgroup.Group
	g.SetLimit(64)
	for i, h := range l.config.Hosts {
		if used[i] {
			g.Go(func() error {
				local[i] = h.Origin == "" && len(used) == 1 || l.names.means(ctx, h)
				return nil
			})
		}
	}
	_ = g.Wait() // nothing fails
	return local
}

// label gives agents that share a machine the same label, so that their ranks count as being on one host.
func (c *crew) label() {
	first := make(map[string]string)
	for _, a := range c.agents {
		if label, ok := first[a.machine.ID]; ok {
			a.label = label
		} else {
			first[a.machine.ID] = a.label
		}
	}
}

// required returns the errors of hosts that ranks are to be on at once; those of spare hosts are but noticed.
func (l *launch) required(ctx context.Context, hosts []hostfiles.Host, errs []error) []error {
	errs = slices.Clone(errs)
	for i, err := range errs {
		if i > 0 && err != nil && l.isSpare(hosts[i]) {
			if err != errGivenUp {
				l.notice(ctx, "spare %v", err)
			}
			errs[i] = nil
		}
	}
	return errs
}

// isSpare tells whether a host gets no rank at first.
func (l *launch) isSpare(host hostfiles.Host) bool {
	return !slices.ContainsFunc(l.config.Placement, func(h int) bool { return l.config.Hosts[h] == host })
}

// unreached makes one error of those of the hosts.
func (l *launch) unreached(ctx context.Context, hosts []hostfiles.Host, errs []error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errs[0] != nil {
		return errs[0] // without this machine's agent nothing goes
	}
	var failed []error
	for _, err := range errs {
		if err != nil && err != errGivenUp {
			failed = append(failed, err)
		}
	}
	switch {
	case len(failed) == 0:
		return nil
	case !l.config.SkipUnreachable:
		return together(failed)
	}
	for _, err := range failed {
		l.notice(ctx, "%v", err)
	}
	l.notice(ctx, "going on without %d of %d hosts", len(failed), len(l.config.Hosts))
	return nil
}

// together makes one line of the errors of several hosts: the first in full, and of the others the names.
func together(failed []error) error {
	if len(failed) == 1 {
		return failed[0]
	}
	var others []string
	for _, err := range failed[1:] {
		var h *HostError
		if errors.As(err, &h) && len(others) < 10 {
			others = append(others, h.Host)
		}
	}
	if more := len(failed) - 1 - len(others); more > 0 {
		others = append(others, fmt.Sprintf("%d more", more))
	}
	return fmt.Errorf("%w; nor could these be reached: %s ('halorun hosts check' tells of each)", failed[0], strings.Join(others, ", "))
}

// archOf returns the GOARCH for what uname -m says.
func archOf(machine string) string {
	for arch, m := range machines {
		if m == machine {
			return arch
		}
	}
	return runtime.GOARCH
}
