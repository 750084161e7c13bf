package raster

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zlib"
	"golang.org/x/image/tiff/lzw"
)

// tiffDecoder decodes the strips or tiles of a TIFF.
type tiffDecoder struct {
	*ifd
	info          Info
	compression   uint32
	photometric   uint32
	samples       int
	predictor     uint32
	blockW        int // pixels of a tile's or strip's row
	blockH        int
	across        int // tiles side by side; 1 for strips
	offsets, size []uint32
	palette       []uint32 // of 16 bits: all reds, all greens, all blues
}

// newTIFFDecoder reads the tables of the blocks.
func newTIFFDecoder(d *ifd, in Info, compression, photometric uint32, samples int) (*tiffDecoder, error) {
	t := &tiffDecoder{ifd: d, info: in, compression: compression, photometric: photometric, samples: samples}
	var failed error
	list := func(tag uint16, limit int64, missing uint32) []uint32 {
		vs, err := d.numbers(tag, limit, missing)
		if err != nil {
			failed = errors.Join(failed, err)
			return []uint32{missing}
		}
		return vs
	}
	t.predictor = list(tagPredictor, 1, 1)[0]
	offsets, sizes := uint16(tagStripOffsets), uint16(tagStripByteCounts)
	t.blockW, t.blockH = in.Width, min(int(list(tagRowsPerStrip, 1, uint32(in.Height))[0]), in.Height)
	if _, tiled := d.entries[tagTileOffsets]; tiled {
		offsets, sizes = tagTileOffsets, tagTileByteCounts
		t.blockW, t.blockH = int(list(tagTileWidth, 1, 0)[0]), int(list(tagTileHeight, 1, 0)[0])
	}
	if failed == nil && (t.blockW < 1 || t.blockH < 1 || t.blockW > 1<<20 && t.blockW > in.Width || t.blockH > 1<<20 && t.blockH > in.Height) {
		failed = fmt.Errorf("its tiles are %d×%d", t.blockW, t.blockH)
	}
	if failed != nil {
		return nil, failed
	}
	t.across = (in.Width + t.blockW - 1) / t.blockW
	blocks := int64(t.across) * int64((in.Height+t.blockH-1)/t.blockH)
	t.offsets = list(offsets, blocks, 0)
	t.size = list(sizes, blocks, uint32(min(d.src.Size(), 1<<32-1)))
	if photometric == 3 {
		t.palette = list(tagColorMap, 3*256, 0)
	}
	switch {
	case failed != nil:
		return nil, failed
	case int64(len(t.offsets)) != blocks || len(t.size) != len(t.offsets):
		return nil, fmt.Errorf("it has %d strips or tiles of %d", len(t.offsets), blocks)
	case t.predictor != 1 && (t.predictor != 2 || in.Depth < 8):
		return nil, fmt.Errorf("its predictor %d is not supported", t.predictor)
	case photometric == 3 && len(t.palette) != 3<<in.Depth:
		return nil, fmt.Errorf("its palette has %d entries", len(t.palette)/3)
	}
	return t, nil
}

func (t *tiffDecoder) decode() (*pixels, error) {
	p := newPixels(t.info.Width, t.info.Height, t.info.Channels)
	rowBytes := (t.blockW*t.samples*t.info.Depth + 7) / 8
	for i := range t.offsets {
		x, y := i%t.across*t.blockW, i/t.across*t.blockH
		rows := min(t.blockH, t.info.Height-y)
		if int64(t.offsets[i])+int64(t.size[i]) > t.src.Size() && t.compression == 1 {
			return nil, fmt.Errorf("strip or tile %d lies beyond its end", i)
		}
		block, err := t.unpack(io.NewSectionReader(t.src, int64(t.offsets[i]), int64(t.size[i])), rows*rowBytes)
		if err != nil {
			return nil, fmt.Errorf("strip or tile %d: %w", i, err)
		}
		for r := range rows {
			row := block[r*rowBytes : (r+1)*rowBytes]
			t.unpredict(row)
			n := min(t.blockW, t.info.Width-x)
			c := t.info.Channels
			t.convert(p.row(y + r)[x*c:(x+n)*c], row)
		}
	}
	return p, nil
}

// unpack returns n decompressed bytes.
func (t *tiffDecoder) unpack(src io.Reader, n int) ([]byte, error) {
	var r io.Reader
	switch t.compression {
	case 1:
		r = src
	case 5:
		l := lzw.NewReader(src, lzw.MSB, 8)
		defer l.Close()
		r = l
	case 32773:
		packed, err := io.ReadAll(src)
		if err != nil {
			return nil, err
		}
		return unpackBits(packed, n)
	default:
		z, err := zlib.NewReader(src)
		if err != nil {
			return nil, err
		}
		defer z.Close()
		r = z
	}
	// The buffer grows with what is there: a tile may claim more than it has.
	var b bytes.Buffer
	if _, err := io.CopyN(&b, r, int64(n)); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// unpackBits decodes PackBits: a count, then that many bytes, or one byte that many times.
func unpackBits(src []byte, n int) ([]byte, error) {
	var out []byte
	for len(out) < n {
		if len(src) < 2 {
			return nil, io.ErrUnexpectedEOF
		}
		count := int(int8(src[0]))
		src = src[1:]
		switch {
		case count >= 0:
			if len(src) < count+1 {
				return nil, io.ErrUnexpectedEOF
			}
			out = append(out, src[:count+1]...)
			src = src[count+1:]
		case count > -128:
			out = append(out, bytes.Repeat(src[:1], 1-count)...)
			src = src[1:]
		}
	}
	return out[:n], nil
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

// convert makes a row of the picture of a row of the file.
func (t *tiffDecoder) convert(dst, row []byte) {
	for x := range len(dst) / t.info.Channels {
		d := dst[x*t.info.Channels : (x+1)*t.info.Channels]
		if t.photometric == 3 {
			v, n := int(t.sample(row, x)), len(t.palette)/3
			for c := range d {
				d[c] = byte(t.palette[c*n+v] >> 8)
			}
			continue
		}
		for c := range d {
			if d[c] = t.sample(row, x*t.samples+c); t.photometric == 0 {
				d[c] = 255 - d[c]
			}
		}
	}
}

// sample returns the i-th sample of a row in 8 bits. Of 16 bits it keeps the nearest, as libtiff does.
func (t *tiffDecoder) sample(row []byte, i int) byte {
	switch t.info.Depth {
	case 1:
		bit := row[i/8] >> (7 - i%8) & 1
		if t.photometric == 3 {
			return bit
		}
		return -bit
	case 8:
		return row[i]
	}
	return byte((uint32(t.order.Uint16(row[2*i:])) + 128) / 257)
}
