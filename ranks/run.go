package ranks

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"halorun/comm"
	"halorun/ranks/raster"
)

// Run does this rank's part of the job in one epoch. Every member of w calls it with the same job, save that those on another host than
// the head take [Job.Elsewhere]. began is when this process started.
//
// The report is never nil. An error that is only the consequence of another rank's failure wraps a *comm.RankError.
func Run(ctx context.Context, w *comm.World, key []byte, job Job, began time.Time) (*Report, error) {
	return runProbed(ctx, w, key, job, began, Probe{})
}

func runProbed(ctx context.Context, w *comm.World, key []byte, job Job, began time.Time, p Probe) (*Report, error) {
	r := New(began, p)
	defer r.Close()
	err := r.Run(ctx, w, key, job)
	return r.Report(), err
}

// Rank is one process's part of a job, over all the epochs that it lives to see. It keeps what it has computed from one to the next.
type Rank struct {
	began   time.Time
	meter   *meter
	probe   Probe
	started bool // the first plan is known
	source  *source
	sink    *sink
	book    *book             // nil if there are no checkpoints
	ledgers map[string]loaded // segments that this rank has read
	shelves [][]shelved       // tiles in them that it has promised to others, by stage, rising
	known   map[int64]uint64  // checksums of groups of rows of INPUT
	stock

	// Of the epoch:
	world   *comm.World
	job     Job
	picture *Picture
	encoder raster.Encoder // of OUTPUT's segments, or nil
	plan    Plan
	reads   bool // source is the head's INPUT, and its rows are read from there
	writes  bool // sink is the head's OUTPUT
	tags    comm.Tag
	out     *outlet
}

// New returns a rank that has done nothing yet, in a process that started at began.
func New(began time.Time, p Probe) *Rank {
	return &Rank{began: began, meter: new(meter), probe: p, ledgers: make(map[string]loaded), known: make(map[int64]uint64), stock: newStock()}
}

// Run does this rank's part in the epoch of w, as the function Run does. When it fails because another rank is lost it may be called again,
// with the world of a later epoch.
func (r *Rank) Run(ctx context.Context, w *comm.World, key []byte, job Job) error {
	r.meter.enter(w)
	r.mu.Lock() // a report may be asked for at any time
	r.world, r.job, r.tags = w, job, 0
	r.openBook()
	r.mu.Unlock()
	return r.run(ctx, key)
}

// isHead tells whether this member is the source, the sink and who decides the plan.
func (r *Rank) isHead() bool { return r.world.Rank() == r.job.Head }

func (r *Rank) run(ctx context.Context, key []byte) error {
	if err := r.agree(ctx, key); err != nil {
		return err
	}
	if !r.started {
		r.started = true
		r.meter.add(start, time.Since(r.began))
	}
	if !r.plan.Complete {
		rows := r.scattered()
		last := len(r.picture.stages) - 1
		for i := range last {
			decision, err := r.decide(ctx, i, rows)
			if err != nil {
				return err
			}
			rows = r.neighbours(i, decision)
		}
		if err := r.deliver(ctx, last, rows); err != nil {
			return err
		}
	}
	return r.finish()
}

// deliver computes the last stage and brings its rows to OUTPUT.
func (r *Rank) deliver(ctx context.Context, stage int, rows supply) error {
	g, ctx := errgroup.WithContext(ctx)
	take := r.gather(ctx, g, stage)
	r.compute(ctx, g, stage, rows, take)
	err := g.Wait()
	if err != nil {
		r.keep(r.out.rest()) // for the next epoch
	}
	return err
}

// tag returns a message tag that nothing else uses. All ranks ask for tags in the same order.
func (r *Rank) tag() comm.Tag {
	r.tags++
	return r.tags
}

// Close closes the files.
func (r *Rank) Close() {
	r.book.close()
	for _, d := range r.decisions {
		d.close()
	}
	for _, l := range r.ledgers {
		l.Close()
	}
	if r.source != nil {
		r.source.Close()
	}
	if r.sink != nil {
		r.sink.Abort()
		r.sink.file.Close()
	}
}
