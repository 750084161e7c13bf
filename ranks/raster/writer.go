package raster

import (
	"fmt"
	"io"
	"os"
)

// Writer writes a picture. One process calls Begin and Finish. Between them come the rows: if Direct from any number of processes
// and goroutines, in any order, else from that process, from top to bottom. The bytes are the same either way, however the rows
// are grouped. The Writer of a format with an Encoder is a *SegmentWriter, which can be given segments instead.
type Writer interface {
	// Begin writes what comes before the rows.
	Begin() error
	// WriteRows writes the rows from y on, of Output.Width·Output.Channels bytes each. They are the caller's again when it returns.
	WriteRows(y int, rows [][]byte) error
	// Finish writes what comes behind the rows.
	Finish() error
	// Abort gives up; it may be called after anything.
	Abort()
	// Direct tells whether rows may be written in any order.
	Direct() bool
}

// NewWriter returns a writer of the picture o, which passed Check, to f. It is direct if the format allows that and f is no stream: to
// a stream (a pipe, a device, somebody's open file) it writes the same bytes in order, from where f stands.
func NewWriter(f *os.File, o Output, stream bool) Writer {
	order := inOrder{height: o.Height}
	switch o.Format {
	case "png":
		e := o.pngEncoder()
		return newSegmentWriter(o, e, e.NewWriter(f))
	case "jpeg":
		e := o.jpegEncoder()
		return newSegmentWriter(o, e, e.NewWriter(f))
	}
	l := o.layout()
	offset := func(y int) int64 { return int64(len(l.header)) + int64(y)*int64(l.rowBytes) }
	return &plainWriter{file: f, out: o, layout: l, place: placed{rowBytes: l.rowBytes, offset: offset}, direct: !stream, order: order}
}

// plainWriter writes the formats that are a header and open rows.
type plainWriter struct {
	file   *os.File
	out    Output
	layout *layout
	place  placed
	direct bool
	clip   func(Extent) Extents // if direct: nil, or what to write
	order  inOrder              // if not direct
}

// Clipped returns a second writer to the file of w, which is direct. Of the bytes of any rows it writes those that clip returns
// for where they stand.
func Clipped(w Writer, clip func(Extent) Extents) Writer {
	p := *w.(*plainWriter)
	p.clip = clip
	return &p
}

func (w *plainWriter) Direct() bool { return w.direct }

func (w *plainWriter) Begin() error {
	if w.direct {
		_, err := w.file.WriteAt(w.layout.header, 0)
		return err
	}
	_, err := w.file.Write(w.layout.header)
	return err
}

func (w *plainWriter) WriteRows(y int, rows [][]byte) error {
	if !w.direct {
		if err := w.order.take(y, len(rows)); err != nil {
			return err
		}
	}
	if w.out.tripled() {
		rows = tripled(rows, w.out.Width)
	}
	if w.direct {
		return w.place.write(w.file, y, rows, w.clip)
	}
	return writeAll(w.file, rows)
}

func (w *plainWriter) Finish() error {
	if w.direct {
		return nil // whether all rows are there only the processes together know
	}
	return w.order.complete()
}

func (w *plainWriter) Abort() {}

// writeAll writes rows one after the other, in one call if they lie side by side.
func writeAll(w io.Writer, rows [][]byte) error {
	if whole, ok := joined(rows); ok {
		rows = [][]byte{whole}
	}
	for _, r := range rows {
		if _, err := w.Write(r); err != nil {
			return err
		}
	}
	return nil
}

// tripled makes three equal channels of one.
func tripled(rows [][]byte, width int) [][]byte {
	all := make([]byte, 3*width*len(rows))
	out := make([][]byte, len(rows))
	for y, row := range rows {
		out[y] = all[3*width*y : 3*width*(y+1)]
		for x, v := range row {
			d := out[y][3*x : 3*x+3]
			d[0], d[1], d[2] = v, v, v
		}
	}
	return out
}

// inOrder checks that all rows come, from top to bottom.
type inOrder struct{ next, height int }

func (o *inOrder) take(y, n int) error {
	if y != o.next || n > o.height-y {
		return fmt.Errorf("rows %d to %d of %d come when row %d is due", y, y+n-1, o.height, o.next)
	}
	o.next += n
	return nil
}

func (o *inOrder) complete() error {
	if o.next < o.height {
		return fmt.Errorf("only %d of %d rows were written", o.next, o.height)
	}
	return nil
}
