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
	switch {
	case errors.Is(e.Err, fs.ErrNotExist):
		return e.Name + ": there is no such file"
	case errors.As(e.Err, &path):
		return fmt.Sprintf("%s: cannot %s it: %v", e.Name, path.Op, path.Err)
	}
	return fmt.Sprintf("%s: %v", e.Name, e.Err)
}

func (e *InputError) Unwrap() error { return e.Err }

// damaged makes an error of a decoder's, unless that says all itself, as those of PNG and JPEG do.
func damaged(format string, err error) error {
	switch {
	case format == "png" || format == "jpeg":
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("it ends too early")
	}
	return fmt.Errorf("damaged %s: %w", format, err)
}
