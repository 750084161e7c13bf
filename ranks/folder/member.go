package folder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"halorun/comm"
	"halorun/ranks"
)

// Join makes another world of the same members, for one large picture. All of them call it at the same time.
type Join func(ctx context.Context) (*comm.World, error)

// Member is one process's part of a job on many pictures, over all the epochs that it lives to see.
type Member struct {
	began    time.Time
	probe    ranks.Probe
	boot     string
	meter    meter
	store    store
	memory   *semaphore.Weighted
	pictures pictures
	head     *head // if this is the head

	mu     sync.Mutex
	untold map[int]*Record // how pictures ended that the head may not know of

	// Of the epoch:
	world *comm.World
	job   *Job
	key   []byte
	join  Join
}

// New returns a member that has done nothing yet, in a process that started at began.
func New(began time.Time, p ranks.Probe) *Member {
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return &Member{began: began, probe: p, boot: strings.TrimSpace(string(boot)), untold: make(map[int]*Record)}
}

// hello is what a member tells the head when an epoch begins.
type hello struct {
	Member uint32
	Writes bool // outputs, itself
	Untold []*Record
}

// Run does this member's part in the epoch of w. Every member of w calls it with the same job, save that those on another host than the head
// take [Job.Elsewhere]. When it fails because another rank is lost it may be called again, with the world of a later epoch.
func (m *Member) Run(ctx context.Context, w *comm.World, key []byte, job Job, join Join) error {
	if ranks := job.ranks(w.Size()); ranks < 1 || ranks > w.Size() || job.Head < 0 || job.Head >= w.Size() || ranks < w.Size()-1 {
		return fmt.Errorf("a world of %d members is not one of %d ranks whose head is number %d", w.Size(), job.Ranks, job.Head)
	}
	m.meter.enter(w)
	m.world, m.job, m.key, m.join = w, &job, key, join
	if m.memory == nil {
		m.memory = semaphore.NewWeighted(job.Memory)
	}
	if err := m.agree(ctx); err != nil {
		return err
	}
	m.meter.start(m.began)
	g, gctx := errgroup.WithContext(ctx)
	if m.isHead() {
		m.head.serve(gctx, g)
	}
	g.Go(func() error {
		if err := m.work(gctx); err != nil {
			return err
		}
		if m.isHead() {
			return m.head.finish(gctx)
		}
		return m.follow(gctx)
	})
	err := g.Wait()
	if m.isHead() {
		m.head.leave()
	}
	return first(ctx, err)
}

// first prefers the reason why a context ended to what came of it.
func first(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return context.Cause(ctx)
	}
	return err
}

func (m *Member) isHead() bool { return m.world.Rank() == m.job.Head }

// agree makes all members know which of them can write the output folder, and the head what they have done.
func (m *Member) agree(ctx context.Context) error {
	var offer mark
	if m.isHead() {
		if m.head == nil {
			h, err := newHead(m)
			if err != nil {
				return err
			}
			m.mu.Lock()
			m.head = h
			m.mu.Unlock()
		}
		var err error
		if offer, err = m.makeMark(); err != nil {
			return &ranks.OutputError{Name: m.job.Output, Err: err}
		}
	}
	b, err := json.Marshal(offer)
	if err != nil {
		return err
	}
	if b, err = m.world.BcastBytes(ctx, m.job.Head, b, maxMessage); err != nil {
		return fmt.Errorf("tell all ranks of the output folder: %w", err)
	}
	if err := json.Unmarshal(b, &offer); err != nil {
		return err
	}
	m.mu.Lock()
	mine := hello{Member: m.world.Member(), Writes: m.isHead() || m.finds(offer)}
	for _, r := range m.untold {
		mine.Untold = append(mine.Untold, r)
	}
	b, err = json.Marshal(mine)
	m.mu.Unlock()
	if err != nil {
		return err
	}
	m.store.begin(m.job, m.world.Member(), m.world.Epoch(), mine.Writes)
	all, err := m.world.Allgather(ctx, b)
	if err != nil {
		return fmt.Errorf("ask all ranks what they have done: %w", err)
	}
	if !m.isHead() {
		return nil
	}
	var members []uint32
	var untold []*Record
	for _, b := range all {
		var h hello
		if err := json.Unmarshal(b, &h); err != nil {
			return err
		}
		members = append(members, h.Member)
		untold = append(untold, h.Untold...)
	}
	return m.head.enter(members, untold)
}

