package raster

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"hash/adler32"
	"hash/crc32"
	"io"
	"math"
	"runtime"
	"slices"

	"github.com/klauspost/compress/flate"
)

// stretchBytes is about how much of the filtered picture is deflated in one go.
const stretchBytes = 1 << 20

// maxChunk is the length that a chunk may have. A single row can be longer.
const maxChunk = math.MaxInt32

// pngWriter cuts the picture into stretches of rows, whose height depends on the width alone. Each is filtered and deflated by
// itself, so that several can be at work at once and the bytes do not depend on how the rows came. Sync flushes join them
// into one deflate stream.
type pngWriter struct {
	w      io.Writer
	out    Output
	order  inOrder
	rows   int           // of a stretch
	now    *stretch      // is being filled
	queue  chan *stretch // at work, in order
	free   chan *stretch
	failed chan struct{} // closed by the writing goroutine at its first error
	done   chan error    // its end
	err    error
}

// stretch is some rows on their way to an IDAT chunk.
type stretch struct {
	raw    []byte // filtered rows, each behind its filter type
	filled int    // rows
	last   bool
	sum    uint32 // Adler-32 of raw
	packed bytes.Buffer
	flate  *flate.Writer
	ready  chan struct{}
}

func (p *pngWriter) Direct() bool { return false }

func (p *pngWriter) Begin() error {
	head := binary.BigEndian.AppendUint32(nil, uint32(p.out.Width))
	head = binary.BigEndian.AppendUint32(head, uint32(p.out.Height))
	colour := byte(0)
	if p.out.Channels == 3 {
		colour = 2
	}
	head = append(head, 8, colour, 0, 0, 0)
	if _, err := io.WriteString(p.w, "\x89PNG\r\n\x1a\n"); err != nil {
		return err
	}
	if err := writeChunk(p.w, "IHDR", head); err != nil {
		return err
	}
	p.rows = max(1, stretchBytes/(1+p.out.Width*p.out.Channels))
	n := min(runtime.GOMAXPROCS(0), (p.out.Height-1)/p.rows+1)
	p.queue, p.free = make(chan *stretch, n), make(chan *stretch, n+1)
	for range n + 1 {
		p.free <- &stretch{ready: make(chan struct{}, 1)}
	}
	p.done, p.failed = make(chan error, 1), make(chan struct{})
	go p.writeStretches()
	return nil
}

func (p *pngWriter) WriteRows(y int, rows [][]byte) error {
	if p.queue == nil {
		return cmp.Or(p.err, errEnded)
	}
	if err := p.order.take(y, len(rows)); err != nil {
		return err
	}
	for _, row := range rows {
		if p.now == nil {
			select {
			case p.now = <-p.free:
				p.now.raw, p.now.filled = p.now.raw[:0], 0
			case <-p.failed:
				return p.end()
			}
		}
		p.now.raw = filterSub(p.now.raw, row, p.out.Channels)
		p.now.filled++
		y++
		if last := y == p.out.Height; last || p.now.filled == p.rows {
			p.now.last = last
			go p.now.pack()
			p.queue <- p.now // there is room for all that are not free
			p.now = nil
		}
	}
	return nil
}

func (p *pngWriter) Finish() error {
	if p.queue == nil {
		return cmp.Or(p.err, errEnded)
	}
	if err := p.order.complete(); err != nil {
		return err
	}
	if err := p.end(); err != nil {
		return err
	}
	return writeChunk(p.w, "IEND", nil)
}

// errEnded says that the writer is not between Begin and its end.
var errEnded = errors.New("the PNG has not begun or has ended")

// end stops the writing goroutine and returns its error.
func (p *pngWriter) end() error {
	if p.queue != nil {
		close(p.queue)
		p.err = <-p.done
		p.queue = nil
	}
	return p.err
}

func (p *pngWriter) Abort() { _ = p.end() }

// writeStretches writes the stretches as IDAT chunks, in order.
func (p *pngWriter) writeStretches() {
	// Deflate with a window of 32 KiB, fastest.
	chunk := []byte{0x78, 0x01}
	sum := uint32(1)
	var err error
	for s := range p.queue {
		<-s.ready
		if err != nil {
			continue
		}
		sum = adlerJoin(sum, s.sum, int64(len(s.raw)))
		chunk = append(chunk, s.packed.Bytes()...)
		if s.last {
			chunk = binary.BigEndian.AppendUint32(chunk, sum)
		}
		for part := range slices.Chunk(chunk, maxChunk) {
			if err = writeChunk(p.w, "IDAT", part); err != nil {
				close(p.failed)
				break
			}
		}
		chunk = chunk[:0]
		p.free <- s
	}
	p.done <- err
}

// pack deflates the stretch.
func (s *stretch) pack() {
	s.packed.Reset()
	s.sum = adler32.Checksum(s.raw)
	if s.flate == nil {
		// The level is valid, and a buffer takes all writes, so nothing below fails.
		s.flate, _ = flate.NewWriter(&s.packed, flate.BestSpeed)
	} else {
		s.flate.Reset(&s.packed)
	}
	_, _ = s.flate.Write(s.raw)
	if s.last {
		_ = s.flate.Close()
	} else {
		_ = s.flate.Flush()
	}
	s.ready <- struct{}{}
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

func writeChunk(w io.Writer, kind string, data []byte) error {
	head := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	head = append(head, kind...)
	sum := crc32.Update(crc32.ChecksumIEEE(head[4:]), crc32.IEEETable, data)
	for _, b := range [][]byte{head, data, binary.BigEndian.AppendUint32(nil, sum)} {
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}
