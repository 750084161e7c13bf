package raster

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
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
	if o.packed() {
		e := o.tiffEncoder()
		return newSegmentWriter(o, e, newTIFFJoiner(e, f, stream, o.Scratch))
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
	if !w.out.tripled() {
		return w.put(y, rows)
	}
	held := tripledBuffers.Get().(*[]byte)
	defer tripledBuffers.Put(held)
	for len(rows) > 0 {
		n := min(max(1, tripledBytes/(3*w.out.Width)), len(rows))
		*held = tripled((*held)[:0], rows[:n])
		all := make([][]byte, n)
		for i := range all {
			all[i] = (*held)[3*w.out.Width*i : 3*w.out.Width*(i+1)]
		}
		if err := w.put(y, all); err != nil {
			return err
		}
		y, rows = y+n, rows[n:]
	}
	return nil
}

// put writes rows as they are in the file.
func (w *plainWriter) put(y int, rows [][]byte) error {
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

// tripledBytes is how many bytes of tripled rows are made at a time.
const tripledBytes = 256 << 10

var tripledBuffers = sync.Pool{New: func() any { return new([]byte) }}

// tripled appends three equal channels for the one of each row.
func tripled(dst []byte, rows [][]byte) []byte {
	for _, row := range rows {
		at := len(dst)
		dst = slices.Grow(dst, 3*len(row))[:at+3*len(row)]
		out := dst[at:]
		for len(row) >= 8 {
			v := binary.LittleEndian.Uint64(row)
			// Of eight samples, three words.
			a := v&0xff*0x010101 | v>>8&0xff*0x010101<<24 | v>>16&0xff*0x0101<<48
			b := v>>16&0xff | v>>24&0xff*0x010101<<8 | v>>32&0xff*0x010101<<32 | v>>40<<56
			c := v>>40&0xff*0x0101 | v>>48&0xff*0x010101<<16 | v>>56*0x010101<<40
			binary.LittleEndian.PutUint64(out, a)
			binary.LittleEndian.PutUint64(out[8:], b)
			binary.LittleEndian.PutUint64(out[16:], c)
			row, out = row[8:], out[24:]
		}
		for x, v := range row {
			out[3*x], out[3*x+1], out[3*x+2] = v, v, v
		}
	}
	return dst
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
