package jpeg

import (
	"errors"
	"fmt"
	"io"
)

// errShort says that a file has been cut.
var errShort = errors.New("damaged jpeg: it ends too early")

func damaged(format string, args ...any) error {
	return fmt.Errorf("damaged jpeg: "+format, args...)
}

// short makes errShort of the errors that say that there is nothing more to read; what else prevents reading it leaves as it is.
func short(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errShort
	}
	return err
}

func unsupportedKind(marker byte) error {
	return fmt.Errorf("JPEG of kind SOF%d is not read; baseline and progressive are", marker-markerSOF0)
}

func unsupportedDepth(bits byte) error {
	return fmt.Errorf("JPEG of %d bits a sample is not read; 8 are", bits)
}

func unsupportedComponents(n int) error {
	return fmt.Errorf("JPEG of %d components is not read; 1, 3 and 4 are", n)
}

func unsupportedSampling(c *component, f *frame) error {
	return fmt.Errorf("JPEG with components sampled %d×%d beside %d×%d is not read", c.h, c.v, f.h, f.v)
}

var (
	errClosed = errors.New("jpeg: the stream is closed")
	errBeyond = errors.New("jpeg: rows beyond the picture's last are asked for")
)
