package raster

import (
	"errors"
	"fmt"
	"image/jpeg"
	"io"
	"io/fs"

	"halorun/ranks/raster/png"
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

// damaged makes an error of a decoder's. Those of the standard library repeat which decoder it was, and ours say all themselves.
func damaged(format string, err error) error {
	var ours png.Damage
	if errors.As(err, &ours) {
		return err
	}
	var unsupported jpeg.UnsupportedError
	if errors.As(err, &unsupported) {
		return fmt.Errorf("JPEG with %s is not read", string(unsupported))
	}
	var badJPEG jpeg.FormatError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("it ends too early")
	case errors.As(err, &badJPEG):
		err = errors.New(string(badJPEG))
	}
	return fmt.Errorf("damaged %s: %w", format, err)
}
