package tiff

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"sync"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// segmentBytes is about how many bytes of samples a strip of a compressed TIFF has.
const segmentBytes = 512 << 10

// Encoder makes the strips of a compressed TIFF. It may be used by several goroutines. A segment is a strip.
type Encoder struct {
	out      Output
	rowBytes int
	rows     int // of a segment
	big      bool
	header   []byte
	offsets  int // where the tables of strips are in header
	sizes    int
	pool     sync.Pool // of *encodeScratch
}

type encodeScratch struct {
	strip   []byte
	deflate *zlib.Writer
	zstd    *zstd.Encoder
	lzw     *lzwTable
}

func (o Output) predicted() bool {
	return !o.Plain && (o.Compression == LZW || o.Compression == Deflate || o.Compression == Zstd)
}

// segmentRows goes by the width of rows alone.
func (o Output) segmentRows() int { return max(1, segmentBytes/(o.Width*o.Channels)) }

func (o Output) segments() int { return (o.Height-1)/o.segmentRows() + 1 }

// NewEncoder checks the options. The file will be a BigTIFF if it might become as large as 4 GiB.
func NewEncoder(o Output) (*Encoder, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	e := &Encoder{out: o, rowBytes: o.Width * o.Channels, rows: o.segmentRows(), big: o.Big}
	e.pool.New = func() any { return new(encodeScratch) }
	strips := o.segments()
	e.header, e.offsets, e.sizes = o.header(min(e.rows, o.Height), strips, e.big, 8)
	if !e.big && int64(len(e.header))+int64(strips)*int64(e.Bound()+1) > math.MaxUint32 {
		e.big = true
		e.header, e.offsets, e.sizes = o.header(min(e.rows, o.Height), strips, e.big, 8)
	}
	return e, nil
}

// SegmentRows is how many rows a segment has; the last may have fewer.
func (e *Encoder) SegmentRows() int { return e.rows }

// Segments is how many there are.
func (e *Encoder) Segments() int { return e.out.segments() }

// Bound is the most bytes that a segment encodes to.
func (e *Encoder) Bound() int {
	n := e.rowBytes * min(e.rows, e.out.Height)
	switch e.out.Compression {
	case LZW:
		return n + n/2 + n/1024 + 16 // 12 bits for a byte
	case PackBits:
		return n + (e.rowBytes/128+1)*min(e.rows, e.out.Height)
	case Deflate, Zstd:
		return n + n/256 + 1024
	}
	return n
}

// Encode appends the segment that begins with row y, a multiple of SegmentRows. Its bytes go by the rows and the options alone.
func (e *Encoder) Encode(dst []byte, y int, rows [][]byte) ([]byte, error) {
	if y%e.rows != 0 || y < 0 || len(rows) != min(e.rows, e.out.Height-y) {
		return dst, fmt.Errorf("encode rows %d to %d of a TIFF: they are no strip of %d rows", y, y+len(rows)-1, e.rows)
	}
	for _, row := range rows {
		if len(row) != e.rowBytes {
			panic(fmt.Sprintf("tiff: a row of %d bytes, not %d", len(row), e.rowBytes))
		}
	}
	switch e.out.Compression {
	case PackBits:
		for _, row := range rows {
			dst = packBits(dst, row)
		}
		return dst, nil
	case None, "":
		for _, row := range rows {
			dst = append(dst, row...)
		}
		return dst, nil
	}
	s := e.pool.Get().(*encodeScratch)
	defer e.pool.Put(s)
	s.strip = sized(s.strip, len(rows)*e.rowBytes)
	for i, row := range rows {
		if to := s.strip[i*e.rowBytes : (i+1)*e.rowBytes]; e.out.Plain {
			copy(to, row)
		} else {
			predict(to, row, e.out.Channels)
		}
	}
	switch e.out.Compression {
	case LZW:
		if s.lzw == nil {
			s.lzw = new(lzwTable)
		}
		return packLZW(dst, s.strip, s.lzw), nil
	case Zstd:
		return e.encodeZstd(dst, s)
	}
	return e.encodeDeflate(dst, s)
}

func (e *Encoder) encodeZstd(dst []byte, s *encodeScratch) ([]byte, error) {
	if s.zstd == nil {
		level := zstd.SpeedFastest
		if e.out.Level > 0 {
			level = zstd.EncoderLevelFromZstd(e.out.Level)
		}
		var err error
		s.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
		if err != nil {
			return dst, err
		}
	}
	return s.zstd.EncodeAll(s.strip, dst), nil
}

func (e *Encoder) encodeDeflate(dst []byte, s *encodeScratch) ([]byte, error) {
	to := bytes.NewBuffer(dst)
	if s.deflate == nil {
		level := zlib.BestSpeed
		if e.out.Level > 0 {
			level = e.out.Level
		}
		var err error
		if s.deflate, err = zlib.NewWriterLevel(to, level); err != nil {
			return dst, err
		}
	} else {
		s.deflate.Reset(to)
	}
	if _, err := s.deflate.Write(s.strip); err != nil {
		return dst, err
	}
	err := s.deflate.Close()
	return to.Bytes(), err
}

// Writer puts segments into a file, in order.
type Writer struct {
	*Encoder
	w    io.Writer
	next int
	at   int64
	head []byte // with the tables, as they fill
}

// NewWriter returns a writer to w, which must be an io.WriterAt, too, as an *os.File is that stands at its beginning: Finish fills in the
// tables of strips, which stand before them. For a pipe a temporary file has to stand in.
func (e *Encoder) NewWriter(w io.Writer) *Writer { return &Writer{Encoder: e, w: w} }

// Begin writes the directory.
func (w *Writer) Begin() error {
	if _, ok := w.w.(io.WriterAt); !ok {
		return fmt.Errorf("a compressed TIFF cannot be written to a %T: its tables are filled in at the end", w.w)
	}
	w.head = bytes.Clone(w.header)
	w.at = int64(len(w.head))
	_, err := w.w.Write(w.head)
	return err
}

// WriteSegment writes the next segment, as Encode made it.
func (w *Writer) WriteSegment(b []byte) error {
	if w.next == w.Segments() {
		return fmt.Errorf("more than %d strips come", w.next)
	}
	putTable(w.head[w.offsets:], w.big, w.next, w.at)
	putTable(w.head[w.sizes:], w.big, w.next, int64(len(b)))
	w.next++
	w.at += int64(len(b))
	_, err := w.w.Write(b)
	return err
}

// Finish fills in the tables of strips.
func (w *Writer) Finish() error {
	if w.next < w.Segments() {
		return fmt.Errorf("only %d of %d strips were written", w.next, w.Segments())
	}
	_, err := w.w.(io.WriterAt).WriteAt(w.head, 0)
	return err
}
