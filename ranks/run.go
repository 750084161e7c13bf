package ranks

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"halorun/comm"
)

// Run does this rank's part of the job. Every member of w calls it with the same job, save that those on another host than the
// head take [Job.Elsewhere]. began is when this process started.
//
// The report is never nil. An error that is only the consequence of another rank's failure wraps a *comm.RankError.
func Run(ctx context.Context, w *comm.World, key []byte, job Job, began time.Time) (*Report, error) {
	return runProbed(ctx, w, key, job, began, probe{})
}

func runProbed(ctx context.Context, w *comm.World, key []byte, job Job, began time.Time, p probe) (*Report, error) {
	r := &rank{world: w, job: job, meter: new(meter), probe: p}
	defer r.close()
	err := r.run(ctx, key, began)
	return r.report(), err
}

// rank is one rank's part of a job.
type rank struct {
	world   *comm.World
	job     Job
	source  *source // nil if this rank does not read INPUT
	sink    *sink   // nil if this rank does not write OUTPUT
	picture *Picture
	plan    Plan
	meter   *meter
	tags    comm.Tag
	probe   probe
}

// isHead tells whether this member is the source, the sink and who decides the plan.
func (r *rank) isHead() bool { return r.world.Rank() == r.job.Head }

func (r *rank) run(ctx context.Context, key []byte, began time.Time) error {
	if err := r.agree(ctx, key); err != nil {
		return err
	}
	r.meter.add(start, time.Since(began))

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
	return r.finish()
}

// deliver computes the last stage and brings its rows to OUTPUT.
func (r *rank) deliver(ctx context.Context, stage int, rows supply) error {
	g, ctx := errgroup.WithContext(ctx)
	take := r.gather(ctx, g, stage)
	r.compute(ctx, g, stage, rows, take)
	return g.Wait()
}

// tag returns a message tag that nothing else uses. All ranks ask for tags in the same order.
func (r *rank) tag() comm.Tag {
	r.tags++
	return r.tags
}

func (r *rank) close() {
	if r.source != nil {
		r.source.Close()
	}
	if r.sink != nil {
		r.sink.Abort()
		r.sink.file.Close()
	}
}
