package png

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// Damage says what is wrong with a file.
type Damage string

func (d Damage) Error() string { return "damaged png: " + string(d) }

func damagef(format string, args ...any) error { return Damage(fmt.Sprintf(format, args...)) }

// errShort is for a file that ends before IEND.
const errShort = Damage("it ends too early")

// readError makes an error of reading the file: at its end the file is to blame.
func readError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errShort
	}
	return err
}

// inflateError makes an error of inflating picture data.
func inflateError(err error) error {
	var damage Damage
	var path *fs.PathError
	switch {
	case errors.As(err, &damage), errors.As(err, &path):
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Damage("its picture data ends before its last row")
	}
	return damagef("its picture data: %v", err)
}
