package png

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"math"
)

const signature = "\x89PNG\r\n\x1a\n"

// maxChunk is the greatest length that a chunk may have.
const maxChunk = math.MaxInt32

// chunk tells where a chunk is.
type chunk struct {
	kind string
	at   int64 // of its data
	n    int64
}

// end is where the next chunk begins.
func (c chunk) end() int64 { return c.at + c.n + 4 }

// critical chunks cannot be left out.
func (c chunk) critical() bool { return c.kind[0]&0x20 == 0 }

// kinds are the chunks that are looked into, lest each needs a string of its own.
var kinds = [...]string{"IDAT", "IHDR", "PLTE", "IEND", "tRNS", "iCCP", "eXIf", "pHYs", "iTXt"}

// parseHead reads what comes before a chunk's data, of which at tells where it is.
func parseHead(head []byte, at int64) (chunk, error) {
	c := chunk{at: at, n: int64(binary.BigEndian.Uint32(head))}
	name := head[4:8]
	for _, kind := range kinds {
		if string(name) == kind {
			c.kind = kind
		}
	}
	if c.kind == "" {
		for _, b := range name {
			if b|0x20 < 'a' || b|0x20 > 'z' {
				return c, damagef("at byte %d there is %q where a chunk should be", at-8, name)
			}
		}
		c.kind = string(name)
	}
	if c.n > maxChunk {
		return c, damagef("its chunk %s at byte %d claims %d bytes; %d is the most", c.kind, at-8, c.n, maxChunk)
	}
	return c, nil
}

// walker goes from chunk to chunk.
type walker struct {
	src    io.ReaderAt
	size   int64
	at     int64 // where the next one begins
	window []byte
	from   int64 // where window comes from
	small  bool  // the last chunk was
}

const (
	farWindow  = 512      // what is read of a file for a chunk's head
	nearWindow = 32 << 10 // if many are to be expected in it
)

// next returns the next chunk, which lies within the file, and goes past it.
func (w *walker) next() (chunk, error) {
	head, err := w.peek(8)
	if err != nil {
		return chunk{}, err
	}
	c, err := parseHead(head, w.at+8)
	if err != nil {
		return c, err
	}
	if c.end() > w.size {
		return c, errShort
	}
	w.at, w.small = c.end(), c.n < nearWindow/8
	return c, nil
}

// peek returns the next n ≤ 512 bytes.
func (w *walker) peek(n int64) ([]byte, error) {
	if w.at+n > w.size {
		return nil, errShort
	}
	if w.at < w.from || w.at+n > w.from+int64(len(w.window)) {
		want := int64(farWindow)
		if w.small {
			want = nearWindow
		}
		if w.window == nil {
			w.window = make([]byte, 0, nearWindow)
		}
		w.window, w.from = w.window[:min(want, w.size-w.at)], w.at
		if _, err := w.src.ReadAt(w.window, w.at); err != nil && (err != io.EOF || w.at+int64(len(w.window)) < w.size) {
			return nil, readError(err)
		}
	}
	return w.window[w.at-w.from:], nil
}

// read returns a chunk's data. The caller caps its length.
func (w *walker) read(c chunk) ([]byte, error) {
	b := make([]byte, 4+c.n+4)
	if _, err := w.src.ReadAt(b, c.at-4); err != nil && (err != io.EOF || c.end() != w.size) {
		return nil, readError(err)
	}
	if crc32.ChecksumIEEE(b[:4+c.n]) != binary.BigEndian.Uint32(b[4+c.n:]) {
		return nil, errChecksum(c)
	}
	return b[4 : 4+c.n : 4+c.n], nil
}

func errChecksum(c chunk) error {
	return damagef("the checksum of its chunk %s at byte %d is wrong", c.kind, c.at-8)
}

// appendChunk appends a chunk of no more than maxChunk bytes.
func appendChunk(dst []byte, kind string, data ...[]byte) []byte {
	n := 0
	for _, d := range data {
		n += len(d)
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(n))
	at := len(dst)
	dst = append(dst, kind...)
	for _, d := range data {
		dst = append(dst, d...)
	}
	return binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(dst[at:]))
}
