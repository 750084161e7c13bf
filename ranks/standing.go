package ranks

import (
	"context"
	"fmt"

	"halorun/kernels"
)

// firstEpoch is the number of a job's first epoch.
const firstEpoch = 1

// standing is what there is of the stages' results when an epoch begins.
type standing struct {
	held [][][]kernels.Rows // by stage and member: what it claims to have, in any order
	done rowSet             // of the last stage: is in OUTPUT
}

// claim is what a member says it has when an epoch begins.
type claim struct {
	Held     [][]kernels.Rows // by stage
	Written  rowSet           // as in stock
	Partly   rowSet
	Shared   rowSet
	Complete bool
	shelf
}

// takeStock makes the head know what the members have of the stages' results.
func (r *Rank) takeStock(ctx context.Context) (there standing, err error) {
	if r.world.Epoch() == firstEpoch && !r.job.Checkpoint.Resume {
		return there, nil // nobody has anything
	}
	if err := r.settleOutput(); err != nil {
		return there, err
	}
	claims, err := allgather(ctx, r.world, r.claim())
	if err != nil {
		return there, fmt.Errorf("ask all ranks what they have: %w", err)
	}
	done := r.inOutput(claims)
	stages := len(r.picture.stages)
	have := make([]rowSet, stages)
	have[stages-1] = done
	for _, c := range claims {
		for i, held := range c.Held {
			have[i] = union(have[i], held)
		}
	}
	restored, err := r.takeLedger(ctx, claims, have)
	if err != nil || !r.isHead() {
		return there, err
	}
	there.held = make([][][]kernels.Rows, stages)
	for i := range there.held {
		for m, c := range claims {
			var held []kernels.Rows
			if i < len(c.Held) {
				held = c.Held[i]
			}
			if restored != nil && i < len(restored[m].Stored) {
				held = append(held, restored[m].Stored[i]...)
			}
			there.held[i] = append(there.held[i], held)
		}
	}
	there.done = done
	if r.direct() {
		if err := r.verify(restored, done); err != nil {
			return there, err
		}
		there.done = union(done, r.written)
	}
	return there, nil
}

// inOutput returns the rows that are in OUTPUT, as members know.
func (r *Rank) inOutput(claims []claim) rowSet {
	head := claims[r.job.Head]
	switch {
	case head.Complete:
		return rowSet{{Hi: r.picture.Output.Height}}
	case !r.direct():
		return head.Written // what others took while they were the sink is lost with it
	}
	var partly, shared, written [][]kernels.Rows
	for _, c := range claims {
		partly, shared, written = append(partly, c.Partly), append(shared, c.Shared), append(written, c.Written)
	}
	return union(append(written, union(partly...).and(union(shared...)))...)
}

// settleOutput brings what this rank has written to where the head sees it.
func (r *Rank) settleOutput() error {
	if r.sink == nil || r.isHead() || r.world.Host(r.world.Rank()) == r.world.Host(r.job.Head) {
		return nil
	}
	return r.sink.failed(r.sink.sync())
}

// direct tells whether rows of OUTPUT may be written in any order.
func (r *Rank) direct() bool {
	return r.encoder == nil && r.job.Output.FD == 0
}

func (r *Rank) claim() claim {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := claim{Written: r.written, Partly: r.partly, Shared: r.shared, Complete: r.complete}
	c.shelf = r.look()
	c.Held = make([][]kernels.Rows, len(r.decisions))
	for i, d := range r.decisions {
		if d != nil {
			c.Held[i] = append(c.Held[i], d.have...)
		}
	}
	last := len(r.decisions) - 1
	for tile := range r.kept {
		c.Held[last] = append(c.Held[last], tile)
	}
	return c
}

// tidyStock forgets what the plan has no need of, and counts what it has computed and is to be computed again.
func (r *Rank) tidyStock() {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := len(r.plan.Stages) - 1
	// What was written of rows that do not count may be overwritten by the mark. The head answers for those that do.
	r.partly, r.shared, r.written = nil, nil, r.written.and(r.plan.Done)
	if r.isHead() {
		r.written = union(r.plan.Done)
	}
	for tile := range r.kept {
		if len(within(r.plan.Stages[last].heldBy(r.world.Rank()), tile)) == 0 {
			delete(r.kept, tile)
		}
	}
	r.meter.plan(r.picture, r.plan, r.world.Epoch())
	for i, s := range r.plan.Stages {
		if len(r.picture.stages[i].Steps) == 0 {
			continue
		}
		again := r.computed[i].and(union(s.Runs...))
		r.computed[i] = r.computed[i].without(again)
		r.meter.redone.Add(int64((again.len() + s.TileRows - 1) / s.TileRows))
	}
}

// fromStock returns rows of a tile of the last stage that this rank holds.
func (r *Rank) fromStock(rows kernels.Rows) ([][]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for tile, kept := range r.kept {
		if tile.Lo <= rows.Lo && rows.Hi <= tile.Hi {
			return kept[rows.Lo-tile.Lo : rows.Hi-tile.Lo], nil
		}
	}
	return r.restored(len(r.plan.Stages)-1, rows)
}
