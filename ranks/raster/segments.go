package raster

import (
	"cmp"
	"errors"
	"fmt"
)

// Encoder makes segments, of which a compressed file consists. A segment is some rows; how many, and its bytes, depend on the format,
// the picture's size and the options alone, so that any process can encode any of them. It is safe for concurrent use.
type Encoder interface {
	// SegmentRows returns the number of rows of a segment; the last has what is left.
	SegmentRows() int
	// Bound returns how many bytes a segment has at most.
	Bound() int
	// Encode appends the segment that begins at row y, a multiple of SegmentRows, to dst.
	Encode(dst []byte, y int, rows [][]byte) ([]byte, error)
}

// joiner writes a compressed file of segments, which come in order.
type joiner interface {
	Begin() error
	WriteSegment(segment []byte) error
	Finish() error
}

// SegmentWriter is a Writer of a compressed file.
type SegmentWriter struct {
	Encoder
	joiner
	out   Output
	order inOrder  // of rows
	rows  [][]byte // of the segment that is being filled, by WriteRows
	held  int      // of them
	bytes []byte
	err   error // once it is over
}

func newSegmentWriter(o Output, e Encoder, j joiner) *SegmentWriter {
	return &SegmentWriter{Encoder: e, joiner: j, out: o, order: inOrder{height: o.Height}}
}

// Direct implements Writer.
func (w *SegmentWriter) Direct() bool { return false }

// SegmentAt returns the number of rows of the segment that begins at row y.
func (o Output) SegmentAt(e Encoder, y int) int { return min(e.SegmentRows(), o.Height-y) }

// WriteSegment writes the segment that begins at row y, which comes next.
func (w *SegmentWriter) WriteSegment(y int, segment []byte) error {
	switch {
	case w.err != nil:
		return w.err
	case w.held > 0 || y%w.SegmentRows() != 0:
		return fmt.Errorf("a segment of row %d comes when row %d is due", y, w.order.next)
	}
	if err := w.order.take(y, w.out.SegmentAt(w, y)); err != nil {
		return err
	}
	return w.join(segment)
}

// WriteRows implements Writer.
func (w *SegmentWriter) WriteRows(y int, rows [][]byte) error {
	if w.err != nil {
		return w.err
	}
	if err := w.order.take(y, len(rows)); err != nil {
		return err
	}
	for len(rows) > 0 {
		first := y - w.held
		n := w.out.SegmentAt(w, first)
		if w.held == 0 && len(rows) >= n {
			if err := w.encode(y, rows[:n]); err != nil {
				return err
			}
			y, rows = y+n, rows[n:]
			continue
		}
		if w.held == len(w.rows) {
			w.rows = append(w.rows, make([]byte, w.out.Width*w.out.Channels))
		}
		copy(w.rows[w.held], rows[0])
		w.held++
		y, rows = y+1, rows[1:]
		if w.held == n {
			if err := w.encode(first, w.rows[:n]); err != nil {
				return err
			}
			w.held = 0
		}
	}
	return nil
}

func (w *SegmentWriter) encode(y int, rows [][]byte) (err error) {
	if w.bytes, err = w.Encode(w.bytes[:0], y, rows); err != nil {
		return err
	}
	return w.join(w.bytes)
}

func (w *SegmentWriter) join(segment []byte) error {
	w.err = w.joiner.WriteSegment(segment)
	return w.err
}

// Finish implements Writer.
func (w *SegmentWriter) Finish() error {
	if w.err != nil {
		return w.err
	}
	if err := w.order.complete(); err != nil {
		return err
	}
	err := w.joiner.Finish()
	w.err = cmp.Or(err, errEnded)
	return err
}

// Abort implements Writer.
func (w *SegmentWriter) Abort() { w.err = cmp.Or(w.err, errEnded) }

// errEnded says that the writer is not between Begin and its end.
var errEnded = errors.New("the file has ended")
