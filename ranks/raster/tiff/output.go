package tiff

import (
	"encoding/binary"
	"fmt"
	"math"

	"halorun/ranks/raster/metadata"
)

// Output says which picture is written how. Rows are of Width·Channels bytes, 8 bits a sample: grey, or red, green and blue.
type Output struct {
	Width, Height int
	Channels      int // 1 or 3
	Compression   Compression
	// Level is how hard deflate (1 to 9) and zstd (1 to 22, of which the library knows four) try; 0 for their default.
	Level int
	// Plain leaves out the differences between neighbours, which LZW, deflate and zstd compress better (predictor 2).
	Plain bool
	// Big makes a BigTIFF of what could be a TIFF. Where the file may be 4 GiB or larger it is one anyway.
	Big  bool
	Meta metadata.Metadata
}

// Compression is one of those that are written.
type Compression string

// Compressions.
const (
	None     Compression = "none"
	LZW      Compression = "lzw"
	Deflate  Compression = "deflate"
	Zstd     Compression = "zstd"
	PackBits Compression = "packbits"
)

var compressionNumbers = map[Compression]uint16{
	"": compressNone, None: compressNone, LZW: compressLZW, Deflate: compressDeflate, Zstd: compressZstd, PackBits: compressPackBits,
}

// Check returns an error for what cannot be written.
func (o Output) Check() error {
	number, ok := compressionNumbers[o.Compression]
	most := map[Compression]int{Deflate: 9, Zstd: 22}[o.Compression]
	switch {
	case !ok:
		return fmt.Errorf("unknown compression %q of TIFF; there are none, lzw, deflate, zstd and packbits", o.Compression)
	case o.Width < 1 || o.Height < 1 || o.Channels != 1 && o.Channels != 3:
		return fmt.Errorf("a picture of %d×%d pixels of %d channels cannot be written", o.Width, o.Height, o.Channels)
	case o.Width > maxRowBytes/o.Channels || o.Height > maxSide:
		return fmt.Errorf("a TIFF of %d×%d pixels is not written; a row has at most %d bytes, and there are at most %d", o.Width, o.Height, maxRowBytes, maxSide)
	case o.Level < 0 || o.Level > most:
		return fmt.Errorf("there is no level %d of compression %s of TIFF", o.Level, o.Compression)
	case number != compressNone && o.segments() > maxSegments:
		return fmt.Errorf("a TIFF of %d×%d pixels has too many strips", o.Width, o.Height)
	}
	return nil
}

// maxSegments keeps the tables of strips below 256 MiB.
const maxSegments = 1 << 24

// pageBytes is what rows that lie open are aligned to.
const pageBytes = 4096

// openStripBytes is about how large a strip of open rows is.
const openStripBytes = 64 << 10

// openStrips is the most strips of open rows; beyond it they become larger.
const openStrips = 1 << 20

// header makes all that comes before the picture's data: the file's header, its directory, and the values that this points to. The tables
// of strips are in it, at the places that are returned; dataAt is rounded up to a multiple of align.
func (o Output) header(perStrip, strips int, big bool, align int) (b []byte, offsetsAt, sizesAt int) {
	n := tagsOf(o.Meta, big)
	le := binary.LittleEndian
	put := func(number, kind uint16, values ...int) {
		t := metadata.Tag{Number: number, Type: kind, Count: uint64(len(values))}
		for _, v := range values {
			if kind == typeShort {
				t.Data = le.AppendUint16(t.Data, uint16(v))
			} else {
				t.Data = le.AppendUint32(t.Data, uint32(v))
			}
		}
		n.tags = append(n.tags, t)
	}
	bits, photometric := []int{8}, blackIsZero
	if o.Channels == 3 {
		bits, photometric = []int{8, 8, 8}, colourRGB
	}
	put(tagWidth, typeLong, o.Width)
	put(tagHeight, typeLong, o.Height)
	put(tagBits, typeShort, bits...)
	put(tagCompression, typeShort, int(compressionNumbers[o.Compression]))
	put(tagPhotometric, typeShort, photometric)
	put(tagOrientation, typeShort, 1)
	put(tagSamples, typeShort, o.Channels)
	put(tagRowsPerStrip, typeLong, perStrip)
	put(tagPlanar, typeShort, 1)
	if o.predicted() {
		put(tagPredictor, typeShort, 2)
	}
	kind, size := tableType(big)
	for _, number := range []uint16{tagStripOffsets, tagStripByteCounts} {
		n.tags = append(n.tags, metadata.Tag{Number: number, Type: kind, Count: uint64(strips), Data: make([]byte, size*strips)})
	}
	b = n.append(begin(big), big, func(number uint16, at int) {
		switch number {
		case tagStripOffsets:
			offsetsAt = at
		case tagStripByteCounts:
			sizesAt = at
		}
	})
	return pad(b, (len(b)+align-1)/align*align), offsetsAt, sizesAt
}

// tableType is the type of the tables of strips, and the size of their values.
func tableType(big bool) (kind uint16, size int) {
	if big {
		return typeLong8, 8
	}
	return typeLong, 4
}

// putTable writes a value of a table of strips.
func putTable(b []byte, big bool, i int, v int64) {
	if big {
		binary.LittleEndian.PutUint64(b[8*i:], uint64(v))
	} else {
		binary.LittleEndian.PutUint32(b[4*i:], uint32(v))
	}
}

// Layout returns how the picture lies open in a file, whatever Compression says: the bytes of a header, and then Height rows of rowBytes
// bytes, one behind the other.
func (o Output) Layout() (header []byte, rowBytes int) {
	o.Compression = None
	rowBytes = o.Width * o.Channels
	perStrip := min(max(1, openStripBytes/rowBytes, (o.Height-1)/openStrips+1), o.Height)
	strips := (o.Height-1)/perStrip + 1
	data := int64(o.Height) * int64(rowBytes)
	big := o.Big
	b, offsets, sizes := o.header(perStrip, strips, big, pageBytes)
	if !big && data+int64(len(b)) > math.MaxUint32 {
		big = true
		b, offsets, sizes = o.header(perStrip, strips, big, pageBytes)
	}
	strip := int64(perStrip) * int64(rowBytes)
	for i := range strips {
		at := int64(i) * strip
		putTable(b[offsets:], big, i, int64(len(b))+at)
		putTable(b[sizes:], big, i, min(strip, data-at))
	}
	return b, rowBytes
}
