package ranks

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"halorun/comm"
	"halorun/kernels"
)

// supply is where the rows of a stage's input come from.
type supply struct {
	have  []comm.Placed                                        // who has which rows
	lend  func(ctx context.Context, y int, dst [][]byte) error // makes rows that this rank has
	owned func(rank int) rowSet                                // those that a rank need not be sent
	read  func(ctx context.Context, y int, dst [][]byte) error // for these, on this rank
	begin func(context.Context, *errgroup.Group)               // if set, to be called before the others
	kind  activity                                             // what waiting for these rows is called
	step  string                                               // and what a probe calls it
}

// chunkBytes is the size of the messages that bring rows to a lane, if these are not very short.
const (
	chunkBytes    = 1 << 20
	mostChunkRows = 4096
)

// open starts what it takes to supply the lanes of this rank with the rows of the given stage, and to lend this rank's rows to
// others. It returns a reader for each of this rank's lanes.
func (r *Rank) open(ctx context.Context, g *errgroup.Group, stage int, s supply) []laneReader {
	if s.begin != nil {
		s.begin(ctx, g)
	}
	st, plan := r.picture.stages[stage], r.plan.Stages[stage]
	rowBytes := st.In.RowBytes()
	chunkRows := min(max(1, chunkBytes/rowBytes), mostChunkRows, st.In.Height)
	lent := rowBuffers{rows: chunkRows, rowBytes: rowBytes}
	lend := func(ctx context.Context, q comm.Rect) ([][]byte, error) {
		dst := lent.take(int(q.Y1 - q.Y0))
		return dst, s.lend(ctx, int(q.Y0), dst)
	}
	self, own := r.world.Rank(), make([]rowSet, r.world.Size())
	for rank := range own {
		own[rank] = s.owned(rank)
	}
	readers := make([]laneReader, r.plan.Lanes)
	for lane := range readers {
		flow := comm.Flow{Have: s.have}
		var mine []kernels.Rows
		for to := range r.world.Size() {
			for _, c := range chunks(st, plan.Runs[to*r.plan.Lanes+lane], own[to], chunkRows) {
				flow.Need = append(flow.Need, comm.Placed{Rank: to, Rect: rect(c, rowBytes)})
				if to == self {
					mine = append(mine, c)
				}
			}
		}
		mover := r.world.NewMover(r.tag(), flow, lend)
		mover.Done = lent.giveBack
		g.Go(func() error { return mover.Serve(ctx) })
		readers[lane] = laneReader{
			supply: s, own: own[self], sent: r.fetch(ctx, g, mover, mine, rowBytes),
		}
	}
	return readers
}

// laneReader brings a lane its rows: those that its rank has itself, and those that are sent.
type laneReader struct {
	supply
	own    rowSet
	sent   kernels.Reader
	waited time.Duration // for them
}

// rows fills dst with the rows from y on.
func (l *laneReader) rows(ctx context.Context, y int, dst [][]byte) error {
	for len(dst) > 0 {
		began, n, mine := time.Now(), len(dst), false
		if part := l.own.within(kernels.Rows{Lo: y, Hi: y + n}); len(part) > 0 {
			if n, mine = part[0].Lo-y, part[0].Lo == y; mine {
				n = part[0].Len()
			}
		}
		var err error
		if mine {
			err = l.read(ctx, y, dst[:n])
		} else {
			err = l.sent(y, dst[:n])
		}
		if err != nil {
			return err
		}
		if !mine || l.kind == read { // else they are in memory, and making them is part of computing
			l.waited += time.Since(began)
		}
		y, dst = y+n, dst[n:]
	}
	return nil
}

// chunks cuts the input rows of the runs that are not the rank's own into pieces of at most n rows. Rows that a run shares with the one
// before it are still in the lane's pipeline, so they come once.
func chunks(s kernels.Stage, runs []kernels.Rows, own rowSet, n int) []kernels.Rows {
	var cs []kernels.Rows
	seen := 0
	for _, run := range runs {
		need := s.InRows(run)
		first := max(need.Lo, seen)
		seen = max(need.Hi, seen)
		cs = append(cs, cut(rowSet{{Lo: first, Hi: max(first, need.Hi)}}.without(own), n)...)
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

// rowBuffers are buffers of some rows each, which are used again: new memory costs more time than what is written there.
type rowBuffers struct {
	rows, rowBytes int

	mu   sync.Mutex
	free [][][]byte
}

// take returns n rows, which are no more than a buffer has.
func (b *rowBuffers) take(n int) [][]byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	if last := len(b.free) - 1; last >= 0 {
		rows := b.free[last]
		b.free = b.free[:last]
		return rows[:n]
	}
	return newRows(b.rows, b.rowBytes)[:n]
}

func (b *rowBuffers) giveBack(rows [][]byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free = append(b.free, rows[:b.rows])
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
