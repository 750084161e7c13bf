package raster

import (
	"encoding/binary"
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
	tagFillOrder       = 266
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
	tagExtraSamples    = 338
	tagSampleFormat    = 339
)

// ifd is a TIFF's directory.
type ifd struct {
	src     *io.SectionReader
	order   binary.ByteOrder
	entries map[uint16]entry
	next    uint32 // offset of another picture's directory, or 0
	err     error  // of number and list, the first
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

// number returns a tag's first value, or what is meant if the tag is missing.
func (d *ifd) number(tag uint16, missing uint32) uint32 {
	if vs := d.list(tag, 64); len(vs) > 0 {
		return vs[0]
	}
	return missing
}

// list returns a tag's values, at most limit of them, or none if the tag is missing.
func (d *ifd) list(tag uint16, limit uint64) []uint32 {
	e, ok := d.entries[tag]
	if !ok || d.err != nil {
		return nil
	}
	vs, err := d.values(e, limit)
	if err != nil {
		d.err = fmt.Errorf("tag %d: %w", tag, err)
	}
	return vs
}

func (d *ifd) values(e entry, limit uint64) ([]uint32, error) {
	if int(e.kind) >= len(kindSize) || kindSize[e.kind] == 0 {
		return nil, fmt.Errorf("its type %d is not that of whole numbers", e.kind)
	}
	size := kindSize[e.kind]
	n := int64(e.count) * size
	if e.count == 0 || uint64(e.count) > limit || n > max(4, d.src.Size()) {
		return nil, fmt.Errorf("it cannot have %d values", e.count)
	}
	b := e.value[:]
	if n > 4 {
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
