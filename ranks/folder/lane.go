package folder

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"halorun/ranks"
)

// lane is one thread of a rank: three goroutines, so that a picture is being opened and another put in place while one is computed.
//
//	fetch ──opened──► compute ──computed──► put
type lane struct {
	*Member
	number           int
	opened, computed chan *work
}

// fetch asks the head for pictures and opens them, one ahead of the one that is computed.
func (l *lane) fetch(ctx context.Context) error {
	defer close(l.opened)
	for {
		began := time.Now()
		entries, err := l.next(ctx)
		since(&l.meter.wait, began)
		if err != nil || len(entries) == 0 {
			return err
		}
		for _, e := range entries {
			if err := l.fetchOne(ctx, e); err != nil {
				return err
			}
		}
	}
}

// fetchOne opens a picture and hands it on.
func (l *lane) fetchOne(ctx context.Context, e *Entry) error {
	w := &work{Entry: e, began: time.Now(), size: e.Size, modTime: e.ModTime}
	l.at("read")
	w.err = l.open(ctx, w)
	since(&l.meter.read, w.began)
	if ctx.Err() != nil {
		w.close()
		return context.Cause(ctx)
	}
	select {
	case l.opened <- w:
		return nil
	case <-ctx.Done():
		w.close()
		return context.Cause(ctx)
	}
}

// next returns the lane's next pictures; none if there are no more for it.
func (l *lane) next(ctx context.Context) ([]*Entry, error) {
	if l.isHead() {
		return l.head.next(ctx, holder{l.world.Rank(), l.number})
	}
	before := l.asked()
	if err := send(ctx, l.world, l.job.Head, tagAsk, question{Kind: askNext, Lane: l.number}); err != nil {
		return nil, err
	}
	var a assignment
	if err := recv(ctx, l.world, l.job.Head, laneTag(l.number, streamReply), &a); err != nil {
		return nil, err
	}
	l.told(before)
	return a.Entries, nil
}

// open opens a picture, reads its header and has the kernel read the rest ahead.
func (l *lane) open(ctx context.Context, w *work) error {
	return retried(ctx, func() error {
		w.close()
		if err := l.input(ctx, w); err != nil {
			return err
		}
		_ = unix.Fadvise(int(w.file.Fd()), 0, min(w.Size, readAhead), unix.FADV_WILLNEED) // else it is read later
		if err := l.inspect(w); err != nil {
			w.close()
			return err
		}
		return nil
	})
}

// readAhead is how much of a file is read before its turn has come.
const readAhead = 32 << 20

// compute computes pictures.
func (l *lane) compute(ctx context.Context) error {
	defer close(l.computed)
	for w := range l.opened {
		if w.err == nil && !w.large {
			w.err = l.Member.compute(ctx, w)
			for i := 0; w.err != nil && passes(w.err) && i < len(retries) && ctx.Err() == nil; i++ {
				select {
				case <-time.After(retries[i]):
				case <-ctx.Done():
				}
				if w.err = l.open(ctx, w); w.err == nil {
					w.err = l.Member.compute(ctx, w)
				}
			}
		}
		w.close()
		var out *ranks.OutputError
		if ctx.Err() != nil {
			w.drop()
			return context.Cause(ctx)
		}
		if errors.As(w.err, &out) && hopeless(w.err) {
			w.drop()
			return &ranks.OutputError{Name: l.job.Output, Err: out.Err}
		}
		select {
		case l.computed <- w:
		case <-ctx.Done():
			w.drop()
			return context.Cause(ctx)
		}
	}
	return nil
}

// drop removes what there is of the output.
func (w *work) drop() {
	if w.out != nil {
		w.out.abort()
		w.out = nil
	}
}

// put puts outputs in place and tells the head.
func (l *lane) put(ctx context.Context) error {
	for w := range l.computed {
		var r *Record
		sent := false
		switch {
		case w.err != nil:
			r = failed(w.Entry, w.err)
			r.Sample, r.Size, r.Seconds = w.sample, w.size, time.Since(w.began).Seconds()
		case w.large:
			r = w.record(large)
		default:
			var err error
			if r, sent, err = l.place(ctx, w); err != nil {
				return err
			}
		}
		if sent {
			continue
		}
		began := time.Now()
		err := l.tell(ctx, l.number, r)
		since(&l.meter.gather, began)
		if err != nil {
			return err
		}
	}
	return nil
}

// place puts an output in place, or sends it to the head, which does. An error ends the job.
func (l *lane) place(ctx context.Context, w *work) (r *Record, sent bool, err error) {
	defer since(&l.meter.write, time.Now())
	defer w.drop()
	l.at("write")
	r = w.record(Done)
	if w.out.remote {
		return r, true, l.send(ctx, w.out, r)
	}
	err = retried(ctx, func() (err error) {
		if err = l.fault("write"); err == nil {
			r.Bytes, err = w.out.commit(l.job.durable())
		}
		return err
	})
	switch {
	case err == nil:
		r.Durable = l.job.durable()
		l.at("finish")
	case hopeless(err):
		return nil, false, &ranks.OutputError{Name: l.job.Output, Err: err}
	default:
		r = failed(w.Entry, &ranks.OutputError{Name: w.Out, Err: err})
	}
	return r, false, nil
}
