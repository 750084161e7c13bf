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
		return named(e.Name, "there is no such file")
	case errors.As(e.Err, &path):
		return named(e.Name, fmt.Sprintf("cannot %s it: %v", path.Op, path.Err))
	}
	return named(e.Name, e.Err.Error())
}

// named puts a picture's name before what is said of it, if it has one.
func named(name, text string) string {
	if name == "" {
		return text
	}
	return name + ": " + text
}

func (e *InputError) Unwrap() error { return e.Err }

// damaged makes an error of a decoder's, unless that says all itself, as those of PNG, JPEG and TIFF do.
func damaged(format string, err error) error {
	switch {
	case format == "png" || format == "jpeg" || format == "tiff":
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("it ends too early")
	}
	return fmt.Errorf("damaged %s: %w", format, err)
}
