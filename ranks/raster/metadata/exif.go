package metadata

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// Tags of EXIF 2.32 and TIFF 6.0 that matter here.
const (
	tagStripOffsets    = 273
	tagOrientation     = 274
	tagStripByteCounts = 279
	tagSubIFDs         = 330
	tagThumbnail       = 513 // JPEGInterchangeFormat
	tagThumbnailBytes  = 514
	tagExifIFD         = 34665
	tagGPSIFD          = 34853
	tagInteropIFD      = 40965
)

// typeSize is the size of a value of each of TIFF's types; 0 for what is none.
var typeSize = [...]uint64{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}

// TypeSize returns the bytes of a value of a type of TIFF's or BigTIFF's, 0 if there is no such type.
func TypeSize(kind uint16) uint64 {
	if int(kind) >= len(typeSize) {
		return 0
	}
	return typeSize[kind]
}

// exif is a TIFF structure in memory.
type exif struct {
	b     []byte
	order binary.ByteOrder
}

// openEXIF looks at the header; some programs leave JPEG's mark before it.
func openEXIF(b []byte) (exif, error) {
	b = bytes.TrimPrefix(b, []byte("Exif\x00\x00"))
	e := exif{b: b}
	switch {
	case bytes.HasPrefix(b, []byte("II*\x00")):
		e.order = binary.LittleEndian
	case bytes.HasPrefix(b, []byte("MM\x00*")):
		e.order = binary.BigEndian
	default:
		return e, errors.New("it does not begin as a TIFF")
	}
	if len(b) < 8 {
		return e, errors.New("it ends too early")
	}
	return e, nil
}

// field is an entry of a directory.
type field struct {
	at    uint64 // of the entry
	tag   uint16
	kind  uint16
	count uint64
}

const fieldBytes = 12

// directory returns the fields of the directory at the given place, and where the offset of the next one stands, 0 if it has none.
func (e exif) directory(at uint64) (fields []field, next uint64, ok bool) {
	size := uint64(len(e.b))
	if at < 8 || at+2 > size {
		return nil, 0, false
	}
	n := uint64(e.order.Uint16(e.b[at:]))
	if at+2+n*fieldBytes > size {
		return nil, 0, false
	}
	fields = make([]field, n)
	for i := range fields {
		p := at + 2 + uint64(i)*fieldBytes
		fields[i] = field{p, e.order.Uint16(e.b[p:]), e.order.Uint16(e.b[p+2:]), uint64(e.order.Uint32(e.b[p+4:]))}
	}
	if next = at + 2 + n*fieldBytes; next+4 > size {
		next = 0
	}
	return fields, next, true
}

// place returns the extent of a field's values, cut to what there is; ok is false if there is none.
func (e exif) place(f field) (extent, bool) {
	n := TypeSize(f.kind) * f.count // a count has 32 bits
	if n == 0 {
		return extent{}, false
	}
	from := f.at + 8
	if n > 4 {
		from = uint64(e.order.Uint32(e.b[f.at+8:]))
	}
	x := extent{from, from + n}.within(uint64(len(e.b)))
	return x, x.to > x.from
}

// number returns value i of a field of whole numbers, or 0.
func (e exif) number(f field, i uint64) uint64 {
	x, ok := e.place(f)
	size := TypeSize(f.kind)
	if !ok || i >= f.count || x.from+(i+1)*size > x.to {
		return 0
	}
	b := e.b[x.from+i*size:]
	switch f.kind {
	case 3:
		return uint64(e.order.Uint16(b))
	case 4, 13:
		return uint64(e.order.Uint32(b))
	}
	return 0
}

// Orientation returns the orientation, 1 to 8, in EXIF data. It is 1, upright, if they tell none.
func Orientation(exif []byte) int {
	e, err := openEXIF(exif)
	if err != nil {
		return 1
	}
	at := int64(e.order.Uint32(e.b[4:]))
	if at+2 > int64(len(e.b)) {
		return 1
	}
	// What was cut behind the entry does not matter.
	entries := e.b[at+2:]
	for range e.order.Uint16(e.b[at:]) {
		if len(entries) < fieldBytes {
			return 1
		}
		if e.order.Uint16(entries) == tagOrientation {
			return ValidOrientation(int(e.order.Uint16(entries[8:])))
		}
		entries = entries[fieldBytes:]
	}
	return 1
}

