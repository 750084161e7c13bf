package tiff

import (
	"bufio"
	"errors"
	"io"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/image/tiff/lzw"
)

// maxStreamWindow is the most that a zstd stream may ask to be remembered where blocks are not decoded at once.
const maxStreamWindow = 32 << 20

// bufferBytes is how much of a large block is read at once.
const bufferBytes = 64 << 10

// cursor stands in the blocks of a cell that are too large to be decoded whole.
type cursor struct {
	next   int // row
	planes []io.Reader
	done   func()
	raw    [][]byte // a row of each plane
}

// cursorBytes is about how much memory one takes.
func (m *Image) cursorBytes() int64 {
	decoder := int64(100 << 10)
	switch m.unpack.compression {
	case compressZstd:
		decoder = 20 << 20 // what level 19 remembers, twice
	case compressJPEG:
		decoder = 512<<10 + 96*int64(m.blocks.blockW)*int64(m.unpack.inBlock) // two rows of MCUs
	}
	return int64(m.blocks.planes) * (decoder + bufferBytes + m.blocks.rowBytes)
}

// rowsMemory is how much memory the cursors of a row of cells take.
func (m *Image) rowsMemory() int64 {
	n, ok := product(int64(m.blocks.across), m.cursorBytes())
	if !ok {
		return 1 << 62
	}
	return n
}

// newCursor stands before the first row of a cell.
func (m *Image) newCursor(row, column int) (*cursor, error) {
	c := &cursor{}
	var closers []func()
	c.done = func() {
		for _, f := range closers {
			f()
		}
	}
	for p := range m.blocks.planes {
		at, n, err := m.blocks.place(m.blocks.block(row, column, p))
		if err == nil && int64(m.blocks.stored(row))*m.blocks.rowBytes/m.unpack.expansion > n {
			err = errors.New("it is too short for its pixels")
		}
		if err != nil {
			c.done()
			return nil, err
		}
		r, done, err := m.rows(io.NewSectionReader(m.file.src, at, n), row)
		if err != nil {
			c.done()
			return nil, err
		}
		if done != nil {
			closers = append(closers, done)
		}
		c.planes = append(c.planes, r)
		c.raw = append(c.raw, make([]byte, m.blocks.rowBytes))
	}
	return c, nil
}

// rows returns what reads a block of a row of cells, a row at a time, after decompressing it.
func (m *Image) rows(block *io.SectionReader, row int) (r io.Reader, done func(), err error) {
	if m.unpack.compression != compressJPEG {
		return m.unpack.stream(block)
	}
	j, err := m.unpack.jpegImage(block, block.Size(), m.blocks.blockW, m.blocks.stored(row))
	if err != nil {
		return nil, nil, err
	}
	s, err := j.Stream()
	if err != nil {
		return nil, nil, err
	}
	return &jpegRows{stream: s}, func() { s.Close() }, nil
}

// stream decompresses a block as it is read. done, which may be nil, gives up.
func (u *unpacker) stream(src io.Reader) (r io.Reader, done func(), err error) {
	if u.reversed {
		src = reversedReader{src}
	}
	b := bufio.NewReaderSize(src, bufferBytes)
	switch u.compression {
	case compressLZW:
		if begin, _ := b.Peek(2); len(begin) == 2 && begin[0] == 0 && begin[1]&1 != 0 {
			return nil, nil, errors.New("LZW of the kind before TIFF 5.0 is read in small strips only (tiffcp -r)")
		}
		l := lzw.NewReader(b, lzw.MSB, 8)
		return l, func() { l.Close() }, nil
	case compressPackBits:
		return &packBitsReader{src: b}, nil, nil
	case compressZstd:
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxStreamWindow))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}
	z, err := zlib.NewReader(b)
	if err != nil {
		return nil, nil, err
	}
	return z, func() { z.Close() }, nil
}

// row decodes the row after the last one, into raw.
func (c *cursor) row(u *unpacker, s *unpackScratch) error {
	for p, r := range c.planes {
		if _, err := io.ReadFull(r, c.raw[p]); err != nil {
			return err
		}
		u.unpredictRow(c.raw[p], s)
	}
	c.next++
	return nil
}

// reversedReader turns the bits in each byte round.
type reversedReader struct{ io.Reader }

func (r reversedReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	reverseBits(b[:n])
	return n, err
}
