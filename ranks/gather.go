package ranks

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"halorun/comm"
	"halorun/kernels"
)

// owned is a run of rows, such as a tile, and the rank that computes it.
type owned struct {
	tile kernels.Rows
	rank int
}

// gather starts what brings the tiles of the given stage from the lanes to the sink, and returns what the lanes shall do with
// a tile. A rank that writes OUTPUT itself does so; the others hand their tiles over one by one, so that no more of
// them wait in memory than two a lane.
func (r *rank) gather(ctx context.Context, g *errgroup.Group, stage int) taker {
	plan, self := r.plan.Stages[stage], r.world.Rank()
	rowBytes := r.picture.stages[stage].Out.RowBytes()
	out := newOutlet(ctx, plan, plan.of(self, r.plan.Lanes))
	movers := make([]*comm.Mover, len(r.plan.Writers)) // by rank; nil where it writes by itself
	var order []owned
	for q, writes := range r.plan.Writers {
		tag := r.tag()
		if writes {
			continue
		}
		var flow comm.Flow
		for _, tile := range plan.ascending(plan.of(q, r.plan.Lanes)) {
			order = append(order, owned{tile, q})
			flow.Have = append(flow.Have, comm.Placed{Rank: q, Rect: rect(tile, rowBytes)})
			flow.Need = append(flow.Need, comm.Placed{Rank: r.job.Head, Rect: rect(tile, rowBytes)})
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
	if r.plan.Writers[self] {
		return func(_ int, tile kernels.Rows, rows [][]byte) ([][]byte, error) {
			return rows, r.write(tile, rows[:tile.Len()])
		}
	}
	return func(lane int, tile kernels.Rows, rows [][]byte) ([][]byte, error) {
		defer r.meter.time(gather)()
		return out.hand(lane, tile, rows)
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
		if err := r.write(o.tile, rows[:o.tile.Len()]); err != nil {
			return err
		}
	}
	return nil
}

// outlet hands tiles from the lanes to a mover.
type outlet struct {
	ctx    context.Context
	lane   map[int]int // of the tile that begins at the row
	tiles  []chan [][]byte
	spares [][][]byte // by lane: the rows that are not being computed
}

func newOutlet(ctx context.Context, plan StagePlan, lanes [][]kernels.Rows) *outlet {
	o := &outlet{ctx: ctx, lane: make(map[int]int), spares: make([][][]byte, len(lanes))}
	for l, runs := range lanes {
		o.tiles = append(o.tiles, make(chan [][]byte))
		for _, tile := range plan.ascending([][]kernels.Rows{runs}) {
			o.lane[tile.Lo] = l
		}
	}
	return o
}

// hand waits until the tile before this one was sent and this one is about to be. It returns the rows of the former.
func (o *outlet) hand(lane int, tile kernels.Rows, rows [][]byte) ([][]byte, error) {
	select {
	case o.tiles[lane] <- rows[:tile.Len()]:
	case <-o.ctx.Done():
		return nil, context.Cause(o.ctx)
	}
	next := o.spares[lane]
	if next == nil {
		next = newRows(len(rows), len(rows[0]))
	}
	o.spares[lane] = rows
	return next, nil
}

// lend gives the mover a tile, once it is there. The mover asks for a tile only when it is done with the one before.
func (o *outlet) lend(ctx context.Context, q comm.Rect) ([][]byte, error) {
	select {
	case rows := <-o.tiles[o.lane[int(q.Y0)]]:
		return rows, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
