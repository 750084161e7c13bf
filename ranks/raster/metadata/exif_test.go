package metadata

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"time"
)

// entry is a field of a directory to be made.
type entry struct {
	tag, kind uint16
	count     uint32
	value     uint32
}

// directoryOf appends a directory to b.
func directoryOf(order binary.AppendByteOrder, b []byte, next uint32, entries ...entry) []byte {
	b = order.AppendUint16(b, uint16(len(entries)))
	for _, e := range entries {
		b = order.AppendUint16(b, e.tag)
		b = order.AppendUint16(b, e.kind)
		b = order.AppendUint32(b, e.count)
		if e.kind == 3 && e.count == 1 {
			b = order.AppendUint16(order.AppendUint16(b, uint16(e.value)), 0)
		} else {
			b = order.AppendUint32(b, e.value)
		}
	}
	return order.AppendUint32(b, next)
}

// What the parts of sampleEXIF are, and where.
const (
	makerAt, makerBytes = 100, 40
	secondAt            = 140
	thumbnailAt         = 200
)

// sampleEXIF makes EXIF of an orientation, a maker note, and a thumbnail, with something behind it if wanted.
func sampleEXIF(order binary.AppendByteOrder, mark string, orientation uint32, behind string) []byte {
	b := order.AppendUint32([]byte(mark), 8)
	b = directoryOf(order, b, secondAt, entry{271, 2, 4, 'H' | 'a'<<8}, entry{tagOrientation, 3, 1, orientation}, entry{tagExifIFD, 4, 1, 62})
	b = append(b, make([]byte, 62-len(b))...)
	b = directoryOf(order, b, 0, entry{0x9000, 7, 4, 0x30323330}, entry{0x927c, 7, makerBytes, makerAt})
	b = append(b, make([]byte, makerAt-len(b))...)
	b = append(b, bytes.Repeat([]byte("M"), makerBytes)...)
	b = directoryOf(order, b, 0, entry{259, 3, 1, 6}, entry{tagOrientation, 3, 1, orientation}, entry{tagThumbnail, 4, 1, thumbnailAt}, entry{tagThumbnailBytes, 4, 1, 50})
	b = append(b, make([]byte, thumbnailAt-len(b))...)
	return append(append(b, bytes.Repeat([]byte("T"), 50)...), behind...)
}

type appender interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

var orders = map[string]appender{"II*\x00": binary.LittleEndian, "MM\x00*": binary.BigEndian}

func TestOrientation(t *testing.T) {
	for mark, order := range orders {
		for o := range uint32(10) {
			want := int(o)
			if o < 1 || o > 8 {
				want = 1
			}
			if got := Orientation(sampleEXIF(order, mark, o, "")); got != want {
				t.Errorf("%q: orientation %d is read as %d", mark, o, got)
			}
		}
	}
	for _, b := range []string{"", "II*\x00", "MM\x00*\xff\xff\xff\xff", "II*\x00\x08\x00\x00\x00\xff\xff", "xx*\x00\x08\x00\x00\x00"} {
		if got := Orientation([]byte(b)); got != 1 {
			t.Errorf("%q: orientation %d", b, got)
		}
	}
}

func TestSanitise(t *testing.T) {
	for mark, order := range orders {
		for _, behind := range []string{"", "behind the thumbnail"} {
			in := sampleEXIF(order, mark, 6, behind)
			before := bytes.Clone(in)
			out, err := Sanitise(in)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(in, before) {
				t.Error("what was given has changed")
			}
			// All that may differ: the orientation, the link, and what the link led to.
			want := bytes.Clone(before[:secondAt])
			copy(want[8+2+12+8:], order.AppendUint16(nil, 1))
			copy(want[8+2+3*12:], "\x00\x00\x00\x00")
			if !bytes.Equal(out[:secondAt], want) {
				t.Errorf("%q: other bytes before the thumbnail:\n%q\n%q", mark, out[:secondAt], want)
			}
			if bytes.ContainsAny(out[secondAt:thumbnailAt], "\x06") || bytes.Contains(out, []byte("T")) {
				t.Errorf("%q: the thumbnail or its directory is still there: %q", mark, out[secondAt:])
			}
			switch {
			case behind == "" && len(out) != thumbnailAt:
				t.Errorf("%q: %d bytes, of which the last are nothing", mark, len(out))
			case behind != "" && (len(out) != len(in) || string(out[thumbnailAt+50:]) != behind):
				t.Errorf("%q: what was behind the thumbnail has moved or changed", mark)
			}
			if Orientation(out) != 1 {
				t.Errorf("%q: it has orientation %d", mark, Orientation(out))
			}
			if again, err := Sanitise(out); err != nil || !bytes.Equal(again, out) {
				t.Errorf("%q: once more gives something else, %v", mark, err)
			}
		}
	}
}

