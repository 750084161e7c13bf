package raster

import (
	"crypto/hmac"
	"crypto/rand"
	"os"

	"golang.org/x/sys/unix"
)

// MarkBytes is the length of a mark, which stands where the first rows will be.
const MarkBytes = 16

// Mark makes f, which a direct writer has begun, known to other hosts: it writes what nobody can guess where rows will be, and
// brings it and the header to where other hosts see them. A fresh file is all zeros; without a mark its like on another host
// could pass for it.
//
// It returns nil if other hosts had better not write to the file.
func (o Output) Mark(f *os.File) ([]byte, error) {
	header, _ := o.Layout()
	if size, known := o.Size(); !known || size-header < MarkBytes {
		return nil, nil // a row of a few bytes is soon sent
	}
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &fs); err != nil {
		return nil, err
	}
	if fs.Type == unix.FUSE_SUPER_MAGIC {
		return nil, nil // it may be an object store, which holds the file as the last to close it saw it
	}
	mark := make([]byte, MarkBytes)
	rand.Read(mark) // never fails
	if _, err := f.WriteAt(mark, header); err != nil {
		return nil, err
	}
	return mark, f.Sync()
}

// Marked tells whether f is the file that Mark has marked so.
func (o Output) Marked(f *os.File, mark []byte) bool {
	header, _ := o.Layout()
	b := make([]byte, MarkBytes)
	_, err := f.ReadAt(b, header)
	return err == nil && len(mark) == MarkBytes && hmac.Equal(b, mark)
}
