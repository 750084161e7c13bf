package ranks

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"halorun/comm"
	"halorun/kernels"
	"halorun/ranks/raster"
)

// owned is a run of rows, such as a tile, and the rank that computes it.
type owned struct {
	tile kernels.Rows
	rank int
}

// gather starts what brings the tiles of the given stage from the lanes to the sink, and returns what the lanes shall do with
// a tile. A rank that writes OUTPUT itself does so, and hands over the rows that touch a shared block; the others hand over all
// their rows, tile by tile, so that no more of them wait in memory than two tiles a lane.
func (r *rank) gather(ctx context.Context, g *errgroup.Group, stage int) taker {
	plan, self := r.plan.Stages[stage], r.world.Rank()
	rowBytes := r.picture.stages[stage].Out.RowBytes()
	shared := touched(r.plan.Shared, r.picture.Output)
	parts := func(q int, tile kernels.Rows) []kernels.Rows { // of a tile, which q hands over
		switch {
		case !r.plan.Writers[q]:
			return []kernels.Rows{tile}
		case q == r.job.Head:
			return nil
		}
		return within(shared, tile)
	}
	out := newOutlet(ctx, r.plan.Lanes)
	movers := make([]*comm.Mover, len(r.plan.Writers)) // by rank; nil where it hands over nothing
	var order []owned
	for q, writes := range r.plan.Writers {
		tag := r.tag()
		if q != self && !r.isHead() || writes && len(shared) == 0 {
			continue
		}
		var flow comm.Flow
		tiles := plan.inTurn(plan.of(q, r.plan.Lanes))
		if !r.plan.Writers[r.job.Head] { // the sink takes rows in order only
			slices.SortFunc(tiles, func(a, b laneTile) int { return a.tile.Lo - b.tile.Lo })
		}
		for _, t := range tiles {
			for _, rows := range parts(q, t.tile) {
				order = append(order, owned{rows, q})
				flow.Have = append(flow.Have, comm.Placed{Rank: q, Rect: rect(rows, rowBytes)})
				flow.Need = append(flow.Need, comm.Placed{Rank: r.job.Head, Rect: rect(rows, rowBytes)})
				if q == self {
					out.lane[rows.Lo] = t.lane
				}
			}
		}
		mover := r.world.NewMover(tag, flow, out.lend)
		movers[q] = mover
		if q == self {
			g.Go(func() error { return mover.Serve(ctx) })
		}
	}
	if r.isHead() {
		r.receive(ctx, g, movers, order)
	}
	return func(lane int, tile kernels.Rows, rows [][]byte) ([][]byte, error) {
		if r.plan.Writers[self] {
			if err := r.write(r.sink, tile, rows[:tile.Len()]); err != nil {
				return nil, err
			}
		}
		defer r.meter.time(gather)()
		return out.hand(lane, tile, parts(self, tile), rows)
	}
}

// receive starts the sink: in order, if OUTPUT wants it, else from all ranks at once.
func (r *rank) receive(ctx context.Context, g *errgroup.Group, movers []*comm.Mover, order []owned) {
	if !r.sink.Direct() {
		slices.SortFunc(order, func(a, b owned) int { return a.tile.Lo - b.tile.Lo })
		g.Go(func() error { return r.drain(ctx, movers, order) })
		return
	}
	for len(order) > 0 {
		n := slices.IndexFunc(order, func(o owned) bool { return o.rank != order[0].rank })
		if n < 0 {
			n = len(order)
		}
		one := order[:n]
		order = order[n:]
		g.Go(func() error { return r.drain(ctx, movers, one) })
	}
}

// drain fetches the tiles in the given order and writes them.
func (r *rank) drain(ctx context.Context, movers []*comm.Mover, order []owned) error {
	rowBytes := r.picture.Output.Width * r.picture.Output.Channels
	next := make([]int, len(movers)) // of each rank's tiles
	var rows [][]byte
	for _, o := range order {
		if o.tile.Len() > len(rows) {
			rows = newRows(o.tile.Len(), rowBytes)
		}
		stop := r.meter.time(gather)
		err := movers[o.rank].Fetch(ctx, next[o.rank], rows[:o.tile.Len()])
		stop()
		if err != nil {
			return err
		}
		next[o.rank]++
		w := raster.Writer(r.sink)
		if r.plan.Writers[o.rank] {
			w = r.sink.shared
		}
		if err := r.write(w, o.tile, rows[:o.tile.Len()]); err != nil {
			return err
		}
	}
	return nil
}

// outlet hands parts of tiles from the lanes to a mover.
type outlet struct {
	ctx    context.Context
	lane   map[int]int // of the part that begins at the row
	parts  []chan [][]byte
	spares [][][]byte // by lane: the rows that are not being computed
}

func newOutlet(ctx context.Context, lanes int) *outlet {
	o := &outlet{ctx: ctx, lane: make(map[int]int), spares: make([][][]byte, lanes)}
	for range lanes {
		o.parts = append(o.parts, make(chan [][]byte))
	}
	return o
}

// hand waits until all parts before the last of these were sent and that is about to be. It returns rows that nobody uses: those
// of the tile of which the lane handed over something before this one, or, with no parts, the same.
func (o *outlet) hand(lane int, tile kernels.Rows, parts []kernels.Rows, rows [][]byte) ([][]byte, error) {
	if len(parts) == 0 {
		return rows, nil
	}
	for _, part := range parts {
		select {
		case o.parts[lane] <- rows[part.Lo-tile.Lo : part.Hi-tile.Lo]:
		case <-o.ctx.Done():
			return nil, context.Cause(o.ctx)
		}
	}
	next := o.spares[lane]
	if next == nil {
		next = newRows(len(rows), len(rows[0]))
	}
	o.spares[lane] = rows
	return next, nil
}

// lend gives the mover a part, once it is there. The mover asks for one only when it is done with the one before.
func (o *outlet) lend(ctx context.Context, q comm.Rect) ([][]byte, error) {
	select {
	case rows := <-o.parts[o.lane[int(q.Y0)]]:
		return rows, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
