package folder

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"halorun/comm"
	"halorun/ranks"
	"halorun/ranks/raster"
)

// hugeJob is a large picture, as all ranks get it.
type hugeJob struct {
	Entry *Entry    `json:"entry"`
	Job   ranks.Job `json:"job"`
}

// finish waits until no lane has anything to do any more, has all ranks do the large pictures, and ends their work.
func (h *head) finish(ctx context.Context) error {
	if err := h.waitQuiet(ctx); err != nil {
		return err
	}
	h.mu.Lock()
	todo := slices.Clone(h.large)
	h.mu.Unlock()
	slices.SortStableFunc(todo, func(a, b *Entry) int { return a.N - b.N })
	for _, e := range todo {
		if guilty, err := h.condemn(e); err != nil {
			return err
		} else if guilty {
			continue
		}
		if err := h.huge(ctx, e); err != nil {
			return err
		}
	}
	_ = h.wake.SetReadDeadline(time.Unix(1, 0)) // nothing more is awaited of the list
	return h.command(ctx, command{})
}

func (h *head) waitQuiet(ctx context.Context) error {
	h.mu.Lock()
	quiet := make(chan struct{})
	h.quiet = quiet
	err := h.deal()
	h.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case <-quiet:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// command tells all other ranks what follows.
func (h *head) command(ctx context.Context, c command) error {
	for rank := range h.world.Size() {
		if rank == h.world.Rank() {
			continue
		}
		if err := send(ctx, h.world, rank, tagCommand, c); err != nil {
			return err
		}
	}
	return nil
}

// huge does one large picture, and again if the network was to blame. An error ends the job, or the epoch.
func (h *head) huge(ctx context.Context, e *Entry) error {
	w := &work{Entry: e, began: time.Now(), size: e.Size, modTime: e.ModTime}
	var r *Record
	var err error
	for try := 0; ; try++ {
		var echo bool
		if r, echo, err = h.tryHuge(ctx, w); err != nil {
			return err
		}
		if r.State == Done || !echo || try == len(retries) {
			break
		}
	}
	r.Seconds, r.Rank = time.Since(w.began).Seconds(), h.world.Rank()
	if r.State == Done {
		h.meter.pictures.Add(1)
	}
	h.mu.Lock()
	err = h.concludeLarge(r)
	h.mu.Unlock()
	if err == nil {
		h.commit()
	}
	return err
}

// concludeLarge records how a large picture ended. The lock is held.
func (h *head) concludeLarge(r *Record) error {
	h.large = slices.DeleteFunc(h.large, func(e *Entry) bool { return e.N == r.N })
	return h.conclude(r)
}

// condemn records that all ranks are about to do a large picture, unless it is to blame for the loss of too many.
func (h *head) condemn(e *Entry) (guilty bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.suspects[e.N]
	if s != nil && s.guilty(h.job.Patience) {
		return true, h.concludeLarge(s.blame(e))
	}
	h.recordDeal(deal{h.members, true}, s != nil, e)
	return false, nil
}

// tryHuge has all ranks do a large picture. echo tells that it has failed for no reason of its own.
func (h *head) tryHuge(ctx context.Context, w *work) (r *Record, echo bool, err error) {
	bad := func(err error) (*Record, bool, error) {
		var out *ranks.OutputError
		if errors.As(err, &out) && hopeless(err) {
			return nil, false, &ranks.OutputError{Name: h.job.Output, Err: out.Err}
		}
		r := failed(w.Entry, err)
		r.Size, r.Sample = w.size, w.sample
		return r, false, nil
	}
	if err := h.openHuge(ctx, w); err != nil {
		return bad(err)
	}
	w.close()
	pend, err := h.store.prepare(w.Entry)
	if err != nil {
		return bad(&ranks.OutputError{Name: w.Out, Err: err})
	}
	defer pend.abort()
	if size, known := w.picture.Output.Size(); known {
		pend.Size = size
		if err := reserve(pend.Path(), size); err != nil {
			return bad(&ranks.OutputError{Name: w.Out, Err: err})
		}
	}
	j := h.job
	huge := &hugeJob{w.Entry, ranks.Job{
		Ranks: j.Ranks, Head: j.Head, Input: ranks.File{Path: w.In}, Read: j.reading(w.Entry), Ops: j.Ops,
		Output: ranks.File{Name: w.Out, Path: pend.Path()}, Format: w.picture.Output.Format, Quality: j.Quality, Compression: j.Compression, Level: j.Level, TileRows: j.TileRows,
		Threads: j.lanes(), Shrink: j.Shrink, Fsync: j.durable(), Memory: j.Limit, Scratch: j.Scratch,
	}}
	if j.Limit == 0 { // what the garbage collector is told of
		huge.Job.Memory = max(j.Memory+ranks.ProgramBytes, huge.Job.MinMemory(w.picture, h.world.Size()))
	}
	if err := huge.Job.FitMemory(w.picture, h.world.Size()); err != nil {
		r, _, _ := bad(err)
		r.Kind = RankLost // it may do with more
		return r, false, nil
	}
	if err := h.command(ctx, command{Large: huge}); err != nil {
		return nil, false, err
	}
	verdict, err := h.together(ctx, huge)
	if err != nil {
		return nil, false, err
	}
	if verdict.Failed != nil {
		if verdict.Fatal {
			return nil, false, &ranks.OutputError{Name: j.Output, Err: errors.New(verdict.Failed.Reason)}
		}
		verdict.Failed.Size, verdict.Failed.Sample = w.size, w.sample
		return verdict.Failed, verdict.Echo, nil
	}
	h.at("write")
	r = w.record(Done)
	if r.Bytes, err = pend.commit(j.durable()); err != nil {
		return bad(&ranks.OutputError{Name: w.Out, Err: err})
	}
	r.Durable = j.durable()
	return r, false, nil
}

// openHuge opens the picture once more on the head, and reads its header.
func (h *head) openHuge(ctx context.Context, w *work) error {
	return retried(ctx, func() (err error) {
		if w.file, _, err = openFile(w.In); err != nil {
			return &raster.InputError{Name: w.In, Err: err}
		}
		if err = h.inspect(w); err != nil {
			w.close()
		}
		return err
	})
}

func reserve(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(raster.Reserve(f, size), f.Close())
}

// together does the head's part and hears of the others'. Each of them is told once that the picture is over.
func (h *head) together(ctx context.Context, huge *hugeJob) (verdict, error) {
	mine, cancel := context.WithCancel(ctx)
	defer cancel()
	own := make(chan verdict, 1)
	var world *comm.World
	go func() {
		var v verdict
		world, v = h.part(ctx, mine, huge)
		own <- v
	}()
	var sum verdict
	over := false
	done := func() error {
		if over {
			return nil
		}
		over = true
		return h.command(ctx, command{Over: true, Keep: sum.Failed == nil})
	}
	heard := func(v verdict) error {
		if v.Failed == nil || sum.Failed != nil && (v.Echo || !sum.Echo) {
			return nil
		}
		sum = v
		if v.Echo {
			return nil // the reason may come yet
		}
		cancel()
		return done()
	}
	var err error
	for left, alive := h.world.Size(), true; left > 0; left-- {
		var v verdict
		select {
		case v = <-own:
			alive = false
		case v = <-h.verdicts:
		case <-ctx.Done():
			cancel()
			if alive {
				<-own
			}
			leave(world)
			return sum, context.Cause(ctx)
		}
		if err == nil {
			err = heard(v)
		}
	}
	leave(world)
	if err == nil {
		err = done()
	}
	return sum, err
}

func leave(w *comm.World) {
	if w != nil {
		w.Abandon()
	}
}

// part does this member's part of a large picture, in a world made for it, which is the caller's to leave. All members come to that world, if
// the epoch does not end; mine ends when the picture does.
func (m *Member) part(ctx, mine context.Context, huge *hugeJob) (*comm.World, verdict) {
	world, err := m.join(ctx)
	if err != nil {
		return nil, verdict{Failed: failed(huge.Entry, fmt.Errorf("join a world of all ranks for it: %w", err)), Echo: true}
	}
	m.atPicture(huge.Entry)
	r := ranks.New(time.Now(), m.probe)
	defer r.Close()
	err = r.Run(mine, world, m.key, huge.Job)
	report := r.Report()
	report.Seconds.Start = 0
	m.meter.mu.Lock()
	m.meter.large.Add(report)
	m.meter.mu.Unlock()
	if err == nil {
		return world, verdict{}
	}
	var lost *comm.RankError
	var out *ranks.OutputError
	v := verdict{Failed: failed(huge.Entry, err)}
	switch {
	case errors.As(err, &out):
		v.Fatal = hopeless(err)
	case errors.As(err, &lost), errors.Is(err, context.Canceled):
		v.Echo = true
	}
	return world, v
}

// follow does what the head commands, once the lanes are done.
func (m *Member) follow(ctx context.Context) error {
	for {
		var c command
		if err := recv(ctx, m.world, m.job.Head, tagCommand, &c); err != nil {
			return err
		}
		if c.Large == nil {
			return send(ctx, m.world, m.job.Head, tagAsk, question{Kind: tellBye})
		}
		if err := m.followHuge(ctx, c.Large); err != nil {
			return err
		}
	}
}

// followHuge does this rank's part of a large picture until the head says that it is over.
func (m *Member) followHuge(ctx context.Context, huge *hugeJob) error {
	mine, cancel := context.WithCancel(ctx)
	defer cancel()
	told := make(chan error, 1)
	var world *comm.World
	go func() {
		var v verdict
		world, v = m.part(ctx, mine, huge)
		told <- send(ctx, m.world, m.job.Head, tagAsk, question{Kind: tellHuge, Huge: v})
	}()
	var c command
	err := recv(ctx, m.world, m.job.Head, tagCommand, &c)
	if err != nil || !c.Keep {
		cancel()
	}
	err = errors.Join(err, <-told)
	leave(world)
	if err == nil && !c.Over {
		err = errors.New("the head goes on before a large picture is over")
	}
	return err
}
