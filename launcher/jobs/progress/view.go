package progress

import (
	"context"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/sys/unix"

	"halorun/launcher/jobs/watch"
)

const (
	// patience is how long a job may take before anything is said of how far it is.
	patience = time.Second
	// drawEvery is how often the view is drawn.
	drawEvery = 250 * time.Millisecond
	// silence is after how long it is worth a word that a host was not heard.
	silence = 2 * time.Second
)

// view is the live view of a job.
type view struct {
	console *Console
	screen  *Screen
	board   *watch.Board
	after   time.Duration // it begins
	meter   Meter
	now     atomic.Pointer[Standing]
}

// run shows the job until ctx ends.
func (v *view) run(ctx context.Context) {
	if !Wait(ctx, v.after) {
		return
	}
	v.look()
	draw := make(chan any)
	bars := mpb.New(mpb.WithConsoleWriter(v.screen), mpb.WithManualRefresh(draw))
	style := mpb.BarStyle().Build()
	_, _ = bars.Add(0, mpb.BarFillerFunc(func(w io.Writer, _ decor.Statistics) error {
		columns, _ := v.screen.Room()
		return overall(w, style, v.now.Load(), columns)
	}), mpb.BarFillerTrim(), mpb.BarExtender(mpb.BarFillerFunc(func(w io.Writer, _ decor.Statistics) error {
		columns, rows := v.screen.Room()
		if lines := v.now.Load().hostLines(columns, rows); len(lines) > 0 {
			_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
			return err
		}
		return nil
	}), false)) // it fails for bars that have ended
	v.console.show(v.screen)
	defer func() {
		bars.Shutdown()
		v.screen.Hide()
		v.console.show(nil)
	}()
	resized, continued := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(resized, unix.SIGWINCH)
	signal.Notify(continued, unix.SIGCONT)
	defer signal.Stop(resized)
	defer signal.Stop(continued)
	tick := time.NewTicker(drawEvery)
	defer tick.Stop()
	for {
		select {
		case draw <- nil:
		case <-ctx.Done():
			return
		}
		select {
		case <-tick.C:
		case <-resized:
		case <-continued:
			v.screen.Forget() // whoever had the terminal meanwhile
		case <-ctx.Done():
			return
		}
		v.look()
	}
}

func (v *view) look() {
	status := v.board.Snapshot()
	st := v.meter.Take(&status)
	v.now.Store(&st)
}

// Wait waits for d, unless ctx ends before.
func Wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Teller tells how far a job is, until it is closed.
type Teller struct {
	stop context.CancelFunc
	done chan struct{}
}

// closeTime is how long a Teller may take to end: a terminal that stands still, by ^S, is not worth waiting for.
const closeTime = 2 * time.Second

// Close ends it. Nothing of it is left on the terminal.
func (t *Teller) Close() {
	if t == nil {
		return
	}
	t.stop()
	select {
	case <-t.done:
	case <-time.After(closeTime):
	}
}

// start runs f until the Teller is closed.
func start(f func(context.Context)) *Teller {
	ctx, cancel := context.WithCancel(context.Background())
	t := &Teller{stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(t.done)
		f(ctx)
	}()
	return t
}

// View shows the job on the console's terminal, if it takes longer than a moment.
func View(c *Console, b *watch.Board) *Teller {
	v := &view{console: c, screen: NewScreen(c.out), board: b, after: patience}
	return start(v.run)
}

// plainEvery is how often there is a line where there is no terminal.
const plainEvery = 10 * time.Second

// Plain says a line about the job now and then.
func Plain(b *watch.Board, say func(string)) *Teller {
	return start(func(ctx context.Context) {
		var m Meter
		look := func() Standing {
			s := b.Snapshot()
			return m.Take(&s)
		}
		for n := 1; Wait(ctx, spacing); n++ {
			if st := look(); n%int(plainEvery/spacing) == 0 {
				say(st.Sentence())
			}
		}
	})
}
