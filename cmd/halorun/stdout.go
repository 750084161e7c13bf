package main

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"halorun/ranks"
)

// stdout is where answers go: tables, JSON, help. It remembers what went wrong, since not all who write there look.
type stdout struct{ err error }

func (s *stdout) Write(b []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	var n int
	err := error(unix.EBADF)
	if !closed(os.Stdout) {
		n, err = os.Stdout.Write(b) // if nobody reads it any more, the Go runtime ends this program by SIGPIPE, unless a job runs
	}
	if errors.Is(err, unix.EPIPE) {
		s.err = pipeError{err}
		return n, s.err
	}
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	if err != nil {
		s.err = &ranks.OutputError{Name: "stdout", Err: err}
	}
	return n, s.err
}
