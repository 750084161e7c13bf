package tiff

import "io"

// window reads small pieces of a file that lie near each other with few system calls: there may be millions of directories.
type window struct {
	src  io.ReaderAt
	at   int64 // of what buf holds
	held []byte
	buf  [4096]byte
}

// bytes returns n bytes, at most len(buf), until the next call.
func (w *window) bytes(at int64, n int) ([]byte, error) {
	if at < 0 {
		return nil, io.ErrUnexpectedEOF
	}
	if at < w.at || at-w.at > int64(len(w.held)-n) {
		got, err := w.src.ReadAt(w.buf[:], at)
		if w.at, w.held = at, w.buf[:got]; got < n {
			return nil, shortRead(err)
		}
	}
	return w.held[at-w.at:][:n], nil
}
