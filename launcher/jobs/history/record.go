package history

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"os/user"
	"strconv"
	"sync"
	"time"

	"halorun/launcher/jobs/watch"
)

const (
	// queue is how many items wait for the writer.
	queue = 4096
	// patience is how long a job lasts before it opens the default database. What a shorter one has to tell waits in its spool.
	patience = time.Second
	// enough is how many spools wait before a short job brings them.
	enough = 50
	// deliverEvery is how often a job brings what is new.
	deliverEvery = time.Second
	// retryAfter is how long one leaves a database alone that cannot be had.
	retryAfter = 5 * time.Second
	// endTime is how long a job waits at its end, at most.
	endTime = 400 * time.Millisecond
)

// Recorder records a job. It never holds the job up, and never fails it.
type Recorder struct {
	target Target
	run    string
	sub    *watch.Subscription
	tell   func(string)
	warned sync.Once
	cancel context.CancelFunc

	dir       string // of spools
	temporary string // the folder that is taken if dir is of no use, or ""; known when written is closed
	dropped   int64  // known when written is closed

	written chan struct{} // closed when all is in the spool
	done    chan struct{} // closed when all of it is in the store, or is to wait
}

// Record begins to record a job. warn is called once at most, with a reason why not all is recorded.
func Record(b *watch.Board, t Target, warn func(string)) *Recorder {
	ctx, cancel := context.WithCancel(context.Background())
	r := &Recorder{
		target: t, run: b.Snapshot().Run, sub: b.Subscribe(queue), tell: warn, cancel: cancel, written: make(chan struct{}), done: make(chan struct{}),
	}
	ready := make(chan bool, 1)
	go r.write(ready)
	go func() {
		defer close(r.done)
		if <-ready {
			r.deliver(ctx)
		}
		if r.temporary != "" {
			_ = os.RemoveAll(r.temporary)
		}
	}()
	return r
}

// warn says why not all is recorded, if nothing was said yet.
func (r *Recorder) warn(format string, args ...any) {
	r.warned.Do(func() { r.tell(fmt.Sprintf(format, args...)) })
}

// Close waits for what is recorded to be where it belongs, for a short time. Without a recorder there is nothing to wait for.
func (r *Recorder) Close() {
	if r == nil {
		return
	}
	r.sub.Close()
	defer r.cancel()
	timer := time.NewTimer(endTime)
	defer timer.Stop()
	select {
	case <-r.written:
	case <-timer.C:
		dir, _ := r.target.spoolFolder()
		r.warn("the end of the job is not recorded: %s does not take it", dir)
		return
	}
	select {
	case <-r.done:
	case <-timer.C:
		r.warn("%s has not answered yet; %s", r.target, r.waiting("what is recorded of the job waits for the next one"))
		return
	}
	if r.dropped > 0 {
		r.warn("%d lines of the job's history are dropped, since there were too many", r.dropped)
	}
}

// waiting says what becomes of what is not in the store.
func (r *Recorder) waiting(what string) string {
	if r.temporary != "" {
		return "what is not there by the job's end is lost, since this user has no folder where it could wait"
	}
	return what + " in " + r.dir
}

// newSpool makes the job's spool, if need be in a folder that goes with the job.
func (r *Recorder) newSpool() (s *spool, err error) {
	if r.dir, err = r.target.spoolFolder(); err == nil {
		s, err = newSpool(r.dir, r.run)
	}
	if err == nil || r.target.own { // the store is where the spool would be
		return s, err
	}
	if r.temporary, err = os.MkdirTemp("", "halorun-history-"); err != nil {
		return nil, err
	}
	r.dir = r.temporary
	return newSpool(r.dir, r.run)
}

