package raster

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math"
	"math/bits"

	"github.com/klauspost/compress/zlib"
	"golang.org/x/image/tiff/lzw"
)

// tiffDecoder decodes the strips or tiles, the blocks, of a TIFF.
type tiffDecoder struct {
	*ifd
	info          Info
	compression   uint32
	photometric   uint32
	samples       int // of a pixel
	predictor     uint32
	unassociated  bool // there is alpha, by which the colours were not multiplied
	blockW        int  // pixels of a block's row
	blockH        int
	across        int // blocks side by side; 1 for strips
	offsets, size []uint32
	palette       []uint32 // all reds, all greens, all blues
	buffered      *bufio.Reader
	inflate       io.ReadCloser
}

// reversed tells whether the bits in each byte of the file, compressed or not, stand in reverse order.
func (t *tiffDecoder) reversed() bool { return t.number(tagFillOrder, 1) == 2 }

// reversedBits turns the bits in each byte round.
type reversedBits struct{ io.Reader }

func (r reversedBits) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	for i, v := range b[:n] {
		b[i] = bits.Reverse8(v)
	}
	return n, err
}

// readTables reads where the blocks lie, and the palette. Each byte of the file stands for at most expansion pixels.
func (t *tiffDecoder) readTables(expansion int64) error {
	w, h := t.info.Width, t.info.Height
	if w < 1 || h < 1 {
		return fmt.Errorf("it claims %d×%d pixels", w, h)
	}
	offsets, sizes := uint16(tagStripOffsets), uint16(tagStripByteCounts)
	t.blockW, t.blockH = w, min(int(t.number(tagRowsPerStrip, math.MaxUint32)), h)
	_, tiled := t.entries[tagTileOffsets]
	if tiled {
		offsets, sizes = tagTileOffsets, tagTileByteCounts
		t.blockW, t.blockH = int(t.number(tagTileWidth, 0)), int(t.number(tagTileHeight, 0))
	}
	if t.blockW < 1 || t.blockH < 1 {
		return fmt.Errorf("its strips or tiles are of %d×%d pixels", t.blockW, t.blockH)
	}
	t.across = (w-1)/t.blockW + 1
	down := (h-1)/t.blockH + 1
	if tiled {
		// Tiles are whole, also beyond the picture's edge. Else a few bytes could cost the work of a large picture, many times over.
		w, h = t.across*t.blockW, down*t.blockH
	}
	if !plausible(w, h, expansion, t.src.Size()) {
		return fmt.Errorf("it claims %d×%d pixels, which its %d bytes cannot hold", w, h, t.src.Size())
	}
	blocks := t.across * down
	t.offsets, t.size = t.list(offsets, uint64(blocks)), t.list(sizes, uint64(blocks))
	if t.size == nil && blocks == 1 {
		t.size = []uint32{uint32(min(t.src.Size(), math.MaxUint32))}
	}
	if t.photometric == colourMap {
		t.palette = t.list(tagColorMap, 3*256)
	}
	switch {
	case t.err != nil:
		return t.err
	case len(t.offsets) != blocks || len(t.size) != blocks:
		return fmt.Errorf("its tables have %d offsets and %d sizes of %d strips or tiles", len(t.offsets), len(t.size), blocks)
	case t.photometric == colourMap && len(t.palette) != 3<<t.info.Depth:
		return fmt.Errorf("its palette has %d values", len(t.palette))
	}
	t.scalePalette()
	return nil
}

// scalePalette brings a palette to 8 bits. Its values should have 16; where all are small, libtiff takes them for 8.
func (t *tiffDecoder) scalePalette() {
	shift := 0
	for _, v := range t.palette {
		if v > 255 {
			shift = 8
		}
	}
	for i := range t.palette {
		t.palette[i] >>= shift
	}
}

// rowBytes is the length of a block's row.
func (t *tiffDecoder) rowBytes() int { return (t.blockW*t.samples*t.info.Depth + 7) / 8 }

func (t *tiffDecoder) blockBytes() int64 { return int64(t.rowBytes()) * int64(t.blockH) }

func (t *tiffDecoder) decode() (*pixels, error) {
	p := newPixels(t.info.Width, t.info.Height, t.info.Channels)
	rowBytes := t.rowBytes()
	var block bytes.Buffer
	for i := range t.offsets {
		x, y := i%t.across*t.blockW, i/t.across*t.blockH
		rows := min(t.blockH, t.info.Height-y)
		block.Reset()
		packed := io.NewSectionReader(t.src, int64(t.offsets[i]), min(int64(t.size[i]), mostPacked(t.blockBytes())))
		if err := t.unpack(&block, packed, int64(rows)*int64(rowBytes)); err != nil {
			return nil, fmt.Errorf("strip or tile %d: %w", i, err)
		}
		for r := range rows {
			row := block.Next(rowBytes)
			t.unpredict(row)
			n, c := min(t.blockW, t.info.Width-x), t.info.Channels
			t.convert(p.row(y + r)[x*c:(x+n)*c], row)
		}
	}
	return p, nil
}

