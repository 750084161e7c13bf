package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"syscall"

	"halorun/bench/scaling"
	"halorun/cmdline"
	"halorun/launcher"
	"halorun/launcher/jobs/messages"
	"halorun/ranks"
	"halorun/ranks/raster"
)

// The exit statuses, as the manual promises them.
const (
	exitDone       = 0
	exitFailed     = 1 // I/O errors, disk full, output not writable
	exitUsage      = 2
	exitInput      = 3 // unreadable, not a picture, damaged, beyond the limits
	exitStart      = 4 // a host or rank could not be started
	exitRanks      = 5 // ranks kept failing
	exitTimeout    = 124
	exitSignalBase = 128
)

// exitStatuses are what the exit statuses mean, for the man page. The manual has the same table.
func exitStatuses() []cmdline.Row {
	return []cmdline.Row{
		{What: strconv.Itoa(exitDone), Meaning: "done, and the whole OUTPUT is in place"},
		{What: strconv.Itoa(exitFailed), Meaning: "failed while running: I/O errors, disk full, OUTPUT not writable; of many pictures more failed than --allow-failures allows; bench diff found what is worse than --fail-over allows"},
		{What: strconv.Itoa(exitUsage), Meaning: "wrong usage: unknown operation, parameter, flag or format, value out of range, missing argument, a mistake in a job file or an " +
			"environment variable, OUTPUT is INPUT, OUTPUT's folder does not exist"},
		{What: strconv.Itoa(exitInput), Meaning: "INPUT cannot be read, is not a picture, is damaged, or is beyond the limits; bench diff: a file holds no figures, or none that the other has"},
		{What: strconv.Itoa(exitStart), Meaning: "a host or rank could not be started, the address of --metrics could not be had, top --host could not connect, or hosts check found a problem"},
		{What: strconv.Itoa(exitRanks), Meaning: "ranks or hosts were lost more often than --max-restarts allows, or no host was left to take their place"},
		{What: strconv.Itoa(exitTimeout), Meaning: "--timeout"},
		{What: "129, 130, 131, 143", Meaning: "SIGHUP, SIGINT, SIGQUIT, SIGTERM"},
		{What: "141", Meaning: "whoever read stdout does so no more, as with SIGPIPE; without a message"},
	}
}

// usageError is a mistake in the command line.
type usageError struct{ error }

// reportError is a mistake about where reports and messages go, so that none is written.
type reportError struct{ error }

func (e reportError) Unwrap() error { return e.error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// signalError says that a signal ended the job.
type signalError struct{ signal syscall.Signal }

func (e signalError) Error() string { return fmt.Sprintf("stopped by %s", signalNames[e.signal]) }

// pipeError says that nobody reads stdout any more, which whoever that was knows.
type pipeError struct{ error }

func (e pipeError) Unwrap() error { return e.error }

var signalNames = map[syscall.Signal]string{
	syscall.SIGINT: "SIGINT", syscall.SIGTERM: "SIGTERM", syscall.SIGHUP: "SIGHUP",
	syscall.SIGQUIT: "SIGQUIT",
}

// exitStatus returns the exit status that tells scripts what kind of error err is.
func exitStatus(err error) int {
	var signal signalError
	var failed *launcher.RankFailed
	var job *scaling.JobError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &signal):
		return exitSignalBase + int(signal.signal)
	case errors.Is(err, errTimeout):
		return exitTimeout
	case isA[pipeError](err):
		return exitSignalBase + int(syscall.SIGPIPE)
	case isA[usageError](err):
		return exitUsage
	case errors.As(err, &failed):
		return failed.Status
	case errors.As(err, &job):
		return job.Status
	case isA[*launcher.RankDied](err):
		return exitRanks
	case isA[*launcher.StartError](err), isA[*launcher.HostError](err), isA[problemsError](err), isA[startFailed](err):
		return exitStart
	case isA[*raster.InputError](err):
		return exitInput
	case isA[*ranks.OutputError](err), errors.Is(err, context.Canceled):
		return exitFailed
	}
	return exitFailed
}

func isA[T error](err error) bool {
	var t T
	return errors.As(err, &t)
}

// message returns the line that tells the user of the error. What went wrong with INPUT or OUTPUT did so for any rank, so
// then it matters little which one met it.
func message(err error) string {
	var failed *launcher.RankFailed
	if errors.As(err, &failed) && (failed.Status == exitInput || failed.Status == exitFailed) {
		return oneLine(failed.Message)
	}
	return oneLine(err.Error())
}

// oneLine makes a message one line.
func oneLine(s string) string { return messages.OneLine(s) }
