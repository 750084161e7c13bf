package tiff

import "io"

// window reads small pieces of a file that lie near each other with few system calls: there may be millions of directories.
type window struct {
	src  io.ReaderAt
	at   int64 // of what buf holds
	held []byte
	buf  [4096]byte
}

// ReadAt implements io.ReaderAt.
func (w *window) ReadAt(b []byte, at int64) (int, error) {
	if at < 0 {
		return 0, io.ErrUnexpectedEOF
	}
	if len(b) > len(w.buf) {
		return w.src.ReadAt(b, at)
	}
	if at < w.at || at-w.at > int64(len(w.held)-len(b)) {
		n, err := w.src.ReadAt(w.buf[:], at)
		if w.at, w.held = at, w.buf[:n]; n < len(b) {
			return copy(b, w.held), err
		}
	}
	return copy(b, w.held[at-w.at:]), nil
}
