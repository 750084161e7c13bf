package raster

import "encoding/binary"

// stripBytes is about how large a strip is.
const stripBytes = 64 << 10

// pageBytes is what the picture data are aligned to.
const pageBytes = 4096

// tiffLayout makes the header of an uncompressed little-endian TIFF: directory, strip tables, then the rows.
func (o Output) tiffLayout() *layout {
	rowBytes := o.Width * o.Channels
	perStrip := min(max(1, stripBytes/rowBytes), o.Height)
	strips := (o.Height-1)/perStrip + 1
	photometric := uint32(1) // grey, 0 is black
	if o.Channels == 3 {
		photometric = 2
	}
	const entries = 11
	const bitsAt = 8 + 2 + 12*entries + 4
	const offsetsAt = bitsAt + 3*2 + 2
	countsAt := offsetsAt + 4*strips
	dataAt := (countsAt + 4*strips + pageBytes - 1) / pageBytes * pageBytes

	le := binary.LittleEndian
	b := append(make([]byte, 0, dataAt), "II*\x00"...)
	b = le.AppendUint32(b, 8)
	b = le.AppendUint16(b, entries)
	const short, long = 3, 4
	put := func(tag, kind uint16, count int, value uint32) {
		b = le.AppendUint16(b, tag)
		b = le.AppendUint16(b, kind)
		b = le.AppendUint32(b, uint32(count))
		b = le.AppendUint32(b, value)
	}
	bits := uint32(8)
	if o.Channels > 2 {
		bits = bitsAt
	}
	offset, count := uint32(offsetsAt), uint32(countsAt)
	if strips == 1 { // a single value stands in the entry itself
		offset, count = uint32(dataAt), uint32(o.Height*rowBytes)
	}
	put(tagWidth, long, 1, uint32(o.Width))
	put(tagHeight, long, 1, uint32(o.Height))
	put(tagBits, short, o.Channels, bits)
	put(tagCompression, short, 1, 1)
	put(tagPhotometric, short, 1, photometric)
	put(tagStripOffsets, long, strips, offset)
	put(tagOrientation, short, 1, 1)
	put(tagSamples, short, 1, uint32(o.Channels))
	put(tagRowsPerStrip, long, 1, uint32(perStrip))
	put(tagStripByteCounts, long, strips, count)
	put(tagPlanar, short, 1, 1)
	b = le.AppendUint32(b, 0)
	for range 3 {
		b = le.AppendUint16(b, 8)
	}
	b = le.AppendUint16(b, 0)
	for i := range strips {
		b = le.AppendUint32(b, uint32(dataAt+i*perStrip*rowBytes))
	}
	for i := range strips {
		b = le.AppendUint32(b, uint32(min(perStrip, o.Height-i*perStrip)*rowBytes))
	}
	return &layout{b[:dataAt], rowBytes}
}
