package raster

import (
	"fmt"
	"io"
	"os"
)

// Writer writes a picture. One process calls Begin and Finish; WriteRows may be called in between, if Direct by any number of
// processes and goroutines for any rows, else from top to bottom.
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

// NewWriter returns a writer of the picture o to f. It is direct if the format allows that and f is no stream: to a stream (a pipe, a
// device, somebody's open file) it writes the same bytes in order, from where f stands.
func NewWriter(f *os.File, o Output, stream bool) Writer {
	switch o.Format {
	case "png":
		return newPNGWriter(f, o)
	case "jpeg":
		return &jpegWriter{w: f, out: o}
	}
	l := o.layout()
	w := &plainWriter{file: f, out: o, layout: l, direct: !stream}
	w.place = placed{rowBytes: l.rowBytes, offset: func(y int) int64 { return int64(len(l.header)) + int64(y)*int64(l.rowBytes) }}
	return w
}

// plainWriter writes the formats that are a header and open rows.
type plainWriter struct {
	file   *os.File
	out    Output
	layout *layout
	place  placed
	direct bool
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
	if w.out.Channels == 1 && w.layout.rowBytes == 3*w.out.Width {
		rows = tripled(rows, w.out.Width)
	}
	if w.direct {
		return w.place.write(w.file, y, rows)
	}
	return writeAll(w.file, rows)
}

func (w *plainWriter) Finish() error { return nil }
func (w *plainWriter) Abort()        {}

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

// inOrder checks that rows come from top to bottom.
type inOrder struct{ next int }

func (o *inOrder) take(y, n int) error {
	if y != o.next {
		return fmt.Errorf("row %d comes when row %d is due", y, o.next)
	}
	o.next += n
	return nil
}
