package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"time"

	"halorun/ranks"
	"halorun/ranks/raster"
)

// passing are the errors that may be over the next time.
var passing = []error{
	syscall.EIO, syscall.EAGAIN, syscall.EINTR, syscall.ETIMEDOUT, syscall.ESTALE, syscall.EREMOTEIO, syscall.ENOLINK, syscall.EBUSY,
	syscall.ENOBUFS, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE, syscall.ECONNRESET, syscall.ENETDOWN, syscall.ENETUNREACH, syscall.EHOSTDOWN,
	syscall.EHOSTUNREACH, errOtherFile,
}

// errOtherFile says that a file's bytes did not come as the head had announced them.
var errOtherFile = errors.New("it changes while it is read")

func passes(err error) bool {
	var there *elsewhere
	if errors.As(err, &there) {
		return there.Passes
	}
	return slices.ContainsFunc(passing, func(e error) bool { return errors.Is(err, e) })
}

// hopeless tells whether an error in writing one output would meet all the others, too.
func hopeless(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EROFS)
}

// Failure is the error of a job that ends with the first picture that fails.
type Failure struct{ Record }

func (e *Failure) Error() string { return fmt.Sprintf("%s: %s", e.In, e.Reason) }

// failed returns the record of a picture that cannot be done.
func failed(e *Entry, err error) *Record {
	r := &Record{N: e.N, In: e.In, Page: e.Page, Out: e.Out, Size: e.Size, ModTime: e.ModTime, State: Failed, Kind: BadData, Reason: reason(err)}
	var errno syscall.Errno
	var out *ranks.OutputError
	if errors.As(err, &errno) || errors.As(err, &out) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || passes(err) {
		r.Kind = IOError
	}
	var there *elsewhere
	if errors.As(err, &there) {
		r.Kind = there.Kind
	}
	return r
}

// reason says in one line why, without the picture's name.
func reason(err error) string {
	var in *raster.InputError
	text := err.Error()
	if errors.As(err, &in) {
		text = (&raster.InputError{Err: in.Err}).Error()
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.TrimSpace(text))
}

// retries are the pauses before an attempt is repeated.
var retries = [...]time.Duration{50 * time.Millisecond, 200 * time.Millisecond, 800 * time.Millisecond}

// retried calls do, again if its error may pass.
func retried(ctx context.Context, do func() error) error {
	for _, pause := range retries {
		err := do()
		if err == nil || !passes(err) || ctx.Err() != nil {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return do()
}
