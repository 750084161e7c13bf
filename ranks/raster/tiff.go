package raster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Tags of TIFF 6.0 that we read or write.
const (
	tagWidth           = 256
	tagHeight          = 257
	tagBits            = 258
	tagCompression     = 259
	tagPhotometric     = 262
	tagStripOffsets    = 273
	tagOrientation     = 274
	tagSamples         = 277
	tagRowsPerStrip    = 278
	tagStripByteCounts = 279
	tagPlanar          = 284
	tagPredictor       = 317
	tagColorMap        = 320
	tagTileWidth       = 322
	tagTileHeight      = 323
	tagTileOffsets     = 324
	tagTileByteCounts  = 325
	tagSampleFormat    = 339
)

// ifd is a TIFF's directory.
type ifd struct {
	src     *io.SectionReader
	order   binary.ByteOrder
	entries map[uint16]entry
	next    uint32 // offset of another picture's directory, or 0
}

type entry struct {
	kind  uint16
	count uint32
	value [4]byte // the values, or their offset
}

// kindSize is the size of a value of the integer types; 0 for others.
var kindSize = [...]int64{1: 1, 3: 2, 4: 4}

func readIFD(src *io.SectionReader) (*ifd, error) {
	var head [8]byte
	if _, err := src.ReadAt(head[:], 0); err != nil {
		return nil, err
	}
	order, _ := byteOrder(head[:])
	d := &ifd{src: src, order: order, entries: make(map[uint16]entry)}
	at := int64(order.Uint32(head[4:]))
	var count [2]byte
	if _, err := src.ReadAt(count[:], at); err != nil {
		return nil, err
	}
	table := make([]byte, 12*int(order.Uint16(count[:]))+4)
	if _, err := src.ReadAt(table, at+2); err != nil {
		return nil, err
	}
	for ; len(table) >= 12; table = table[12:] {
		e := entry{kind: order.Uint16(table[2:]), count: order.Uint32(table[4:])}
		copy(e.value[:], table[8:])
		d.entries[order.Uint16(table)] = e
	}
	d.next = order.Uint32(table)
	return d, nil
}

// numbers returns a tag's values, or only the default if the tag is missing. It reads at most limit of them.
func (d *ifd) numbers(tag uint16, limit int64, missing uint32) ([]uint32, error) {
	e, ok := d.entries[tag]
	if !ok {
		return []uint32{missing}, nil
	}
	if int(e.kind) >= len(kindSize) || kindSize[e.kind] == 0 {
		return nil, fmt.Errorf("tag %d is of type %d, not a whole number", tag, e.kind)
	}
	size := kindSize[e.kind]
	if e.count == 0 || int64(e.count) > limit || int64(e.count)*size > max(4, d.src.Size()) {
		return nil, fmt.Errorf("tag %d has %d values", tag, e.count)
	}
	b := e.value[:]
	if n := int64(e.count) * size; n > 4 {
		b = make([]byte, n)
		if _, err := d.src.ReadAt(b, int64(d.order.Uint32(e.value[:]))); err != nil {
			return nil, err
		}
	}
	vs := make([]uint32, e.count)
	for i := range vs {
		switch size {
		case 1:
			vs[i] = uint32(b[i])
		case 2:
			vs[i] = uint32(d.order.Uint16(b[2*i:]))
		default:
			vs[i] = d.order.Uint32(b[4*i:])
		}
	}
	return vs, nil
}

// compressions are those that are read, with how many bytes a byte can at most stand for.
var compressions = map[uint32]struct {
	name      string
	expansion int64
}{1: {"", 1}, 5: {"LZW", 4096}, 8: {"deflate", deflateExpansion}, 32946: {"deflate", deflateExpansion}, 32773: {"PackBits", 64}}

