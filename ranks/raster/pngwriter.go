package raster

import (
	"bytes"
	"encoding/binary"
	"hash/adler32"
	"hash/crc32"
	"io"
	"math"
	"slices"
	"sync"

	"github.com/klauspost/compress/flate"
)

// About how much of the filtered picture is deflated in one go: a part of it that gives many ranks something to do, within limits. What is
// less compresses worse.
const (
	minStretch    = 8 << 10
	maxStretch    = 1 << 20
	stretchesEach = 16 // picture
)

// maxChunk is the length that a chunk may have. A single row can be longer.
const maxChunk = math.MaxInt32

// pngEncoder cuts the picture into stretches of rows, whose height depends on its size alone. Each is filtered and deflated by
// itself. Sync flushes join them into one deflate stream.
type pngEncoder struct {
	out  Output
	rows int       // of a segment
	pool sync.Pool // of *stretch
}

// stretch is what it takes to encode a segment.
type stretch struct {
	raw    []byte // filtered rows, each behind its filter type
	packed bytes.Buffer
	flate  *flate.Writer
}

// sumBytes is how long the end of a segment is that goes into no file: Adler-32 and length of what was deflated.
const sumBytes = 12

func newPNGEncoder(o Output) *pngEncoder {
	row := 1 + o.Width*o.Channels
	rows := min(max(o.Height/stretchesEach, minStretch/row), maxStretch/row)
	return &pngEncoder{out: o, rows: min(max(1, rows), o.Height)}
}

func (e *pngEncoder) SegmentRows() int { return e.rows }

func (e *pngEncoder) Bound() int {
	raw := e.rows * (1 + e.out.Width*e.out.Channels)
	return raw + raw/1000 + 64 + sumBytes + 12*(raw/maxChunk+1) // stored blocks at worst, and chunks
}

// Encode makes IDAT chunks.
func (e *pngEncoder) Encode(dst []byte, y int, rows [][]byte) ([]byte, error) {
	s, ok := e.pool.Get().(*stretch)
	if !ok {
		s = new(stretch)
		// The level is valid, and a buffer takes all writes, so nothing below fails.
		s.flate, _ = flate.NewWriter(&s.packed, flate.BestSpeed)
	}
	defer e.pool.Put(s)
	s.packed.Reset()
	s.flate.Reset(&s.packed)
	s.raw = s.raw[:0]
	for _, row := range rows {
		s.raw = filterSub(s.raw, row, e.out.Channels)
	}
	if y == 0 {
		s.packed.WriteString("\x78\x01") // deflate with a window of 32 KiB, fastest
	}
	_, _ = s.flate.Write(s.raw)
	_ = s.flate.Flush()
	for part := range slices.Chunk(s.packed.Bytes(), maxChunk) {
		dst = appendChunk(dst, "IDAT", part)
	}
	dst = binary.BigEndian.AppendUint32(dst, adler32.Checksum(s.raw))
	return binary.BigEndian.AppendUint64(dst, uint64(len(s.raw))), nil
}

// pngJoiner writes the chunks of segments.
type pngJoiner struct {
	w   io.Writer
	out Output
	sum uint32 // Adler-32 of all that was deflated
}

func (p *pngJoiner) Begin() error {
	p.sum = 1
	head := binary.BigEndian.AppendUint32(nil, uint32(p.out.Width))
	head = binary.BigEndian.AppendUint32(head, uint32(p.out.Height))
	colour := byte(0)
	if p.out.Channels == 3 {
		colour = 2
	}
	head = append(head, 8, colour, 0, 0, 0)
	_, err := p.w.Write(appendChunk([]byte("\x89PNG\r\n\x1a\n"), "IHDR", head))
	return err
}

func (p *pngJoiner) WriteSegment(segment []byte) error {
	chunks, sum := segment[:len(segment)-sumBytes], segment[len(segment)-sumBytes:]
	p.sum = adlerJoin(p.sum, binary.BigEndian.Uint32(sum), int64(binary.BigEndian.Uint64(sum[4:])))
	_, err := p.w.Write(chunks)
	return err
}

func (p *pngJoiner) Finish() error {
	end := binary.BigEndian.AppendUint32([]byte{1, 0, 0, 0xff, 0xff}, p.sum) // an empty block, the last
	_, err := p.w.Write(appendChunk(appendChunk(nil, "IDAT", end), "IEND", nil))
	return err
}

// filterSub appends a row filtered by Sub: each sample less the one before it. It suits photographs and is the same for every row.
func filterSub(dst, row []byte, channels int) []byte {
	dst = append(dst, 1)
	first := min(channels, len(row))
	dst = append(dst, row[:first]...)
	at := len(dst)
	dst = append(dst, row[first:]...)
	diff, before := dst[at:], row[:len(row)-first]
	for i, v := range before {
		diff[i] -= v
	}
	return dst
}

// adlerJoin returns the Adler-32 of a text whose parts have the sums a and b, the second being n bytes long.
func adlerJoin(a, b uint32, n int64) uint32 {
	const mod = 65521
	a1, a2, b1, b2 := int64(a&0xffff), int64(a>>16), int64(b&0xffff), int64(b>>16)
	low := (a1 + b1 - 1 + mod) % mod
	// Every byte of the second part adds the first part's low sum, of which its own sum counts 1, to the high one.
	high := (a2 + b2 + n%mod*(a1-1+mod)) % mod
	return uint32(high<<16 | low)
}

func appendChunk(dst []byte, kind string, data []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(data)))
	at := len(dst)
	dst = append(append(dst, kind...), data...)
	return binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(dst[at:]))
}