// mostPacked is more than any encoder makes of n bytes. What claims more would have empty pieces read over and over, by every block
// that refers to them.
func mostPacked(n int64) int64 { return 2*n + 1024 }

// unpack decompresses n bytes. The buffer grows with what is there: a block may claim more than it has.
func (t *tiffDecoder) unpack(to *bytes.Buffer, src io.Reader, n int64) error {
	if t.reversed() {
		src = reversedBits{src}
	}
	if t.buffered == nil {
		t.buffered = bufio.NewReader(nil)
	}
	t.buffered.Reset(src)
	src = t.buffered // else each of the decoders below makes a buffer, for each of what may be many small blocks
	switch t.compression {
	case 5:
		l := lzw.NewReader(src, lzw.MSB, 8)
		defer l.Close()
		src = l
	case 8, 32946:
		var err error
		if t.inflate == nil {
			t.inflate, err = zlib.NewReader(src)
		} else {
			err = t.inflate.(zlib.Resetter).Reset(src, nil)
		}
		if err != nil {
			return err
		}
		src = t.inflate
	case 32773:
		packed, err := io.ReadAll(src)
		if err != nil {
			return err
		}
		return unpackBits(to, packed, int(n))
	}
	_, err := io.CopyN(to, src, n)
	return err
}

// unpackBits decodes PackBits (TIFF 6.0, section 9): a count, then that many bytes, or one byte that many times.
func unpackBits(to *bytes.Buffer, src []byte, n int) error {
	for to.Len() < n {
		if len(src) < 2 {
			return io.ErrUnexpectedEOF
		}
		count := int(int8(src[0]))
		src = src[1:]
		switch {
		case count >= 0:
			if len(src) < count+1 {
				return io.ErrUnexpectedEOF
			}
			to.Write(src[:count+1])
			src = src[count+1:]
		case count > -128:
			for range 1 - count {
				to.WriteByte(src[0])
			}
			src = src[1:]
		}
	}
	return nil
}

// unpredict adds to each sample the one of the pixel before it.
func (t *tiffDecoder) unpredict(row []byte) {
	switch {
	case t.predictor != 2:
	case t.info.Depth == 8:
		for i := t.samples; i < len(row); i++ {
			row[i] += row[i-t.samples]
		}
	default:
		for i := 2 * t.samples; i+1 < len(row); i += 2 {
			t.order.PutUint16(row[i:], t.order.Uint16(row[i:])+t.order.Uint16(row[i-2*t.samples:]))
		}
	}
}

// convert makes a row of the picture of a row of the file, as libtiff's TIFFReadRGBAImage does, through which OpenCV reads.
func (t *tiffDecoder) convert(dst, row []byte) {
	if t.info.Depth != 8 {
		row = t.eightBits(row, len(dst)/t.info.Channels*t.samples)
	}
	switch {
	case t.photometric == colourMap:
		n := len(t.palette) / 3
		for x := range len(dst) / 3 {
			for c := range 3 {
				dst[3*x+c] = byte(t.palette[c*n+int(row[x])])
			}
		}
	case t.unassociated && t.samples == 4:
		for x := range len(dst) / 3 {
			for c := range 3 {
				dst[3*x+c] = byte((int(row[4*x+c])*int(row[4*x+3]) + 127) / 255)
			}
		}
	default:
		pick(dst, t.info.Channels, row, len(dst)/t.info.Channels, t.samples, 0, 1, 2)
	}
	if t.photometric == whiteIsZero {
		for i := range dst {
			dst[i] = 255 - dst[i]
		}
	}
}

// eightBits returns the first n samples of a row in 8 bits each; for a palette of two colours, their indices.
func (t *tiffDecoder) eightBits(row []byte, n int) []byte {
	out := make([]byte, n)
	for i := range out {
		switch {
		case t.info.Depth == 1:
			bit := row[i/8] >> (7 - i%8) & 1
			if out[i] = bit; t.photometric != colourMap {
				out[i] = -bit
			}
		case t.samples == 1:
			out[i] = byte(t.order.Uint16(row[2*i:]) >> 8) // libtiff rounds colours, but not grey
		default:
			out[i] = byte((uint32(t.order.Uint16(row[2*i:])) + 128) / 257)
		}
	}
	return out
}