// work runs the lanes until there are no more pictures for them.
func (m *Member) work(ctx context.Context) error {
	if m.world.Rank() >= m.job.ranks(m.world.Size()) {
		return nil // a head that is no rank
	}
	g, ctx := errgroup.WithContext(ctx)
	for number := range m.job.lanes() {
		l := &lane{Member: m, number: number, opened: make(chan *work), computed: make(chan *work)}
		g.Go(func() error { return l.fetch(ctx) })
		g.Go(func() error { return l.compute(ctx) })
		g.Go(func() error { return l.put(ctx) })
	}
	return g.Wait()
}

// tell tells the head how a picture ended.
func (m *Member) tell(ctx context.Context, lane int, r *Record) error {
	r.Rank = m.world.Rank()
	if r.State == Done {
		m.meter.pictures.Add(1)
	}
	m.at("gather")
	if m.isHead() {
		return m.head.takeEnd(holder{m.world.Rank(), lane}, r)
	}
	m.mu.Lock()
	if r.State == Done {
		m.untold[r.N] = r
	}
	m.mu.Unlock()
	return send(ctx, m.world, m.job.Head, tagAsk, question{Kind: tellEnd, Lane: lane, Record: r})
}

// told forgets what the head knows by now: it answers questions in the order in which they come.
func (m *Member) told(before []int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range before {
		delete(m.untold, n)
	}
}

// asked returns what the head will know when it answers the next question.
func (m *Member) asked() (ns []int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for n := range m.untold {
		ns = append(ns, n)
	}
	return ns
}

func (m *Member) at(step string) {
	if m.probe.At != nil {
		m.probe.At(step, 0)
	}
}

// atPicture is the step at which a rank begins to compute a picture.
func (m *Member) atPicture(e *Entry) {
	if m.probe.At != nil {
		m.probe.At("picture "+filepath.Base(e.In), 0)
	}
}

func (m *Member) fault(step string) error {
	if m.probe.Fault == nil {
		return nil
	}
	return m.probe.Fault(step)
}

// Close removes what this member has not completed.
func (m *Member) Close() {
	m.store.clear()
	if m.head != nil {
		defer m.head.pacer.Hold()() // none is under way any more
	}
}

// Result is what a member tells of its part, for who sums up. Its names are those of ranks.Result, where it has the same.
type Result struct {
	ranks.Report
	ranks.Usage
	Epoch      uint32 `json:"epoch"`      // the latest
	Pictures   int64  `json:"pictures"`   // that this member has done
	Rows       int64  `json:"rows"`       // the head's: all pictures that are done or failed
	Kept       int64  `json:"kept"`       // the head's: bytes in the journal
	Checkpoint string `json:"checkpoint"` // why nothing is noted any more; "" if there is no reason
}

// Result tells what this member has done so far. It may be called at any time.
func (m *Member) Result() *Result {
	r := &Result{Report: m.meter.report(), Usage: ranks.OwnUsage(), Epoch: m.meter.epoch.Load(), Pictures: m.meter.pictures.Load()}
	m.mu.Lock()
	h := m.head
	m.mu.Unlock()
	if h != nil {
		h.sum(r)
	}
	return r
}

// Report is that part of the Result which all kinds of jobs have.
func (m *Member) Report() *ranks.Report { return &m.Result().Report }

// meter adds up times. Many goroutines may use it.
type meter struct {
	started, wait, read, compute, gather, write atomic.Int64
	pictures                                    atomic.Int64
	epoch                                       atomic.Uint32
	once                                        sync.Once

	mu      sync.Mutex
	traffic ranks.Traffic
	large   ranks.Report // of large pictures
}

func (m *meter) enter(w *comm.World) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.epoch.Store(w.Epoch())
	m.traffic.Enter(w)
}

func (m *meter) start(began time.Time) {
	m.once.Do(func() { m.started.Store(int64(time.Since(began))) })
}

// since adds the time since then to a sum.
func since(sum *atomic.Int64, began time.Time) { sum.Add(int64(time.Since(began))) }

func (m *meter) report() ranks.Report {
	sec := func(n *atomic.Int64) float64 { return time.Duration(n.Load()).Seconds() }
	m.mu.Lock()
	defer m.mu.Unlock()
	stats := m.traffic.Stats()
	r := ranks.Report{
		KernelPath: kernelPath(), Transport: m.traffic.Transport, BytesSent: stats.Sent, BytesReceived: stats.Received,
		Seconds: ranks.Seconds{
			Start: sec(&m.started), Scatter: sec(&m.wait), Read: sec(&m.read), Compute: sec(&m.compute), Gather: sec(&m.gather), Write: sec(&m.write),
		},
	}
	r.Add(&m.large)
	return r
}
