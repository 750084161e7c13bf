package ranks

import (
	"context"
	"encoding/json"
	"fmt"

	"halorun/comm"
	"halorun/ranks/raster"
)

// offer is what the head tells the others of INPUT.
type offer struct {
	Info raster.Info
	raster.Reading
	File raster.Identity // of the file that Direct speaks of
}

// outputOffer is what the head tells the others of OUTPUT.
type outputOffer struct {
	File    *raster.Identity // set if rows may be written in any order, by several processes
	Mark    []byte           // in that file, without which another host does not take a file for it
	MarkRow int              // where the mark is
}

// answer is what a rank can do with the files offered.
type answer struct{ Reads, Writes bool }

// agree opens the files and makes all ranks know the picture, what there is of its result, and the plan for the rest. A rank that can
// open the head's very files, which it proves by identity and not by name, reads and writes its own rows.
func (r *Rank) agree(ctx context.Context, key []byte) error {
	if err := r.job.check(r.world.Size()); err != nil {
		return err
	}
	input, err := r.agreeOnInput(ctx, key)
	if err != nil {
		return err
	}
	there, err := r.takeStock(ctx)
	if err != nil {
		return err
	}
	output, err := r.agreeOnOutput(ctx, key, there.done)
	if err != nil {
		return err
	}
	mine := answer{r.reads, r.writes}
	if !r.isHead() {
		mine = answer{Reads: r.joinSource(input, key), Writes: r.joinSink(output, key)}
	}
	r.reads, r.writes = mine.Reads, mine.Writes
	answers, err := allgather(ctx, r.world, mine)
	if err != nil {
		return fmt.Errorf("ask all ranks which files they can open: %w", err)
	}
	if r.isHead() {
		readers, writers := make([]bool, len(answers)), make([]bool, len(answers))
		for i, a := range answers {
			readers[i], writers[i] = a.Reads, a.Writes
		}
		r.plan = decide(r.picture.stages, readers, writers, there, r.job.division(r.picture, r.world.Size(), r.encoder, output.File != nil))
		r.plan.Shared = r.plan.shared(r.picture.Output, r.job.Head, output.MarkRow, r.world.Host, r.probe.block())
	}
	if err := broadcast(ctx, r.world, r.job.Head, &r.plan); err != nil {
		return fmt.Errorf("tell all ranks the plan: %w", err)
	}
	r.probe.planned(r.plan)
	r.keepToBlocks()
	r.tidyStock()
	return nil
}

// agreeOnInput makes all ranks know the picture.
func (r *Rank) agreeOnInput(ctx context.Context, key []byte) (o offer, err error) {
	if r.isHead() {
		if o, err = r.openSource(key); err != nil {
			return o, err
		}
	}
	if err := broadcast(ctx, r.world, r.job.Head, &o); err != nil {
		return o, fmt.Errorf("tell all ranks of the input: %w", err)
	}
	if r.picture == nil {
		if r.picture, err = r.job.picture(o.Info, o.Reading); err != nil {
			return o, err
		}
		r.encoder = r.picture.Output.Encoder()
	}
	if r.decisions == nil {
		r.decisions = make([]*settling, len(r.picture.stages))
	}
	return o, nil
}

// agreeOnOutput opens OUTPUT, of which some rows are done, on the head, and tells the others of it.
func (r *Rank) agreeOnOutput(ctx context.Context, key []byte, done rowSet) (o outputOffer, err error) {
	if r.isHead() {
		if o, err = r.openOutput(key, done); err != nil {
			return o, err
		}
	}
	if err := broadcast(ctx, r.world, r.job.Head, &o); err != nil {
		return o, fmt.Errorf("tell all ranks of the output: %w", err)
	}
	return o, nil
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
	*v = *new(T) // or what it held before would shine through
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
