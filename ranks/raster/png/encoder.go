package png

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/klauspost/compress/flate"

	"halorun/ranks/raster/metadata"
)

// DefaultCompression is the fastest that makes files small.
const DefaultCompression = -1

// Options says which picture is written how.
type Options struct {
	Width, Height int
	Channels      int // 1 for grey, 3 for red, green, blue; of 8 bits
	// Compression is from 0, none, over 1, the fastest and the default's, to 9, whose files are a little smaller and may take a hundred
	// times as long; or DefaultCompression.
	Compression int
	// Meta is written where a PNG can have it: without Geo, and without an ICC profile that is for another number of channels.
	Meta metadata.Metadata
}

// About how much of the filtered picture is deflated in one go: a part of it that gives many ranks something to do, within limits. What is
// less compresses worse.
const (
	minSegment   = 8 << 10
	maxSegment   = 1 << 20
	segmentsEach = 16 // picture
)

// Encoder cuts the picture into segments of rows, whose height depends on its size alone. Each is filtered and deflated by itself; sync
// flushes join them into one deflate stream. It is safe for concurrent use.
type Encoder struct {
	o      Options
	rows   int    // of a segment
	head   []byte // of the file, up to the picture data
	filter filterer
	pool   sync.Pool // of *work
}

// work is what it takes to encode a segment.
type work struct {
	raw     []byte              // filtered rows, each behind its filter's type
	packed  [ways]packed        // by way to deflate
	writers [ways]*flate.Writer // to packed
}

// packed is an io.Writer that appends.
type packed []byte

func (p *packed) Write(b []byte) (int, error) {
	*p = append(*p, b...)
	return len(b), nil
}

// sumBytes is how long the end of a segment is that goes into no file: Adler-32 and length of what was deflated.
const sumBytes = 12

// NewEncoder returns an encoder, or an error that tells which option is wrong.
func NewEncoder(o Options) (*Encoder, error) {
	switch {
	case min(o.Width, o.Height) < 1 || max(o.Width, o.Height) > math.MaxInt32:
		return nil, fmt.Errorf("a PNG has from 1 to %d pixels a side, not %d×%d", math.MaxInt32, o.Width, o.Height)
	case o.Channels != 1 && o.Channels != 3:
		return nil, fmt.Errorf("a PNG of %d channels is not written; 1 and 3 are", o.Channels)
	case o.Compression < DefaultCompression || o.Compression > 9:
		return nil, fmt.Errorf("the compression of a PNG is from 0 to 9, not %d", o.Compression)
	}
	if o.Compression == DefaultCompression {
		o.Compression = 1
	}
	row := 1 + o.Width*o.Channels
	rows := min(max(o.Height/segmentsEach, minSegment/row), maxSegment/row)
	e := &Encoder{o: o, rows: min(max(1, rows), o.Height), filter: filterer{size: o.Channels, fast: fast()}}
	e.head = e.appendHead(nil)
	return e, nil
}

// SegmentRows returns the number of rows of a segment; the last has what is left.
func (e *Encoder) SegmentRows() int { return e.rows }

// Bound returns how many bytes a segment has at most.
func (e *Encoder) Bound() int {
	n := storedBytes(e.rows*(1+e.o.Width*e.o.Channels)) + 2
	return n + 12*(n/maxChunk+1) + sumBytes
}

// Encode appends the segment that begins at row y, a multiple of SegmentRows: IDAT chunks, and what the Writer needs to know. rows have
// Width·Channels bytes each.
func (e *Encoder) Encode(dst []byte, y int, rows [][]byte) ([]byte, error) {
	if y < 0 || y >= e.o.Height || y%e.rows != 0 || len(rows) != min(e.rows, e.o.Height-y) {
		return dst, fmt.Errorf("%d rows from row %d on are no segment of a PNG", len(rows), y)
	}
	w, ok := e.pool.Get().(*work)
	if !ok {
		w = new(work)
	}
	defer e.pool.Put(w)
	n := e.o.Width * e.o.Channels
	raw := slices.Grow(w.raw[:0], len(rows)*(1+n))[:len(rows)*(1+n)]
	w.raw = raw
	var above []byte
	for i, row := range rows {
		if len(row) != n {
			return dst, fmt.Errorf("row %d of a PNG has %d bytes, not %d", y+i, len(row), n)
		}
		e.filterRow(raw[i*(1+n):(i+1)*(1+n)], row, above)
		above = row
	}
	data := e.deflate(w, raw, y == 0)
	for part := range slices.Chunk(data, maxChunk) {
		dst = appendChunk(dst, "IDAT", part)
	}
	dst = binary.BigEndian.AppendUint32(dst, adler(1, raw))
	return binary.BigEndian.AppendUint64(dst, uint64(len(raw))), nil
}

// filterRow filters a row. The first of a segment is filtered without the one above, which another rank may have.
func (e *Encoder) filterRow(dst, row, above []byte) {
	filter := filterSub
	switch {
	case e.o.Compression == 0:
		filter = filterNone
	case above != nil:
		filter = e.filter.choose(row, above)
	}
	dst[0] = byte(filter)
	e.filter.apply(dst[1:], filter, row, above)
}
