package ranks

import (
	"context"

	"halorun/comm"
	"halorun/kernels"
)

// scattered supplies the first stage: ranks that can read INPUT do; to the others the source sends the rows of their
// tiles together with the halo, which costs less than to let them wait for a neighbour.
func (r *Rank) scattered() supply {
	in := r.picture.stages[0].In
	s := supply{
		have:  []comm.Placed{{Rank: r.job.Head, Rect: rect(kernels.Rows{Hi: in.Height}, in.RowBytes())}},
		reads: r.plan.Readers,
		kind:  scatter, step: "scatter",
	}
	if !r.reads {
		return s
	}
	s.kind, s.step = read, "read"
	s.read = r.readInput
	s.lend = func(_ context.Context, rows kernels.Rows) ([][]byte, error) {
		r.probe.at("scatter", 0)
		defer r.meter.time(read)()
		dst := newRows(rows.Len(), in.RowBytes())
		return dst, r.readInput(rows.Lo, dst)
	}
	return s
}
