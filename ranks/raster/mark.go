package raster

import (
	"crypto/hmac"
	"crypto/rand"
	"os"

	"golang.org/x/sys/unix"
)

// MarkBytes is the length of a mark, which stands where the first rows will be.
const MarkBytes = 16

// Mark makes f, which a direct writer has begun, known to other hosts: it writes what nobody can guess where the rows from row on will be,
// and brings it and the header to where other hosts see them. A fresh file is all zeros; without a mark its like on another host
// could pass for it.
//
// It returns nil if other hosts had better not write to the file.
func (o Output) Mark(f *os.File, row int) ([]byte, error) {
	at := o.markAt(row)
	if size, known := o.Size(); !known || size-at < MarkBytes {
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
	if _, err := f.WriteAt(mark, at); err != nil {
		return nil, err
	}
	return mark, f.Sync()
}

func (o Output) markAt(row int) int64 {
	header, rowBytes := o.Layout()
	return header + int64(row)*rowBytes
}

// Marked tells whether f is the file that Mark has marked so at that row.
func (o Output) Marked(f *os.File, mark []byte, row int) bool {
	b := make([]byte, MarkBytes)
	_, err := f.ReadAt(b, o.markAt(row))
	return err == nil && len(mark) == MarkBytes && hmac.Equal(b, mark)
}