// ValidOrientation returns o, or 1 if it is none of the eight orientations.
func ValidOrientation(o int) int {
	if o < 1 || o > 8 {
		return 1
	}
	return o
}

// Sanitise returns EXIF data that say that the picture is upright and have no thumbnail, and are the same otherwise: not a byte has
// moved, since maker notes refer to others by their place. The thumbnail's bytes are zero, or gone if they were the last. The error
// says what is wrong with data that should not be handed on.
func Sanitise(data []byte) ([]byte, error) {
	e, err := openEXIF(bytes.Clone(data))
	if err != nil {
		return nil, err
	}
	first := uint64(e.order.Uint32(e.b[4:]))
	fields, next, ok := e.directory(first)
	if !ok {
		return nil, errors.New("its directory lies outside of it")
	}
	for _, f := range fields {
		if f.tag == tagOrientation {
			e.order.PutUint16(e.b[f.at+2:], 3)
			e.order.PutUint32(e.b[f.at+4:], 1)
			e.order.PutUint16(e.b[f.at+8:], 1)
			e.order.PutUint16(e.b[f.at+10:], 0)
		}
	}
	if next == 0 {
		return e.b, nil
	}
	second := uint64(e.order.Uint32(e.b[next:]))
	e.order.PutUint32(e.b[next:], 0)
	return e.without(e.thumbnail(second), e.used(first)), nil
}

// thumbnail returns where the thumbnail is that the directory at a place tells of: the directory itself, and pixels.
func (e exif) thumbnail(at uint64) []extent {
	fields, _, ok := e.directory(at)
	if !ok {
		return nil
	}
	gone := []extent{{at, at + 2 + uint64(len(fields))*fieldBytes + 4}}
	values := make(map[uint16]field)
	for _, f := range fields {
		values[f.tag] = f
	}
	for _, pair := range [][2]uint16{{tagThumbnail, tagThumbnailBytes}, {tagStripOffsets, tagStripByteCounts}} {
		offsets, counts := values[pair[0]], values[pair[1]]
		for i := range min(offsets.count, counts.count, 1<<10) {
			from := e.number(offsets, i)
			gone = append(gone, extent{from, from + e.number(counts, i)})
		}
	}
	for i := range gone {
		gone[i] = gone[i].within(uint64(len(e.b)))
	}
	return gone
}

// maxDirectories is more than EXIF has; a loop ends here.
const maxDirectories = 16

// used returns the extents of what is reached from the directory at a place.
func (e exif) used(at uint64) []extent {
	used := []extent{{0, 8}}
	seen := make(map[uint64]bool)
	for queue := []uint64{at}; len(queue) > 0 && len(seen) < maxDirectories; queue = queue[1:] {
		fields, _, ok := e.directory(queue[0])
		if !ok || seen[queue[0]] {
			continue
		}
		seen[queue[0]] = true
		used = append(used, extent{queue[0], queue[0] + 2 + uint64(len(fields))*fieldBytes + 4})
		for _, f := range fields {
			if x, ok := e.place(f); ok {
				used = append(used, x)
			}
			switch f.tag {
			case tagExifIFD, tagGPSIFD, tagInteropIFD, tagSubIFDs:
				for i := range min(f.count, maxDirectories) {
					queue = append(queue, e.number(f, i))
				}
			}
		}
	}
	return used
}

// without zeroes what is gone and not used, and cuts it off where nothing follows.
func (e exif) without(gone, used []extent) []byte {
	keep := union(used)
	for _, g := range union(gone) {
		for _, x := range g.minus(keep) {
			clear(e.b[x.from:x.to])
			if x.to == uint64(len(e.b)) {
				e.b = e.b[:x.from]
			}
		}
	}
	return e.b
}