func parseTIFF(src *io.SectionReader) (*header, error) {
	d, err := readIFD(src)
	if err != nil {
		return nil, damaged("tiff", err)
	}
	var failed error
	one := func(tag uint16, missing uint32) uint32 {
		vs, err := d.numbers(tag, 64, missing)
		if err != nil {
			failed = errors.Join(failed, err)
			return missing
		}
		return vs[0]
	}
	h := &header{Info: Info{Width: int(one(tagWidth, 0)), Height: int(one(tagHeight, 0)), Depth: int(one(tagBits, 1)), Format: "tiff"}}
	h.orientation = validOrientation(int(one(tagOrientation, 1)))
	compression, photometric, samples := one(tagCompression, 1), one(tagPhotometric, 1), one(tagSamples, 1)
	planar, format := one(tagPlanar, 1), one(tagSampleFormat, 1)
	if failed != nil {
		return nil, damaged("tiff", failed)
	}
	how, known := compressions[compression]
	switch {
	case d.next != 0:
		return nil, errors.New("TIFF of several pages is not read yet; extract one (tiffcp in.tif,0 page.tif)")
	case samples != 1 && samples != 3 && samples != 4:
		return nil, fmt.Errorf("TIFF of %d samples a pixel is not read yet; 1, 3 and 4 are", samples)
	case format == 3:
		return nil, errors.New("TIFF of floating-point samples is not read yet; convert it to 8 bits")
	case format != 1 && format != 4:
		return nil, fmt.Errorf("TIFF of sample format %d is not read; whole numbers without a sign are", format)
	case !known:
		return nil, fmt.Errorf("TIFF of compression %d is not read yet; none, LZW, deflate and PackBits are (tiffcp -c)", compression)
	case planar != 1 && samples > 1:
		return nil, errors.New("TIFF of separate planes is not read yet; convert it (tiffcp -p contig)")
	case photometric > 3 || photometric < 2 && samples != 1 || photometric == 2 && samples < 3 || photometric == 3 && samples != 1:
		return nil, fmt.Errorf("TIFF of %d samples with photometric interpretation %d is not read; grey, RGB and palettes are", samples, photometric)
	case h.Depth != 8 && h.Depth != 16 && !(h.Depth == 1 && samples == 1):
		return nil, fmt.Errorf("TIFF of %d bits a sample is not read; 8 are", h.Depth)
	}
	h.Channels = 3
	if photometric < 2 {
		h.Channels = 1
	}
	if samples == 4 {
		h.Notices = append(h.Notices, "alpha dropped")
	}
	if h.Depth == 16 {
		h.Notices = append(h.Notices, "16 bits reduced to 8")
	}
	h.expansion = how.expansion
	if h.Depth == 1 {
		h.expansion *= 8
	}
	h.Codec = "halorun/tiff"
	if h.Width < 1 || h.Height < 1 {
		return h, nil // the caller refuses it
	}
	t, err := newTIFFDecoder(d, h.Info, compression, photometric, int(samples))
	if err != nil {
		return nil, damaged("tiff", err)
	}
	h.decode = t.decode
	if compression == 1 && h.Depth == 8 && int(samples) == h.Channels && photometric != 0 && photometric != 3 && t.across == 1 {
		if h.place, err = t.place(); err != nil {
			return nil, damaged("tiff", err)
		}
	}
	return h, nil
}

// place finds the rows of uncompressed strips, which lie open. It returns nil for tiles.
func (t *tiffDecoder) place() (*placed, error) {
	if t.blockW != t.info.Width {
		return nil, nil
	}
	rowBytes := int64(t.info.Width) * int64(t.info.Channels)
	for i, at := range t.offsets {
		n := min(t.blockH, t.info.Height-i*t.blockH)
		if int64(at)+int64(n)*rowBytes > t.src.Size() {
			return nil, fmt.Errorf("it ends too early: strip %d of %d lies beyond its %d bytes", i, len(t.offsets), t.src.Size())
		}
	}
	return &placed{rowBytes: int(rowBytes), offset: func(y int) int64 {
		return int64(t.offsets[y/t.blockH]) + int64(y%t.blockH)*rowBytes
	}}, nil
}
