package ranks

import (
	"context"
	"encoding/json"
	"fmt"

	"halorun/comm"
	"halorun/ranks/raster"
)

// offer is what the head tells the others of the files it opened.
type offer struct {
	Info   raster.Info
	Direct bool             // rows of INPUT can be read in any order
	Input  raster.Identity  // of the file that Direct speaks of
	Output *raster.Identity // set if rows may be written in any order, by several processes
	Mark   []byte           // in that file, without which another host does not take a file for it
}

// answer is what a rank can do with the files offered.
type answer struct{ Reads, Writes bool }

// agree opens the files and makes all ranks know the picture and the plan. A rank that can open the head's very
// files, which it proves by identity and not by name, reads and writes its own rows.
func (r *rank) agree(ctx context.Context, key []byte) error {
	if err := r.job.check(r.world.Size()); err != nil {
		return err
	}
	var o offer
	if r.isHead() {
		var err error
		if o, err = r.openFiles(key); err != nil {
			return err
		}
	}
	if err := broadcast(ctx, r.world, r.job.Head, &o); err != nil {
		return fmt.Errorf("tell all ranks of the input: %w", err)
	}
	if r.picture == nil {
		var err error
		if r.picture, err = r.job.picture(o.Info); err != nil {
			return err
		}
	}
	mine := answer{Reads: r.source != nil, Writes: o.Output != nil && r.sink != nil}
	if !r.isHead() {
		mine = answer{Reads: r.joinSource(o, key), Writes: r.joinSink(o, key)}
	}
	answers, err := allgather(ctx, r.world, mine)
	if err != nil {
		return fmt.Errorf("ask all ranks which files they can open: %w", err)
	}
	if r.isHead() {
		readers, writers := make([]bool, len(answers)), make([]bool, len(answers))
		for i, a := range answers {
			readers[i], writers[i] = a.Reads, a.Writes
		}
		r.plan = decide(r.picture.stages, readers, writers, r.job.ranks(r.world.Size()), r.job.lanes(), r.job.TileRows, o.Output == nil)
		r.plan.Shared = r.plan.shared(r.picture.Output, r.job.Head, r.world.Host, r.probe.block())
	}
	if err := broadcast(ctx, r.world, r.job.Head, &r.plan); err != nil {
		return fmt.Errorf("tell all ranks the plan: %w", err)
	}
	r.probe.planned(r.plan)
	r.keepToBlocks()
	return nil
}

// maxNotice is more than a plan of millions of tiles takes.
const maxNotice = 256 << 20

// broadcast gives root's value of v to all ranks.
func broadcast[T any](ctx context.Context, w *comm.World, root int, v *T) error {
	var b []byte
	if w.Rank() == root {
		var err error
		if b, err = json.Marshal(v); err != nil {
			return err
		}
	}
	b, err := w.BcastBytes(ctx, root, b, maxNotice)
	if err != nil || w.Rank() == root {
		return err
	}
	return json.Unmarshal(b, v)
}

// allgather gives every rank's value to all ranks.
func allgather[T any](ctx context.Context, w *comm.World, mine T) ([]T, error) {
	b, err := json.Marshal(mine)
	if err != nil {
		return nil, err
	}
	parts, err := w.Allgather(ctx, b)
	if err != nil {
		return nil, err
	}
	all := make([]T, len(parts))
	for i, p := range parts {
		if err := json.Unmarshal(p, &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}
