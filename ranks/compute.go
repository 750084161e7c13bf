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
func (r *rank) compute(ctx context.Context, g *errgroup.Group, stage int, from supply, take taker) {
	st, plan := r.picture.stages[stage], r.plan.Stages[stage]
	readers := r.open(ctx, g, stage, from)
	for lane, runs := range plan.of(r.world.Rank(), r.plan.Lanes) {
		if len(runs) == 0 {
			continue
		}
		g.Go(func() error {
			var waited time.Duration
			pipeline := kernels.NewPipeline(st, func(y int, dst [][]byte) error {
				began := time.Now()
				err := readers[lane](y, dst)
				waited += time.Since(began)
				return err
			})
			rows := newRows(plan.highest(runs), st.Out.RowBytes())
			for _, tile := range plan.ascending([][]kernels.Rows{runs}) {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				began := time.Now()
				waited = 0
				if err := pipeline.Run(tile, rows[:tile.Len()]); err != nil {
					return fmt.Errorf("compute rows %v of stage %d: %w", tile, stage, err)
				}
				r.meter.add(from.kind, waited)
				r.meter.add(compute, time.Since(began)-waited)
				r.meter.tiles.Add(1)
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
func (r *rank) decide(ctx context.Context, stage int, from supply) (kernels.Decision, error) {
	st := r.picture.stages[stage]
	var mine []kernels.Rows
	for _, runs := range r.plan.Stages[stage].of(r.world.Rank(), r.plan.Lanes) {
		mine = append(mine, runs...)
	}
	decision := global(st).Decide(st.Out, mine)
	g, gctx := errgroup.WithContext(ctx)
	r.compute(gctx, g, stage, from, func(_ int, tile kernels.Rows, rows [][]byte) ([][]byte, error) {
		defer r.meter.time(compute)()
		for y := tile.Lo; y < tile.Hi; y++ {
			decision.Put(y, rows[y-tile.Lo])
		}
		return rows, nil
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	p := r.newPeers(ctx, stage)
	began := time.Now()
	err := decision.Resolve(p)
	r.meter.add(compute, time.Since(began)-p.waited)
	if err != nil {
		return nil, fmt.Errorf("settle stage %d among all ranks: %w", stage, err)
	}
	return decision, nil
}
