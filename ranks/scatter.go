package ranks

import (
	"context"

	"golang.org/x/sync/errgroup"

	"halorun/comm"
	"halorun/kernels"
)

// scattered supplies the first stage: ranks that can read INPUT do; to the others the source sends the rows of their
// tiles together with the halo, which costs less than to let them wait for a neighbour.
func (r *Rank) scattered() supply {
	in := r.picture.stages[0].In
	s := supply{
		have: []comm.Placed{{Rank: r.job.Head, Rect: rect(kernels.Rows{Hi: in.Height}, in.RowBytes())}},
		owned: func(rank int) rowSet {
			if r.plan.Readers[rank] {
				return rowSet{{Hi: in.Height}}
			}
			return nil
		},
		kind: scatter, step: "scatter",
	}
	if !r.reads {
		return s
	}
	s.kind, s.step = read, "read"
	s.read = func(_ context.Context, y int, dst [][]byte) error { return r.readInput(y, dst) }
	if !r.source.Direct() {
		r.runAhead(&s)
		return s
	}
	s.lend = func(_ context.Context, y int, dst [][]byte) error {
		r.probe.at("scatter", 0)
		defer r.meter.time(read)()
		return r.readInput(y, dst)
	}
	return s
}

// runAhead supplies rows that are decoded from top to bottom.
func (r *Rank) runAhead(s *supply) {
	st, plan := r.picture.stages[0], r.plan.Stages[0]
	var lanes [][]kernels.Rows
	for _, runs := range plan.Runs {
		lanes = append(lanes, chunks(st, runs, nil, st.In.Height))
	}
	_, room := r.job.decoding()
	// Twice what lanes have in hand is enough to keep all of them busy; new memory costs time, too.
	var wanted int64
	for _, runs := range plan.Runs {
		if len(runs) > 0 {
			tile := kernels.Rows{Hi: plan.highest(runs)}
			wanted += 2 * (int64(st.InRows(tile).Len())*int64(st.In.RowBytes()) + 2*max(chunkBytes, int64(st.In.RowBytes())))
		}
	}
	room = min(room, max(leastAhead, wanted))
	a := newAhead(r.readInput, st.In, lanes, room, r.job.scratch)
	s.begin = func(ctx context.Context, g *errgroup.Group) {
		context.AfterFunc(ctx, a.close)
		g.Go(func() error { return a.run(ctx) })
	}
	s.read = func(ctx context.Context, y int, dst [][]byte) error { return a.take(ctx, y, dst) }
	s.lend = func(ctx context.Context, y int, dst [][]byte) error {
		r.probe.at("scatter", 0)
		defer r.meter.time(read)()
		return a.take(ctx, y, dst)
	}
}
