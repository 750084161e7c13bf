package ranks

import (
	"cmp"
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"halorun/comm"
	"halorun/kernels"
)

// supply is where the rows of a stage's input come from.
type supply struct {
	have  []comm.Placed                                                  // who has which rows
	lend  func(ctx context.Context, rows kernels.Rows) ([][]byte, error) // rows that this rank has
	read  func(ctx context.Context, y int, dst [][]byte) error           // set if this rank reads all its rows by itself
	begin func(context.Context, *errgroup.Group)                         // if set, to be called before the others
	reads []bool                                                         // by rank: has a read of its own
	kind  activity                                                       // what waiting for these rows is called
	step  string                                                         // and what a probe calls it
}

// chunkBytes is the size of the messages that bring rows to a lane.
const chunkBytes = 1 << 20

// open starts what it takes to supply the lanes of this rank with the rows of the given stage, and to lend this rank's rows to
// others. It returns a reader for each of this rank's lanes.
func (r *Rank) open(ctx context.Context, g *errgroup.Group, stage int, s supply) []kernels.Reader {
	if s.begin != nil {
		s.begin(ctx, g)
	}
	st, plan := r.picture.stages[stage], r.plan.Stages[stage]
	rowBytes := st.In.RowBytes()
	chunkRows := max(1, chunkBytes/rowBytes)
	lend := func(ctx context.Context, q comm.Rect) ([][]byte, error) {
		return s.lend(ctx, kernels.Rows{Lo: int(q.Y0), Hi: int(q.Y1)})
	}
	readers := make([]kernels.Reader, r.plan.Lanes)
	for lane := range readers {
		flow := comm.Flow{Have: s.have}
		var mine []kernels.Rows
		for to := range r.world.Size() {
			if s.reads != nil && s.reads[to] {
				continue
			}
			for _, c := range chunks(st, plan.Runs[to*r.plan.Lanes+lane], chunkRows) {
				flow.Need = append(flow.Need, comm.Placed{Rank: to, Rect: rect(c, rowBytes)})
				if to == r.world.Rank() {
					mine = append(mine, c)
				}
			}
		}
		mover := r.world.NewMover(r.tag(), flow, lend)
		g.Go(func() error { return mover.Serve(ctx) })
		if s.read != nil {
			readers[lane] = func(y int, dst [][]byte) error { return s.read(ctx, y, dst) }
		} else {
			readers[lane] = r.fetch(ctx, g, mover, mine, rowBytes)
		}
	}
	return readers
}

// chunks cuts the input rows of the runs into pieces of at most n rows. Rows that a run shares with the one before it are still in the
// lane's pipeline, so they come once.
func chunks(s kernels.Stage, runs []kernels.Rows, n int) []kernels.Rows {
	var cs []kernels.Rows
	seen := 0
	for _, run := range runs {
		need := s.InRows(run)
		first := max(need.Lo, seen)
		seen = max(need.Hi, seen)
		for y := first; y < need.Hi; y += n {
			cs = append(cs, kernels.Rows{Lo: y, Hi: min(y+n, need.Hi)})
		}
	}
	return cs
}

// fetch receives the chunks ahead of the lane that reads them: one is on its way while another is read.
func (r *Rank) fetch(ctx context.Context, g *errgroup.Group, m *comm.Mover, cs []kernels.Rows, rowBytes int) kernels.Reader {
	type chunk struct {
		at   kernels.Rows
		rows [][]byte
	}
	ready, free := make(chan chunk), make(chan [][]byte, 2)
	highest := 0
	for _, c := range cs {
		highest = max(highest, c.Len())
	}
	for range cap(free) {
		free <- newRows(highest, rowBytes)
	}
	var failed error // final when ready is closed
	g.Go(func() error {
		defer close(ready)
		for i, c := range cs {
			var rows [][]byte
			select {
			case rows = <-free:
			case <-ctx.Done():
				return ctx.Err()
			}
			if failed = m.Fetch(ctx, i, rows[:c.Len()]); failed != nil {
				return failed
			}
			select {
			case ready <- chunk{c, rows}:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	var current chunk
	return func(y int, dst [][]byte) error {
		for len(dst) > 0 {
			if y >= current.at.Hi || y < current.at.Lo {
				if current.rows != nil {
					free <- current.rows
				}
				var ok bool
				if current, ok = <-ready; !ok {
					// Fetching ended early, and why comes first: its error may not have ended ctx yet. Or the plan lacks rows;
					// that may not pass for success.
					return cmp.Or(failed, context.Cause(ctx), fmt.Errorf("row %d was not sent", y))
				}
				continue
			}
			n := min(len(dst), current.at.Hi-y)
			for i, row := range dst[:n] {
				copy(row, current.rows[y+i-current.at.Lo])
			}
			y, dst = y+n, dst[n:]
		}
		return nil
	}
}

// newRows returns n rows that lie side by side in one slice, so that they can be moved in one go.
func newRows(n, rowBytes int) [][]byte {
	all := make([]byte, n*rowBytes)
	rows := make([][]byte, n)
	for i := range rows {
		rows[i] = all[i*rowBytes : (i+1)*rowBytes]
	}
	return rows
}
