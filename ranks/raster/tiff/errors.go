package tiff

import (
	"errors"
	"fmt"
	"io"
)

// damaged makes an error of what is wrong with a file.
func damaged(err error) error {
	if errors.Is(err, errShort) {
		return fmt.Errorf("damaged tiff: %w", err)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("damaged tiff: %w", errShort)
	}
	return fmt.Errorf("damaged tiff: %w", err)
}

var errShort = fmt.Errorf("it ends too early%w", quiet{io.ErrUnexpectedEOF})

// quiet wraps an error without a word.
type quiet struct{ error }

func (quiet) Error() string   { return "" }
func (q quiet) Unwrap() error { return q.error }
