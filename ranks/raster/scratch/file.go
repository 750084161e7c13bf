package scratch

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// Maker makes an empty file, for reading and writing, that is gone when it is closed.
type Maker = func() (*os.File, error)

// File is such a file. Its errors are *Error.
type File struct{ file *os.File }

// New makes a file.
func New(make Maker) (*File, error) {
	f, err := make()
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			return nil, &Error{Name: path.Path, What: "it cannot be made", Err: path.Err}
		}
		return nil, &Error{What: "it cannot be made", Err: err}
	}
	return &File{f}, nil
}

// ReadAt implements io.ReaderAt. What is read was written before: the file's end is an error like any other.
func (f *File) ReadAt(b []byte, at int64) (int, error) {
	n, err := f.file.ReadAt(b, at)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, f.wrong("reading", len(b), at, err)
}

// WriteAt implements io.WriterAt.
func (f *File) WriteAt(b []byte, at int64) (int, error) {
	n, err := f.file.WriteAt(b, at)
	return n, f.wrong("writing", len(b), at, err)
}

func (f *File) wrong(doing string, n int, at int64, err error) error {
	if err == nil {
		return nil
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return &Error{Name: f.file.Name(), What: fmt.Sprintf("%s %d bytes at byte %d", doing, n, at), Err: err}
}

// Close frees the file. Nil there is nothing to free.
func (f *File) Close() {
	if f != nil {
		_ = f.file.Close() // nobody wants what is in it
	}
}

// Error says what could not be done with a scratch file.
type Error struct {
	Name string
	What string
	Err  error
}

func (e *Error) Error() string {
	s := "scratch file"
	if e.Name != "" {
		s += " " + e.Name
	}
	s = fmt.Sprintf("%s: %s: %v", s, e.What, e.Err)
	if errors.Is(e.Err, unix.ENOSPC) || errors.Is(e.Err, unix.EDQUOT) || errors.Is(e.Err, unix.EFBIG) {
		s += "; make room there, or allow more memory"
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }
