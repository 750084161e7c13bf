package ranks

import (
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"halorun/comm"
	"halorun/kernels"
)

// activity is what a rank's time goes to.
type activity int

const (
	start activity = iota
	read
	scatter
	halo
	compute
	checkpoint
	gather
	write
	activities
)

// Report is what one rank tells of its part of a job.
type Report struct {
	KernelPath    string  `json:"kernel_path"`
	Transport     string  `json:"transport"`
	Tiles         int64   `json:"tiles"`          // computed
	TilesRestored int64   `json:"tiles_restored"` // taken from the ledger instead
	TilesRedone   int64   `json:"tiles_redone"`   // that were computed and lost
	BytesSent     int64   `json:"bytes_sent"`
	BytesReceived int64   `json:"bytes_received"`
	Seconds       Seconds `json:"seconds"`
}

// Seconds says for how long a rank was busy with, or blocked in, each step, summed over its lanes.
type Seconds struct {
	Start      float64 `json:"start"`
	Read       float64 `json:"read"`
	Scatter    float64 `json:"scatter"`
	Halo       float64 `json:"halo"`
	Compute    float64 `json:"compute"`
	Checkpoint float64 `json:"checkpoint"`
	Gather     float64 `json:"gather"`
	Write      float64 `json:"write"`
}

// Result is what a rank tells of its part, for who sums up.
type Result struct {
	Report
	Usage
	// RestoredOf says how many of the restored tiles were of which lost member of this attempt.
	RestoredOf map[int]int64 `json:"restored_of,omitempty"`
	// Taken says how many tiles this one, as the sink, has taken from which rank, by Epoch and rank.
	Taken map[string]int64 `json:"taken,omitempty"`
	// Planned says how many rows of all stages were to be computed when this one came, in tiles of TileRows, and Computed how many it has.
	Planned  int64 `json:"planned"`
	Computed int64 `json:"computed"`
	TileRows int   `json:"tile_rows"`
	// All says how many rows all stages have. Of the latest Epoch, Left says how many of them were to be computed, by all ranks, when it began,
	// and Since how many this one has computed from then on.
	All        int64  `json:"all"`
	Epoch      uint32 `json:"epoch"`
	Left       int64  `json:"left"`
	Since      int64  `json:"since"`
	Rows       int64  `json:"rows"`       // of OUTPUT that are finished, as far as this rank knows
	Kept       int64  `json:"kept"`       // bytes in the ledger
	Checkpoint string `json:"checkpoint"` // why there are none any more; "" if there is no reason
}

// Result tells what this rank has done so far. It may be called at any time.
func (r *Rank) Result() *Result {
	res := &Result{Report: *r.Report(), Usage: OwnUsage()}
	r.mu.Lock()
	book := r.book
	r.mu.Unlock()
	if book != nil {
		if w := book.writer.Load(); w != nil {
			res.Kept = w.Bytes()
		}
		if why := book.failed.Load(); why != nil {
			res.Checkpoint = *why
		}
	}
	res.Rows = r.meter.rows.Load()
	r.meter.mu.Lock()
	defer r.meter.mu.Unlock()
	m := r.meter
	res.Planned, res.TileRows, res.Computed = m.planned, m.tileRows, m.computed.Load()
	res.All, res.Epoch, res.Left, res.Since = m.all, m.epoch, m.left, res.Computed-m.before
	res.RestoredOf, res.Taken = maps.Clone(r.meter.restoredOf), maps.Clone(r.meter.taken)
	return res
}

// Add adds what a lost member of the same rank has reported.
func (r *Report) Add(lost *Report) {
	r.Tiles += lost.Tiles
	r.TilesRestored += lost.TilesRestored
	r.TilesRedone += lost.TilesRedone
	r.BytesSent += lost.BytesSent
	r.BytesReceived += lost.BytesReceived
	s, l := &r.Seconds, &lost.Seconds
	for _, p := range []struct{ to, from *float64 }{
		{&s.Start, &l.Start}, {&s.Read, &l.Read}, {&s.Scatter, &l.Scatter}, {&s.Halo, &l.Halo}, {&s.Compute, &l.Compute},
		{&s.Checkpoint, &l.Checkpoint}, {&s.Gather, &l.Gather}, {&s.Write, &l.Write},
	} {
		*p.to += *p.from
	}
}

// meter adds up times. Many goroutines may use it.
type meter struct {
	spent                   [activities]atomic.Int64
	tiles, restored, redone atomic.Int64
	rows                    atomic.Int64 // of OUTPUT
	computed                atomic.Int64 // rows of all stages

	mu      sync.Mutex
	traffic Traffic

	restoredOf map[int]int64
	taken      map[string]int64

	planned  int64
	tileRows int

	epoch             uint32
	all, left, before int64 // rows of all stages: that there are, to be computed from the epoch on, that this rank had computed before
}

// plan notes what the plan of an epoch is, and which the first one is that this rank gets to know.
func (m *meter) plan(picture *Picture, p Plan, epoch uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.epoch, m.all, m.left, m.before = epoch, 0, 0, m.computed.Load()
	tileRows := 1
	for i, s := range p.Stages {
		if stage := picture.stages[i]; len(stage.Steps) > 0 {
			m.all += int64(stage.Out.Height)
			m.left += int64(union(s.Runs...).len())
			tileRows = s.TileRows
		}
	}
	if m.tileRows == 0 {
		m.planned, m.tileRows = m.left, max(1, tileRows)
	}
}

// TakenKey is what Result.Taken calls a rank of an epoch.
func TakenKey(epoch uint32, rank int) string { return fmt.Sprintf("%d/%d", epoch, rank) }

// take notes that a tile was taken from a rank.
func (m *meter) take(epoch uint32, rank int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.taken == nil {
		m.taken = make(map[string]int64)
	}
	m.taken[TakenKey(epoch, rank)]++
}

// took notes that a tile of a member, or, if that is negative, of an earlier attempt, was restored.
func (m *meter) took(member int) {
	m.restored.Add(1)
	if member < 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.restoredOf == nil {
		m.restoredOf = make(map[int]int64)
	}
	m.restoredOf[member]++
}

// enter notes that the rank uses another world.
func (m *meter) enter(w *comm.World) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.traffic.Enter(w)
}

func (m *meter) add(a activity, d time.Duration) { m.spent[a].Add(int64(d)) }

// time adds the time until the returned function is called.
func (m *meter) time(a activity) (stop func()) {
	began := time.Now()
	return func() { m.add(a, time.Since(began)) }
}

// Report tells what this rank has done so far. It may be called at any time.
func (r *Rank) Report() *Report {
	m := r.meter
	sec := func(a activity) float64 { return time.Duration(m.spent[a].Load()).Seconds() }
	m.mu.Lock()
	defer m.mu.Unlock()
	stats := m.traffic.Stats()
	return &Report{
		KernelPath: kernels.Path(), Transport: m.traffic.Transport,
		Tiles: m.tiles.Load(), TilesRestored: m.restored.Load(), TilesRedone: m.redone.Load(),
		BytesSent: stats.Sent, BytesReceived: stats.Received,
		Seconds: Seconds{
			Start: sec(start), Read: sec(read), Scatter: sec(scatter), Halo: sec(halo), Compute: sec(compute),
			Checkpoint: sec(checkpoint), Gather: sec(gather), Write: sec(write),
		},
	}
}
