package raster

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// InputError says that a picture cannot be read: it is missing, no picture, damaged, or beyond the limits.
type InputError struct {
	Name string
	Err  error
}

func (e *InputError) Error() string {
	var path *fs.PathError
	if errors.As(e.Err, &path) {
		return fmt.Sprintf("%s: cannot %s it: %v", e.Name, path.Op, path.Err)
	}
	return fmt.Sprintf("%s: %v", e.Name, e.Err)
}

func (e *InputError) Unwrap() error { return e.Err }

// damaged makes an error of a decoder's.
func damaged(format string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("it ends too early")
	}
	return fmt.Errorf("damaged %s: %w", format, err)
}
