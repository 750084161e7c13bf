package tiff

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"halorun/ranks/raster/metadata"
)

// file is a TIFF or BigTIFF.
type file struct {
	src   io.ReaderAt
	size  int64
	order binary.ByteOrder
	big   bool
	first uint64 // offset of the first directory
}

// maxEntries of a directory is what a TIFF's count has room for; a BigTIFF's claims more.
const maxEntries = math.MaxUint16

// openFile reads the first bytes.
func openFile(src io.ReaderAt, size int64) (*file, error) {
	var b [16]byte
	n, err := src.ReadAt(b[:], 0)
	if n < 8 {
		return nil, shortRead(err)
	}
	f := &file{src: src, size: size}
	switch string(b[:2]) {
	case "II":
		f.order = binary.LittleEndian
	case "MM":
		f.order = binary.BigEndian
	default:
		return nil, fmt.Errorf("it begins with %q", b[:4])
	}
	switch version := f.order.Uint16(b[2:]); {
	case version == 42:
		f.first = uint64(f.order.Uint32(b[4:]))
	case version != 43:
		return nil, fmt.Errorf("its version is %d; 42 and 43 there are", version)
	case n < 16:
		return nil, shortRead(err)
	case f.order.Uint16(b[4:]) != 8 || f.order.Uint16(b[6:]) != 0:
		return nil, fmt.Errorf("it is a BigTIFF with offsets of %d bytes; 8 there are", f.order.Uint16(b[4:]))
	default:
		f.big, f.first = true, f.order.Uint64(b[8:])
	}
	return f, nil
}

// shortRead is what a read of too few bytes returned.
func shortRead(err error) error {
	if err == nil {
		return io.ErrUnexpectedEOF
	}
	return err
}

// shape of a directory: the sizes of its count, of an entry, and of the offset behind them.
func (f *file) shape() (count, entry, next int64) {
	if f.big {
		return 8, 20, 8
	}
	return 2, 12, 4
}

// offset reads an offset or a count as long as one.
func (f *file) offset(b []byte) uint64 {
	if f.big {
		return f.order.Uint64(b)
	}
	return uint64(f.order.Uint32(b))
}

// entryCount reads how many entries the directory at a place has.
func (f *file) entryCount(near *window, at uint64) (int64, error) {
	if at < 8 || at >= uint64(f.size) {
		return 0, fmt.Errorf("a directory lies at byte %d of its %d: %w", at, f.size, errShort)
	}
	n, _, _ := f.shape()
	b, err := near.bytes(int64(at), int(n))
	if err != nil {
		return 0, err
	}
	count := uint64(f.order.Uint16(b))
	if f.big {
		count = f.order.Uint64(b)
	}
	if count > maxEntries {
		return 0, fmt.Errorf("a directory cannot have %d entries", count)
	}
	return int64(count), nil
}

// directory describes a picture.
type directory struct {
	*file
	entries map[uint16]entry
	err     error // of number and list, the first
}

type entry struct {
	kind  uint16
	count uint64
	value [8]byte // the values, or their offset
	at    int64   // of value in the file
}

// directoryAt reads the directory at a place.
func (f *file) directoryAt(at uint64) (*directory, error) {
	count, err := f.entryCount(&window{src: f.src}, at)
	if err != nil {
		return nil, err
	}
	head, size, _ := f.shape()
	if from := int64(at) + head; count*size > f.size-from {
		return nil, io.ErrUnexpectedEOF
	}
	b := make([]byte, count*size)
	if err := f.readAt(b, int64(at)+head); err != nil {
		return nil, err
	}
	d := &directory{file: f, entries: make(map[uint16]entry, count)}
	for i := int64(0); i < count; i++ {
		raw := b[i*size : (i+1)*size]
		tag := f.order.Uint16(raw)
		if _, twice := d.entries[tag]; twice {
			continue // libtiff keeps the first, too
		}
		width := (size - 4) / 2
		e := entry{kind: f.order.Uint16(raw[2:]), count: f.offset(raw[4:]), at: int64(at) + head + i*size + 4 + width}
		copy(e.value[:], raw[4+width:])
		d.entries[tag] = e
	}
	return d, nil
}

