package launcher

import "bytes"

// maxLine is where a longer line is cut, in bytes.
const maxLine = 64 << 10

// lineWriter cuts what is written to it into lines.
type lineWriter struct {
	emit func(line []byte) // which it may keep
	rest []byte            // a line that has not ended; at most maxLine
}

func (w *lineWriter) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		piece, after, ended := bytes.Cut(b, []byte{'\n'})
		if room := maxLine - len(w.rest); len(piece) > room {
			piece, after, ended = b[:room], b[room:], true
		}
		w.rest = append(w.rest, piece...)
		b = after
		if ended {
			w.emit(w.rest)
			w.rest = nil
		}
	}
	return n, nil
}

// flush emits a last line that has no newline.
func (w *lineWriter) flush() {
	if len(w.rest) > 0 {
		w.emit(w.rest)
		w.rest = nil
	}
}
