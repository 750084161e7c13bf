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
		return beginning(e.Name) + "there is no such file"
	case errors.As(e.Err, &path):
		return fmt.Sprintf("%scannot %s it: %v", beginning(e.Name), path.Op, path.Err)
	}
	return fmt.Sprintf("%s%v", beginning(e.Name), e.Err)
}

// beginning is how a message about a picture begins: with its name, if it has one.
func beginning(name string) string {
	if name == "" {
		return ""
	}
	return name + ": "
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