// has tells whether there is a tag.
func (d *directory) has(tag uint16) bool {
	_, ok := d.entries[tag]
	return ok
}

// place returns where a tag's values lie, which was held against the file's size, and how many bytes they take.
func (d *directory) place(e entry) (at, n int64, err error) {
	size := uint64(sizeOfType(e.kind))
	room := uint64(4)
	if d.big {
		room = 8
	}
	switch {
	case size == 0:
		return 0, 0, fmt.Errorf("its type %d there is not", e.kind)
	case e.count == 0 || e.count > max(room, uint64(d.size))/size:
		return 0, 0, fmt.Errorf("it cannot have %d values", e.count)
	}
	if n := size * e.count; n <= room {
		return e.at, int64(n), nil
	}
	n = int64(size * e.count)
	from := d.offset(e.value[:])
	if from > uint64(d.size-n) {
		return 0, 0, io.ErrUnexpectedEOF
	}
	return int64(from), n, nil
}

// bytes returns a tag's values as they lie in the file, at most limit bytes.
func (d *directory) bytes(e entry, limit int64) ([]byte, error) {
	at, n, err := d.place(e)
	switch {
	case err != nil:
		return nil, err
	case n > limit:
		return nil, fmt.Errorf("it cannot have %d values", e.count)
	case at == e.at:
		return e.value[:n:n], nil
	}
	b := make([]byte, n)
	return b, d.readAt(b, at)
}

// readAt fills b, also where it ends with the file.
func (f *file) readAt(b []byte, at int64) error {
	n, err := f.src.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	return shortRead(err)
}

// number returns a tag's first value, or what is meant if the tag is missing.
func (d *directory) number(tag uint16, missing uint64) uint64 {
	if vs := d.list(tag, 1<<16); len(vs) > 0 {
		return vs[0]
	}
	return missing
}

// list returns a tag's values, at most limit of them, or none if the tag is missing.
func (d *directory) list(tag uint16, limit int64) []uint64 {
	e, ok := d.entries[tag]
	if !ok || d.err != nil {
		return nil
	}
	vs, err := d.wholes(e, limit)
	if err != nil {
		d.err = fmt.Errorf("tag %d: %w", tag, err)
	}
	return vs
}

func (d *directory) wholes(e entry, limit int64) ([]uint64, error) {
	if !isWhole(e.kind) {
		return nil, fmt.Errorf("its type %d is not that of whole numbers", e.kind)
	}
	size := sizeOfType(e.kind)
	b, err := d.bytes(e, limit*int64(size))
	if err != nil {
		return nil, err
	}
	vs := make([]uint64, e.count)
	for i := range vs {
		vs[i] = whole(d.order, b[i*size:], size)
	}
	return vs, nil
}

// whole reads a number of size bytes.
func whole(order binary.ByteOrder, b []byte, size int) uint64 {
	switch size {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(order.Uint16(b))
	case 4:
		return uint64(order.Uint32(b))
	}
	return order.Uint64(b)
}

// maxTag is how many bytes of a tag are carried over: those of the longest part of metadata.
const maxTag = max(metadata.MaxICC, metadata.MaxXMP)

var errLarge = errors.New("it is larger than what is carried over")

// tag returns an entry with its values in little-endian order.
func (d *directory) tag(number uint16) (metadata.Tag, bool, error) {
	e, ok := d.entries[number]
	if !ok {
		return metadata.Tag{}, false, nil
	}
	if _, n, err := d.place(e); err == nil && n > maxTag {
		return metadata.Tag{}, false, errLarge
	}
	b, err := d.bytes(e, maxTag)
	if err != nil {
		return metadata.Tag{}, false, err
	}
	t := metadata.Tag{Number: number, Type: e.kind, Count: e.count, Data: append([]byte(nil), b...)}
	if d.order == binary.BigEndian {
		turn(t.Data, partOfType(t.Type))
	}
	return t, true, nil
}

// turn reverses the bytes of each number of the given size.
func turn(b []byte, size int) {
	for ; size > 1 && len(b) >= size; b = b[size:] {
		for i, j := 0, size-1; i < j; i, j = i+1, j-1 {
			b[i], b[j] = b[j], b[i]
		}
	}
}
