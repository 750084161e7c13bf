package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"halorun/launcher/jobs/progress"
)

// signals are how a user or a scheduler steers a job.
type signals struct {
	log     *slog.Logger
	console *progress.Console
	suspend chan func() // to whom runs the ranks
	running chan bool   // told when there are ranks to be suspended, and when there are none any more
}

// watchSignals returns a context that ends, with a cause that says why, at the first signal that ends a job or when the timeout is
// over; the time during which the job is suspended does not count. A second signal kills.
func watchSignals(ctx context.Context, timeout time.Duration, log *slog.Logger, console *progress.Console) (context.Context, *signals, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	s := &signals{log: log, console: console, suspend: make(chan func()), running: make(chan bool)}
	ends, stops := make(chan os.Signal, 1), make(chan os.Signal, 1)
	// Shells have scripts' background jobs ignore SIGINT, which is to keep a terminal's ^C from them; one sent on purpose counts.
	signal.Notify(ends, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT)
	notifyUnlessIgnored(ends, syscall.SIGHUP) // under nohup it is
	notifyUnlessIgnored(stops, syscall.SIGTSTP)
	go s.watch(ctx, cancel, timeout, ends, stops)
	return ctx, s, func() {
		signal.Stop(stops)
		cancel(nil)
	}
}

// outliveReaders lets a job go on when nobody reads its messages any more. That nobody reads stdout is an error of who writes there.
func outliveReaders() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }

func notifyUnlessIgnored(c chan<- os.Signal, s os.Signal) {
	if !signal.Ignored(s) {
		signal.Notify(c, s)
	}
}

func (s *signals) watch(ctx context.Context, cancel context.CancelCauseFunc, timeout time.Duration, ends, stops chan os.Signal) {
	var timer *time.Timer
	var over <-chan time.Time
	left, began := timeout, time.Now()
	if timeout > 0 {
		timer = time.NewTimer(timeout)
		over = timer.C
	}
	resumed := make(chan struct{}, 1)
	var pending chan<- func() // s.suspend while somebody waits to be suspended
	running := false
	stopped := func() {
		s.log.Info("suspended; 'fg' or SIGCONT goes on")
		goesOn := make(chan os.Signal, 1)
		signal.Notify(goesOn, syscall.SIGCONT)
		goOn := s.console.AroundStop()
		_ = unix.Kill(os.Getpid(), unix.SIGSTOP) // which may return before it takes effect
		<-goesOn
		goOn()
		signal.Stop(goesOn)
		s.log.Info("goes on")
	}
	pause := func() {
		if timer != nil {
			timer.Stop()
			left -= time.Since(began)
		}
	}
	proceed := func() {
		if timer != nil {
			began = time.Now()
			timer.Reset(max(left, 0))
		}
	}
	for {
		select {
		case sig := <-ends:
			signal.Stop(ends) // a second one kills
			cancel(signalError{sig.(syscall.Signal)})
			return
		case <-over:
			cancel(fmt.Errorf("%w: %v", errTimeout, timeout))
			return
		case <-ctx.Done():
			return
		case running = <-s.running:
			if !running && pending != nil {
				pending = nil
				pause()
				stopped()
				proceed()
			}
		case <-stops:
			if running {
				pending = s.suspend
				continue
			}
			pause()
			stopped()
			proceed()
		case pending <- func() {
			pause()
			stopped()
			resumed <- struct{}{}
		}:
			pending = nil
			// From here to there the timer is the other side's.
			select {
			case <-resumed:
				proceed()
			case <-ctx.Done():
				return
			case sig := <-ends:
				signal.Stop(ends)
				cancel(signalError{sig.(syscall.Signal)})
				return
			case <-over:
				cancel(fmt.Errorf("%w: %v", errTimeout, timeout))
				return
			}
		}
	}
}

// during calls f, while which ranks can be suspended.
func (s *signals) during(ctx context.Context, f func()) {
	tell := func(running bool) {
		select {
		case s.running <- running:
		case <-ctx.Done():
		}
	}
	tell(true)
	defer tell(false)
	f()
}
