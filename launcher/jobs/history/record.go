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
	board   *watch.Board
	target  Target
	sub     *watch.Subscription
	dir     string
	run     string
	written chan struct{} // closed when all is in the spool
	mine    chan struct{} // closed when all of it is in the store, or is to wait
	brought sync.Once     // closes mine
	done    chan struct{} // closed when nothing more is brought
	cancel  context.CancelFunc

	mu      sync.Mutex
	tell    func(string)
	silent  bool
	dropped int64
}

// Record begins to record a job. warn is called once at most, with a reason why not all is recorded.
func Record(b *watch.Board, t Target, warn func(string)) *Recorder {
	ctx, cancel := context.WithCancel(context.Background())
	r := &Recorder{board: b, target: t, tell: warn, sub: b.Subscribe(queue), written: make(chan struct{}), mine: make(chan struct{}), done: make(chan struct{}), cancel: cancel}
	temporary := false
	dir, err := t.spoolFolder()
	if err != nil && !t.own {
		dir, err = os.MkdirTemp("", "halorun-history-")
		temporary = true
	}
	if err != nil {
		r.warn("the job is not recorded: %v", err)
		r.sub.Close()
		close(r.written)
		close(r.mine)
		close(r.done)
		return r
	}
	r.dir, r.run = dir, b.Snapshot().Run
	ready := make(chan bool, 1)
	go r.write(ready)
	go func() {
		defer close(r.done)
		defer r.brought.Do(func() { close(r.mine) })
		if <-ready {
			r.deliver(ctx)
		}
		if temporary {
			_ = os.RemoveAll(dir)
		}
	}()
	return r
}

// warn says why not all is recorded, if nothing was said yet.
func (r *Recorder) warn(format string, args ...any) {
	r.mu.Lock()
	silent := r.silent
	r.silent = true
	r.mu.Unlock()
	if !silent {
		r.tell(fmt.Sprintf(format, args...))
	}
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
		r.warn("the end of the job is not recorded: %s does not take it", r.dir)
		return
	}
	select {
	case <-r.mine:
	case <-timer.C:
		r.warn("%s has not answered yet; what is recorded of the job waits for the next one in %s", r.target, r.dir)
		return
	}
	select {
	case <-r.done:
	case <-timer.C: // the next one brings what others have left
	}
	r.mu.Lock()
	dropped := r.dropped
	r.mu.Unlock()
	if dropped > 0 {
		r.warn("%d lines of the job's history are dropped, since there were too many", dropped)
	}
}

// write fills the spool.
func (r *Recorder) write(ready chan<- bool) {
	defer close(r.written)
	s, err := newSpool(r.dir, r.run)
	ready <- err == nil
	if err != nil {
		r.warn("the job is not recorded: %v", err)
		for range r.sub.Items {
		}
		return
	}
	var lines []byte
	var skipped int64
	at := newOrigin()
	beat := time.NewTicker(renewEvery)
	defer beat.Stop()
	for i := range r.items(beat.C, s.touch) {
		l := line{Item: &i, Origin: at}
		at = nil
		switch i.Kind {
		case watch.Known:
			picture := r.board.Snapshot().Picture
			l.Picture = &picture
		case watch.Ends:
			l.Dropped = skipped + r.sub.Dropped()
			r.mu.Lock()
			r.dropped = l.Dropped
			r.mu.Unlock()
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
			if err := s.write(lines, end); err != nil {
				r.warn("not all of the job's history is recorded in %s: %v", r.dir, plain(err))
			}
			lines = lines[:0]
		}
	}
	// The lock stays as long as this process does: until then the end may be missing.
	if err := s.write(lines, false); err != nil {
		r.warn("not all of the job's history is recorded in %s: %v", r.dir, plain(err))
	}
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
	for {
		var ended bool
		select {
		case <-r.written:
			ended = true
		default:
		}
		err := r.deliverOnce(ctx, c, &s)
		wait := deliverEvery
		if err != nil {
			if ctx.Err() == nil {
				r.warn("%v; the job goes on, and its history waits in %s", err, r.dir)
			}
			if s != nil {
				s.Close()
				s = nil
			}
			c.limit()
			wait = retryAfter
		}
		if ended {
			return
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

func (r *Recorder) deliverOnce(ctx context.Context, c *courier, s *Store) (err error) {
	if *s == nil {
		if *s, err = Open(ctx, r.target, func(text string) { r.warn("%s", text) }); err != nil {
			*s = nil
			return err
		}
	}
	if err = r.bring(ctx, c, *s); isCorrupt(err) {
		(*s).Close()
		t := r.target
		t.doubtful = true
		if *s, err = Open(ctx, t, func(text string) { r.warn("%s", text) }); err != nil {
			*s = nil
			return err
		}
		err = r.bring(ctx, c, *s)
	}
	return r.target.about(err)
}

// bring brings this job's spool first, and those that others have left.
func (r *Recorder) bring(ctx context.Context, c *courier, s Store) error {
	select {
	case <-r.written:
		if _, err := c.bringOne(ctx, s, r.run); err != nil {
			return err
		}
		r.brought.Do(func() { close(r.mine) })
	default:
	}
	_, err := c.bring(ctx, s)
	if errors.As(err, new(spoolError)) {
		return nil // what others have left is not this job's; who reads the history hears of it
	}
	return err
}
