package monitor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"halorun/launcher/jobs/progress"
)

// Top says how to watch jobs.
type Top struct {
	Source   Source
	Name     string // of the job; "": all, or the only one
	Interval time.Duration
	JSON     bool
	Stream   bool // go on until the job has ended, also where there is no terminal
	Keys     *os.File
}

// ErrNoJob says that there is no such job.
var ErrNoJob = errors.New("no such job runs here")

// firstLook is how long it takes to know rates.
const firstLook = time.Second

// Run shows the jobs on out until ctx ends, the user presses q, or the job that is watched has ended.
func (t *Top) Run(ctx context.Context, out *os.File) error {
	w := newWatcher(t.Source)
	snap, err := w.Look(ctx, t.Name)
	if err != nil {
		return err
	}
	if t.Name == "" && len(snap.Jobs) == 1 {
		t.Name = snap.Jobs[0].Run
	}
	if t.Name != "" && len(snap.Jobs) == 0 {
		return fmt.Errorf("%q: %w", t.Name, ErrNoJob)
	}
	live := !t.JSON && progress.IsTerminal(out) && progress.Auto.For(out) == progress.Bar
	switch {
	case live && len(snap.Jobs) > 0:
		return t.live(ctx, out, w, snap)
	case t.Stream:
		return t.stream(ctx, out, w, snap)
	}
	// Rates take two looks.
	if len(snap.Jobs) > 0 {
		if !progress.Wait(ctx, firstLook) {
			return nil
		}
		later, err := w.Look(ctx, t.Name)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if err == nil && len(later.Jobs) > 0 {
			snap = later
		}
	}
	return t.print(out, snap)
}

// plainColumns is how wide text is where there is no terminal.
const plainColumns = 200

func (t *Top) print(out io.Writer, s *Snapshot) error {
	if t.JSON {
		return json.NewEncoder(out).Encode(s)
	}
	for _, line := range s.Lines(plainColumns, 1<<20) {
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return nil
}

// stream prints one snapshot after the other.
func (t *Top) stream(ctx context.Context, out io.Writer, w *watcher, snap *Snapshot) error {
	for {
		if err := t.print(out, snap); err != nil {
			return err
		}
		if t.Name != "" && len(snap.Jobs) == 0 || !progress.Wait(ctx, t.Interval) {
			return nil
		}
		if !t.JSON {
			fmt.Fprintln(out)
		}
		var err error
		if snap, err = w.Look(ctx, t.Name); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// live draws the jobs on a terminal again and again.
func (t *Top) live(ctx context.Context, out *os.File, w *watcher, snap *Snapshot) error {
	screen, keys := progress.NewScreen(out), openKeyboard(t.Keys)
	defer keys.restore()
	defer screen.Leave()
	quit := keys.presses()
	stops, continued, resized := make(chan os.Signal, 1), make(chan os.Signal, 1), make(chan os.Signal, 1)
	for sig, c := range map[os.Signal]chan os.Signal{unix.SIGTSTP: stops, unix.SIGCONT: continued, unix.SIGWINCH: resized} {
		signal.Notify(c, sig)
		defer signal.Stop(c)
	}
	type looked struct {
		*Snapshot
		error
	}
	looks := make(chan looked, 1)
	// Nothing looks any more when this has returned: what is looked at is the caller's.
	var looking sync.WaitGroup
	defer looking.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for {
		screen.Show(snap.Lines(screen.Room()))
		if t.Name != "" && len(snap.Jobs) == 0 {
			return nil
		}
		tick, done := time.After(t.Interval), ctx.Done()
		for waiting := true; waiting; {
			select {
			case <-done:
				return nil
			case <-quit:
				return nil
			case <-resized:
				screen.Show(snap.Lines(screen.Room()))
			case <-stops:
				screen.Hide()
				keys.restore()
				_ = unix.Kill(os.Getpid(), unix.SIGSTOP)
			case <-continued:
				keys.set()
				screen.Reveal()
			case <-tick: // it may take its time
				looking.Go(func() {
					s, err := w.Look(ctx, t.Name)
					looks <- looked{s, err}
				})
			case l := <-looks:
				switch {
				case errors.Is(l.error, io.EOF):
					return nil
				case l.error != nil:
					return l.error
				case t.Name != "" && len(l.Jobs) == 0:
					return nil // what was known last stays
				}
				snap, waiting = l.Snapshot, false
			}
		}
	}
}
