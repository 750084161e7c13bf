package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"

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

// usageError is a mistake in the command line.
type usageError struct{ error }

// reportError is a mistake about --report, so that no report can be written.
type reportError struct{ error }

func (e reportError) Unwrap() error { return e.error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// signalError says that a signal ended the job.
type signalError struct{ signal syscall.Signal }

func (e signalError) Error() string { return fmt.Sprintf("stopped by %s", signalNames[e.signal]) }

var signalNames = map[syscall.Signal]string{
	syscall.SIGINT: "SIGINT", syscall.SIGTERM: "SIGTERM", syscall.SIGHUP: "SIGHUP",
	syscall.SIGQUIT: "SIGQUIT",
}

// exitStatus returns the exit status that tells scripts what kind of error err is.
func exitStatus(err error) int {
	var signal signalError
	var failed *launcher.RankFailed
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &signal):
		return exitSignalBase + int(signal.signal)
	case errors.Is(err, errTimeout):
		return exitTimeout
	case isA[usageError](err):
		return exitUsage
	case errors.As(err, &failed):
		return failed.Status
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
