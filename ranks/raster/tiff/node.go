package tiff

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"halorun/ranks/raster/metadata"
)

// node is a directory and those that its entries point to.
type node struct {
	number uint16         // of the entry that points to it
	tags   []metadata.Tag // in little-endian order
	subs   []*node
}

func (n *node) of(number uint16) *node {
	n.number = number
	return n
}

// maxEXIF bounds what is read of EXIF.
const maxEXIF = 4 << 20

// pointers are the entries of EXIF that point to directories, wherever they stand.
var pointers = []uint16{tagEXIF, tagGPS, tagInterop}

// subdirectory reads the directory that an entry points to.
func (d *directory) subdirectory(e entry, depth int) (*node, error) {
	vs, err := d.wholes(e, 1)
	if err != nil {
		return nil, err
	}
	below, err := d.directoryAt(vs[0])
	if err != nil {
		return nil, err
	}
	room := int64(maxEXIF)
	return below.node(depth, &room)
}

// node reads a directory with those below it; no deeper than EXIF goes, so that circles end.
func (d *directory) node(depth int, room *int64) (*node, error) {
	n := &node{}
	numbers := make([]uint16, 0, len(d.entries))
	for number := range d.entries {
		numbers = append(numbers, number)
	}
	slices.Sort(numbers)
	for _, number := range numbers {
		e := d.entries[number]
		if slices.Contains(pointers, number) {
			if depth == 2 {
				continue
			}
			vs, err := d.wholes(e, 1)
			if err != nil {
				continue
			}
			below, err := d.directoryAt(vs[0])
			if err != nil {
				continue
			}
			sub, err := below.node(depth+1, room)
			if err != nil {
				return nil, err
			}
			n.subs = append(n.subs, sub.of(number))
			continue
		}
		_, size, err := d.place(e)
		if err != nil || isWholeIFD(e.kind) {
			continue // a single entry that is damaged, or points somewhere unknown, is left out
		}
		if *room -= size + 12; *room < 0 {
			return nil, errLarge
		}
		if t, ok, err := d.tag(number); ok && err == nil {
			n.tags = append(n.tags, t)
		}
	}
	return n, nil
}

func isWholeIFD(kind uint16) bool { return kind == typeIFD || kind == typeIFD8 }

// readEXIF reads EXIF: a TIFF structure without a picture. The second directory, with its thumbnail, is left out.
func readEXIF(b []byte) (*node, error) {
	if len(b) == 0 {
		return nil, errors.New("there is none")
	}
	f, err := openFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	d, err := f.directoryAt(f.first)
	if err != nil {
		return nil, err
	}
	room := int64(maxEXIF)
	return d.node(0, &room)
}

// sizes of a directory and its entries.
func sizes(big bool) (head, entry, tail, inline int) {
	if big {
		return 8, 20, 8, 8
	}
	return 2, 12, 4, 4
}

// aligned rounds up to where a value may begin.
func aligned(n int) int { return (n + 7) &^ 7 }

// append writes the directory as what begins at byte len(b) of a file, which is aligned. It tells values where the values of each tag lie.
func (n *node) append(b []byte, big bool, values func(number uint16, at int)) []byte {
	le := binary.LittleEndian
	head, entry, tail, inline := sizes(big)
	all := slices.Clone(n.tags)
	for _, s := range n.subs {
		t := metadata.Tag{Number: s.number, Type: typeLong, Count: 1, Data: make([]byte, 4)}
		if big {
			t.Type, t.Data = typeIFD8, make([]byte, 8)
		}
		all = append(all, t)
	}
	slices.SortStableFunc(all, func(a, b metadata.Tag) int { return cmp.Compare(a.Number, b.Number) })

	start := len(b)
	at := start + aligned(head+entry*len(all)+tail) // of the next value
	if big {
		b = le.AppendUint64(b, uint64(len(all)))
	} else {
		b = le.AppendUint16(b, uint16(len(all)))
	}
	offset := func(v int) []byte {
		if big {
			return le.AppendUint64(b, uint64(v))
		}
		return le.AppendUint32(b, uint32(v))
	}
	below := make(map[uint16]int, len(n.subs))
	for _, t := range all {
		b = le.AppendUint16(b, t.Number)
		b = le.AppendUint16(b, t.Type)
		b = offset(int(t.Count))
		if len(t.Data) > inline {
			b = offset(at)
			if values != nil {
				values(t.Number, at)
			}
			at += aligned(len(t.Data))
			continue
		}
		if values != nil {
			values(t.Number, len(b))
		}
		below[t.Number] = len(b)
		b = append(append(b, t.Data...), make([]byte, inline-len(t.Data))...)
	}
	b = offset(0)
	b = pad(b, aligned(len(b)-start)+start)
	for _, t := range all {
		if len(t.Data) > inline {
			b = append(b, t.Data...)
			b = pad(b, aligned(len(b)-start)+start)
		}
	}
	for _, s := range n.subs {
		if p := b[below[s.number]:]; big {
			le.PutUint64(p, uint64(len(b)))
		} else {
			le.PutUint32(p, uint32(len(b)))
		}
		b = s.append(b, big, nil)
	}
	return b
}

// pad fills up with zeros to n bytes.
func pad(b []byte, n int) []byte {
	if n < len(b) {
		panic(fmt.Sprintf("tiff: %d bytes in the place of %d", len(b), n))
	}
	return append(b, make([]byte, n-len(b))...)
}

// begin returns the header of a file whose directory follows.
func begin(big bool) []byte {
	if big {
		return []byte("II+\x00\x08\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00")
	}
	return []byte("II*\x00\x08\x00\x00\x00")
}

// file returns a file of nothing but the directory.
func (n *node) file(big bool) []byte { return n.append(begin(big), big, nil) }
