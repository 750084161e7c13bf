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
	tile  kernels.Rows
	rank  int
	stock bool // it has it from an earlier epoch
}

// gather starts what brings the tiles of the given stage from the lanes to the sink, and returns what the lanes shall do with
// a tile. A rank that writes OUTPUT itself does so, and hands over the rows that touch a shared block; the others hand over all
// their rows, tile by tile, so that no more of them wait in memory than two tiles a lane.
func (r *Rank) gather(ctx context.Context, g *errgroup.Group, stage int) taker {
	if r.encoder != nil {
		return r.gatherSegments(ctx, g, stage)
	}
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
	out := newOutlet(ctx, r.plan.Lanes, r.fromStock)
	r.out = out
	movers := make([]*comm.Mover, len(r.plan.Writers)) // by rank; nil where it hands over nothing
	var order []owned
	for q, writes := range r.plan.Writers {
		tag := r.tag()
		if q != self && !r.isHead() || writes && len(shared) == 0 && plan.heldBy(q) == nil {
			continue
		}
		var flow comm.Flow
		tiles := plan.inTurn(q, r.plan.Lanes)
		if !r.plan.Writers[r.job.Head] { // the sink takes rows in order only
			slices.SortFunc(tiles, func(a, b laneTile) int { return a.tile.Lo - b.tile.Lo })
		}
		for _, t := range tiles {
			hands := parts(q, t.tile)
			if t.lane == fromStock {
				hands = []kernels.Rows{t.tile} // whoever writes: it is at hand
			}
			for _, rows := range hands {
				order = append(order, owned{rows, q, t.lane == fromStock})
				flow.Have = append(flow.Have, comm.Placed{Rank: q, Rect: rect(rows, rowBytes)})
				flow.Need = append(flow.Need, comm.Placed{Rank: r.job.Head, Rect: rect(rows, rowBytes)})
				if q == self {
					out.lane[rows.Lo] = t.lane
				}
			}
		}
		mover := r.world.NewMover(tag, flow, out.lend)
		mover.Ask = true // what is under way when the epoch ends is lost
		movers[q] = mover
		if q == self {
			g.Go(func() error { return mover.Serve(ctx) })
		}
	}
	if r.isHead() {
		r.receive(ctx, g, movers, order)
	}
	return func(lane int, tile kernels.Rows, rows [][]byte) ([][]byte, error) {
		hands := parts(self, tile)
		if r.plan.Writers[self] {
			r.probe.at("write", stage)
			if err := r.write(r.sink, tile, rows[:tile.Len()]); err != nil {
				return nil, err
			}
			r.wrote(tile, hands)
			if len(hands) == 0 {
				if err := r.recordInPlace(stage, tile, rows[:tile.Len()]); err != nil {
					return nil, err
				}
			}
		} else if !r.direct() {
			r.book.store(stage, tile, rows[:tile.Len()])
			r.book.commit(nil)
		}
		r.probe.at("gather", stage)
		defer r.meter.time(gather)()
		var parts [][][]byte
		for _, part := range hands {
			parts = append(parts, rows[part.Lo-tile.Lo:part.Hi-tile.Lo])
		}
		return out.hand(lane, kept{tile, rows}, parts)
	}
}

// recordInPlace notes in the ledger that a tile stands in OUTPUT.
func (r *Rank) recordInPlace(stage int, tile kernels.Rows, rows [][]byte) error {
	r.book.inPlace(stage, tile, rows)
	r.book.commit(r.sink.sync)
	return r.sink.failed(r.book.lostOutput())
}

// wrote notes that this rank has written a tile, save what the head writes of some rows of it.
func (r *Rank) wrote(tile kernels.Rows, handed []kernels.Rows) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rows := range (rowSet{tile}).without(handed) {
		r.written = r.written.with(rows)
	}
	for _, rows := range handed {
		r.partly = r.partly.with(rows)
	}
}

// receive starts the sink: in order, if OUTPUT wants it, else from all ranks at once.
func (r *Rank) receive(ctx context.Context, g *errgroup.Group, movers []*comm.Mover, order []owned) {
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
func (r *Rank) drain(ctx context.Context, movers []*comm.Mover, order []owned) error {
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
		taken := &r.written
		if r.plan.Writers[o.rank] && !o.stock {
			w, taken = r.sink.shared, &r.shared
		}
		r.probe.at("write", len(r.plan.Stages)-1)
		if err := r.write(w, o.tile, rows[:o.tile.Len()]); err != nil {
			return err
		}
		r.add(taken, o.tile)
		if !o.stock {
			r.meter.take(r.world.Epoch(), o.rank)
		}
		if taken == &r.written && r.sink.Direct() {
			if err := r.recordInPlace(len(r.plan.Stages)-1, o.tile, rows[:o.tile.Len()]); err != nil {
				return err
			}
		}
	}
	return nil
}

// outlet hands parts of tiles from the lanes, and from the stock, to a mover.
type outlet struct {
	ctx   context.Context
	stock func(kernels.Rows) ([][]byte, error)
	lane  map[int]int // of the part that begins at the row
	parts []chan [][]byte
	last  []kept // by lane: the rows that are not being computed
	stuck []kept // by lane: those that it did not get rid of before the epoch ended
}

// kept is a tile with its rows, of which there may be more.
type kept struct {
	tile kernels.Rows
	rows [][]byte
}

func newOutlet(ctx context.Context, lanes int, stock func(kernels.Rows) ([][]byte, error)) *outlet {
	o := &outlet{ctx: ctx, stock: stock, lane: make(map[int]int), last: make([]kept, lanes), stuck: make([]kept, lanes)}
	for range lanes {
		o.parts = append(o.parts, make(chan [][]byte))
	}
	return o
}

// hand waits until all parts before the last of these were sent and that is about to be. It returns rows that nobody uses: those
// of the tile of which the lane handed over something before this one, or, with no parts, the same.
func (o *outlet) hand(lane int, k kept, parts [][][]byte) ([][]byte, error) {
	if len(parts) == 0 {
		return k.rows, nil
	}
	last := &o.last[lane]
	for _, part := range parts {
		select {
		case o.parts[lane] <- part:
		case <-o.ctx.Done():
			o.stuck[lane] = k
			return nil, context.Cause(o.ctx)
		}
	}
	next := last.rows
	if next == nil {
		next = newRows(len(k.rows), len(k.rows[0]))
	}
	*last = k
	return next, nil
}

// rest returns the tiles that the sink may not have taken, once the lanes have ended.
func (o *outlet) rest() []kept { return slices.Concat(o.last, o.stuck) }

// lend gives the mover a part, once it is there. The mover asks for one only when it is done with the one before.
func (o *outlet) lend(ctx context.Context, q comm.Rect) ([][]byte, error) {
	lane := o.lane[int(q.Y0)]
	if lane == fromStock {
		return o.stock(kernels.Rows{Lo: int(q.Y0), Hi: int(q.Y1)})
	}
	select {
	case rows := <-o.parts[lane]:
		return rows, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