// A thumbnail that claims bytes of something else does not get them.
func TestThumbnailOverOtherData(t *testing.T) {
	order := binary.LittleEndian
	b := sampleEXIF(order, "II*\x00", 3, "")
	thumbnail := secondAt + 2 + 2*12
	order.PutUint32(b[thumbnail+8:], 0)
	order.PutUint32(b[thumbnail+12+8:], 1<<31)
	out, err := Sanitise(b)
	if err != nil {
		t.Fatal(err)
	}
	if note := out[makerAt : makerAt+makerBytes]; string(note) != string(bytes.Repeat([]byte("M"), makerBytes)) {
		t.Errorf("the maker note is %q", note)
	}
	if len(out) != secondAt || Orientation(out) != 1 {
		t.Errorf("%d bytes, orientation %d", len(out), Orientation(out))
	}
}

func TestSanitiseRefuses(t *testing.T) {
	for _, b := range []string{"", "II", "II*\x00", "II*\x00\x08\x00\x00", "II*\x00\x08\x00\x00\x00", "II*\x00\x00\x00\x00\x00\x00\x00\x00", "II*\x00\xff\xff\xff\xff\x00\x00", "II*\x00\x08\x00\x00\x00\x01\x00",
		"JFIF is something else", "MM*\x00\x00\x00\x00\x08\x00\x00"} {
		if out, err := Sanitise([]byte(b)); err == nil || out != nil {
			t.Errorf("%q passes as %q", b, out)
		}
	}
	// A table that ends with the data, and JPEG's mark, are common.
	for _, b := range []string{"II*\x00\x08\x00\x00\x00\x00\x00", "Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00"} {
		if _, err := Sanitise([]byte(b)); err != nil {
			t.Errorf("%q: %v", b, err)
		}
	}
}

// Directories that lead to each other, and ever longer ones, take no more time than there are bytes.
func TestSanitiseHostile(t *testing.T) {
	le := binary.LittleEndian
	loop := directoryOf(le, le.AppendUint32([]byte("II*\x00"), 8), 8, entry{tagExifIFD, 4, 1, 8}, entry{tagSubIFDs, 4, 1 << 31, 8})
	huge := le.AppendUint32([]byte("II*\x00"), 8)
	var entries []entry
	for i := range uint32(1<<16 - 1) {
		entries = append(entries, entry{[]uint16{tagStripOffsets, tagStripByteCounts, tagExifIFD, tagGPSIFD}[i%4], 4, 1 << 30, i * 13})
	}
	huge = directoryOf(le, huge, 8, entries...)
	for name, b := range map[string][]byte{"loop": loop, "huge": huge} {
		start := time.Now()
		if out, err := Sanitise(b); err != nil || len(out) > len(b) {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s: it took %v", name, took)
		}
	}
}

func FuzzEXIF(f *testing.F) {
	for mark, order := range orders {
		f.Add(sampleEXIF(order, mark, 6, ""))
		f.Add(sampleEXIF(order, mark, 8, "behind"))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		before := bytes.Clone(in)
		out, err := Sanitise(in)
		if !bytes.Equal(in, before) {
			t.Fatal("what was given has changed")
		}
		if err != nil {
			if out != nil {
				t.Error(errors.New("an error, and data"))
			}
			return
		}
		if len(out) > len(in) || Orientation(out) != 1 {
			t.Errorf("%d bytes of %d, orientation %d", len(out), len(in), Orientation(out))
		}
		if _, err := Sanitise(out); err != nil {
			t.Errorf("what came out is refused: %v", err)
		}
	})
}
