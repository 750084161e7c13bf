package ranks

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"halorun/comm"
	"halorun/kernels"
	"halorun/ranks/raster"
)

// gatherSegments is gather where OUTPUT is compressed: the lanes encode their tiles, which are whole segments, and the sink joins the segments
// in order.
func (r *Rank) gatherSegments(ctx context.Context, g *errgroup.Group, stage int) taker {
	plan, self := r.plan.Stages[stage], r.world.Rank()
	out := newOutlet(ctx, r.plan.Lanes, nil)
	r.out = out
	tag := r.tag()
	inOrder := func(rank int) []laneTile {
		tiles := plan.inTurn(rank, r.plan.Lanes)
		slices.SortFunc(tiles, func(a, b laneTile) int { return a.tile.Lo - b.tile.Lo })
		return tiles
	}
	mine := inOrder(self)
	if r.isHead() {
		var order []owned
		for q := range r.plan.Writers {
			for _, t := range inOrder(q) {
				order = append(order, owned{t.tile, q, t.lane == fromStock})
			}
		}
		slices.SortFunc(order, func(a, b owned) int { return a.tile.Lo - b.tile.Lo })
		g.Go(func() error { return r.join(ctx, tag, order, mine, out) })
	} else {
		g.Go(func() error {
			var again segments
			for _, t := range mine {
				segs, err := r.segmentsOf(out, t, &again)
				if err != nil {
					return err
				}
				for _, s := range segs {
					if err := r.world.SendAsked(ctx, r.job.Head, tag, s); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	// One tile's segments are on their way while the next are encoded.
	buffers := make([][2]segments, r.plan.Lanes)
	return func(lane int, tile kernels.Rows, rows [][]byte) ([][]byte, error) {
		r.book.store(stage, tile, rows[:tile.Len()])
		r.book.commit(nil)
		turn := &buffers[lane]
		turn[0], turn[1] = turn[1], turn[0]
		if err := r.encode(&turn[0], tile, rows); err != nil {
			return nil, err
		}
		r.probe.at("gather", stage)
		defer r.meter.time(gather)()
		return out.hand(lane, kept{tile, rows}, [][][]byte{turn[0].each})
	}
}

// segmentRows returns the rows of a segment, or 0.
func segmentRows(e raster.Encoder) int {
	if e == nil {
		return 0
	}
	return e.SegmentRows()
}

// segments are those of a tile, with memory for the next ones.
type segments struct {
	all  []byte
	each [][]byte
}

// encode makes segments of a tile.
func (r *Rank) encode(s *segments, tile kernels.Rows, rows [][]byte) error {
	defer r.meter.time(write)()
	s.all, s.each = s.all[:0], s.each[:0]
	var ends []int
	for y := tile.Lo; y < tile.Hi; {
		n := r.picture.Output.SegmentAt(r.encoder, y)
		var err error
		if s.all, err = r.encoder.Encode(s.all, y, rows[y-tile.Lo:y-tile.Lo+n]); err != nil {
			return &OutputError{r.job.Output.Name, err}
		}
		ends = append(ends, len(s.all))
		y += n
	}
	from := 0
	for _, to := range ends {
		s.each = append(s.each, s.all[from:to])
		from = to
	}
	return nil
}

// segmentsOf waits for the segments of a tile of this rank's.
func (r *Rank) segmentsOf(out *outlet, t laneTile, again *segments) ([][]byte, error) {
	if t.lane == fromStock {
		rows, err := r.fromStock(t.tile)
		if err != nil {
			return nil, err
		}
		err = r.encode(again, t.tile, rows)
		return again.each, err
	}
	select {
	case segs := <-out.parts[t.lane]:
		return segs, nil
	case <-out.ctx.Done():
		return nil, context.Cause(out.ctx)
	}
}

// join writes all tiles, in the given order; mine are this rank's.
func (r *Rank) join(ctx context.Context, tag comm.Tag, order []owned, mine []laneTile, out *outlet) error {
	w := r.sink.Writer.(*raster.SegmentWriter)
	var buffer []byte
	var again segments
	for _, o := range order {
		var segs [][]byte
		if o.rank == r.world.Rank() {
			stop := r.meter.time(gather)
			var err error
			segs, err = r.segmentsOf(out, mine[0], &again)
			stop()
			if err != nil {
				return err
			}
			mine = mine[1:]
		}
		for y := o.tile.Lo; y < o.tile.Hi; {
			rows := kernels.Rows{Lo: y, Hi: y + r.picture.Output.SegmentAt(r.encoder, y)}
			var segment []byte
			if segs != nil {
				segment, segs = segs[0], segs[1:]
			} else {
				if buffer == nil {
					buffer = make([]byte, r.encoder.Bound())
				}
				stop := r.meter.time(gather)
				n, err := r.world.Recv(ctx, o.rank, tag, buffer)
				stop()
				if err != nil {
					return err
				}
				segment = buffer[:n]
			}
			r.probe.at("write", len(r.plan.Stages)-1)
			if err := r.writeSegment(w, y, segment); err != nil {
				return err
			}
			r.add(&r.written, rows)
			y = rows.Hi
		}
		if !o.stock {
			r.meter.take(r.world.Epoch(), o.rank)
		}
	}
	return nil
}

func (r *Rank) writeSegment(w *raster.SegmentWriter, y int, segment []byte) error {
	defer r.meter.time(write)()
	if err := r.probe.fault("write"); err != nil {
		return r.sink.failed(err)
	}
	return r.sink.failed(w.WriteSegment(y, segment))
}
