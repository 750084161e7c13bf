package ranks

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"halorun/kernels"
)

// taker is given a tile that a lane computed, and returns rows for the lane's next one.
type taker func(lane int, tile kernels.Rows, rows [][]byte) (next [][]byte, err error)

// compute starts this rank's lanes. Each works through its runs of the stage's result from top to bottom and hands every
// tile to take.
func (r *Rank) compute(ctx context.Context, g *errgroup.Group, stage int, from supply, take taker) {
	st, plan := r.picture.stages[stage], r.plan.Stages[stage]
	readers := r.open(ctx, g, stage, from)
	for lane, runs := range plan.of(r.world.Rank(), r.plan.Lanes) {
		if len(runs) == 0 {
			continue
		}
		g.Go(func() error {
			reader := &readers[lane]
			pipeline := kernels.NewPipeline(st, func(y int, dst [][]byte) error { return reader.rows(ctx, y, dst) })
			rows := newRows(plan.highest(runs), st.Out.RowBytes())
			for _, tile := range plan.ascending([][]kernels.Rows{runs}) {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				r.probe.at(from.step, stage)
				began := time.Now()
				reader.waited = 0
				if err := pipeline.Run(tile, rows[:tile.Len()]); err != nil {
					return fmt.Errorf("compute rows %v of stage %d: %w", tile, stage, err)
				}
				r.meter.add(from.kind, reader.waited)
				r.meter.add(compute, time.Since(began)-reader.waited)
				r.meter.tiles.Add(1)
				if len(st.Steps) > 0 {
					r.meter.computed.Add(int64(tile.Len()))
				}
				if stage == len(r.plan.Stages)-1 {
					r.meter.rows.Add(int64(tile.Len()))
				}
				r.done(stage, tile)
				r.probe.at("compute", stage)
				var err error
				if rows, err = take(lane, tile, rows); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// decide computes a stage that ends in a global operation and settles its result with all ranks.
func (r *Rank) decide(ctx context.Context, stage int, from supply) (kernels.Decision, error) {
	decision, err := r.settle(stage)
	if err != nil {
		return nil, err
	}
	g, gctx := errgroup.WithContext(ctx)
	r.compute(gctx, g, stage, from, func(_ int, tile kernels.Rows, rows [][]byte) ([][]byte, error) {
		stop := r.meter.time(compute)
		for y := tile.Lo; y < tile.Hi; y++ {
			if err := decision.Put(y, rows[y-tile.Lo]); err != nil {
				stop()
				return nil, err
			}
		}
		stop()
		r.add(&decision.have, tile)
		r.book.store(stage, tile, rows[:tile.Len()])
		r.book.commit(nil)
		return rows, nil
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	p := r.newPeers(ctx, stage)
	began := time.Now()
	err = decision.Resolve(p)
	r.meter.add(compute, time.Since(began)-p.waited)
	if err != nil {
		return nil, fmt.Errorf("settle stage %d among all ranks: %w", stage, err)
	}
	return decision, nil
}

// settle returns the decision of a stage, with the rows in it that this rank has already.
func (r *Rank) settle(stage int) (*settling, error) {
	st, plan := r.picture.stages[stage], r.plan.Stages[stage]
	held := plan.heldBy(r.world.Rank())
	before := r.decisions[stage]
	d, err := newSettling(st, plan.rowsOf(r.world.Rank(), r.plan.Lanes), r.room(stage, before.bytes()))
	if err != nil {
		return nil, fmt.Errorf("stage %d: %w", stage, err)
	}
	for _, run := range held {
		if err := r.refill(d, before, stage, run); err != nil {
			d.close()
			return nil, err
		}
		d.have = d.have.with(run)
	}
	before.close()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.decisions[stage] = d
	return d, nil
}

// refill puts rows into d that this rank has, be it in the decision before or in the ledger.
func (r *Rank) refill(d, before *settling, stage int, run kernels.Rows) error {
	if before != nil && before.have.within(run).len() == run.Len() {
		row := make([]byte, r.picture.stages[stage].Out.RowBytes())
		for y := run.Lo; y < run.Hi; y++ {
			if err := before.Local(y, row); err != nil {
				return err
			}
			if err := d.Put(y, row); err != nil {
				return err
			}
		}
		return nil
	}
	rows, err := r.restored(stage, run)
	if err != nil {
		return err
	}
	for i, row := range rows {
		if err := d.Put(run.Lo+i, row); err != nil {
			return err
		}
	}
	return nil
}