// write fills the spool.
func (r *Recorder) write(ready chan<- bool) {
	defer close(r.written)
	s, err := r.newSpool()
	ready <- err == nil
	if err != nil {
		r.warn("the job is not recorded: %v", err)
		for range r.sub.Items {
		}
		return
	}
	failed := func(err error) {
		if err != nil {
			r.warn("not all of the job's history is recorded in %s: %v", r.dir, plain(err))
		}
	}
	var lines []byte
	var skipped int64
	at := newOrigin()
	beat := time.NewTicker(touchEvery)
	defer beat.Stop()
	for i := range r.items(beat.C, s.touch) {
		l := line{Item: &i, Origin: at}
		at = nil
		switch i.Kind {
		case watch.Ends:
			l.Dropped = skipped + r.sub.Dropped()
			r.dropped = l.Dropped
		case watch.Happens, watch.Says, watch.Prints:
			if s.length+int64(len(lines)) > maxSpool || s.err != nil {
				skipped++
				continue
			}
		}
		i.Text = brief(i.Text)
		b, err := json.Marshal(l)
		if err != nil {
			skipped++
			continue
		}
		lines = append(append(lines, b...), '\n')
		if end := i.Kind == watch.Ends; end || len(r.sub.Items) == 0 || len(lines) > 64<<10 {
			failed(s.write(lines, end))
			lines = lines[:0]
		}
	}
	failed(s.write(lines, false))
	failed(s.file.Close()) // until here its lock says that the job runs
}

// items yields what happens until the subscription ends, and calls touch meanwhile.
func (r *Recorder) items(beat <-chan time.Time, touch func()) iter.Seq[watch.Item] {
	return func(yield func(watch.Item) bool) {
		for {
			select {
			case <-beat:
				touch()
			case i, more := <-r.sub.Items:
				if !more || !yield(i) {
					return
				}
			}
		}
	}
}

// plain leaves out the name of a file that is known.
func plain(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

func newOrigin() *origin {
	o := &origin{PID: os.Getpid(), User: strconv.Itoa(os.Getuid())}
	if u, err := user.Current(); err == nil {
		o.User = u.Username
	}
	o.Machine, _ = os.Hostname()
	return o
}

// deliver brings what is in the spool, and what others have left.
func (r *Recorder) deliver(ctx context.Context) {
	if r.target.own {
		runs, _ := spools(r.dir)
		if len(runs) < enough {
			select {
			case <-r.written:
				return // whoever reads the history brings it
			case <-time.After(patience):
			}
		}
	}
	c := newCourier(r.dir)
	defer c.close()
	var s Store
	defer func() {
		if s != nil {
			s.Close()
		}
	}()
	for ended := false; !ended; {
		select {
		case <-r.written:
			ended = true
		default:
		}
		err := r.deliverOnce(ctx, c, &s, ended)
		wait := deliverEvery
		if err != nil {
			if ctx.Err() == nil {
				r.warn("%v; the job goes on, and %s", err, r.waiting("its history waits"))
			}
			if s != nil {
				s.Close()
				s = nil
			}
			c.limit()
			wait = retryAfter
		}
		select {
		case <-r.written:
			if err != nil {
				return
			}
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

func (r *Recorder) deliverOnce(ctx context.Context, c *courier, s *Store, ended bool) (err error) {
	if moved, ok := (*s).(*sqlStore); ok && moved.gone() {
		moved.Close()
		c.forget()
		*s = nil
	}
	if *s == nil {
		if *s, err = Open(ctx, r.target, func(text string) { r.warn("%s", text) }); err != nil {
			*s = nil
			return err
		}
	}
	if err = r.bring(ctx, c, *s, ended); isCorrupt(err) {
		(*s).Close()
		t := r.target
		t.doubtful = true
		if *s, err = Open(ctx, t, func(text string) { r.warn("%s", text) }); err != nil {
			*s = nil
			return err
		}
		err = r.bring(ctx, c, *s, ended)
	}
	return r.target.about(err)
}

// bring brings what there is of this job and what others have left, or, when it has ended, its own alone.
func (r *Recorder) bring(ctx context.Context, c *courier, s Store, ended bool) error {
	if ended {
		_, err := c.bringOne(ctx, s, r.run)
		return err
	}
	_, err := c.bring(ctx, s, r.written)
	if errors.As(err, new(spoolError)) {
		return nil // what others have left is not this job's; who reads the history hears of it
	}
	return err
}
