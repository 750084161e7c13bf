package tiff

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"halorun/ranks/raster/metadata"
)

// memory is a file in memory.
type memory struct {
	b  []byte
	at int
}

func (m *memory) Write(b []byte) (int, error) {
	n, err := m.WriteAt(b, int64(m.at))
	m.at += n
	return n, err
}

func (m *memory) WriteAt(b []byte, at int64) (int, error) {
	if need := int(at) + len(b); need > len(m.b) {
		m.b = append(m.b, make([]byte, need-len(m.b))...)
	}
	return copy(m.b[at:], b), nil
}

// noisyRows are a picture's rows, some of which do not compress.
func noisyRows(width, height, channels int) [][]byte {
	rows := make([][]byte, height)
	for y := range rows {
		row := make([]byte, width*channels)
		for i := range min(len(row), 4099*channels) {
			row[i] = byte(hash(i/channels, y, i%channels, 8))
		}
		for n := 4099 * channels; n < len(row); n *= 2 { // and again
			copy(row[n:], row[:n])
		}
		rows[y] = row
	}
	return rows
}

// encode writes a picture, whose segments are made from the last to the first.
func encode(o Output, rows [][]byte) ([]byte, error) {
	e, err := NewEncoder(o)
	if err != nil {
		return nil, err
	}
	segments := make([][]byte, e.Segments())
	for i := len(segments) - 1; i >= 0; i-- {
		y := i * e.SegmentRows()
		if segments[i], err = e.Encode([]byte("x"), y, rows[y:min(y+e.SegmentRows(), len(rows))]); err != nil {
			return nil, err
		}
		if segments[i] = segments[i][1:]; len(segments[i]) > e.Bound() {
			return nil, fmt.Errorf("segment %d has %d bytes, beyond the bound of %d", i, len(segments[i]), e.Bound())
		}
	}
	m := &memory{}
	w := e.NewWriter(m)
	if err := w.Begin(); err != nil {
		return nil, err
	}
	for _, s := range segments {
		if err := w.WriteSegment(s); err != nil {
			return nil, err
		}
	}
	return m.b, w.Finish()
}

// lay writes a picture's rows where Layout says.
func lay(o Output, rows [][]byte) []byte {
	header, _ := o.Layout()
	return append(header, bytes.Join(rows, nil)...)
}

// What is written is read again, whatever the compression, and its metadata with it.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := Output{
			Width: rapid.IntRange(1, 300).Draw(t, "width"), Height: rapid.IntRange(1, 60).Draw(t, "height"),
			Channels:    rapid.SampledFrom([]int{1, 3}).Draw(t, "channels"),
			Compression: rapid.SampledFrom([]Compression{"", None, LZW, Deflate, Zstd, PackBits}).Draw(t, "compression"),
			Plain:       rapid.Bool().Draw(t, "plain"), Big: rapid.Bool().Draw(t, "big"),
		}
		if o.Compression == Deflate || o.Compression == Zstd {
			o.Level = rapid.IntRange(0, 9).Draw(t, "level")
		}
		if rapid.Bool().Draw(t, "wide") { // several segments
			o.Width *= 100
		}
		if rapid.Bool().Draw(t, "described") {
			o.Meta = someMetadata()
		}
		rows := noisyRows(o.Width, o.Height, o.Channels)
		b, err := encode(o, rows)
		if err != nil {
			t.Fatal(err)
		}
		for name, b := range map[string][]byte{"encoded": b, "laid out": lay(o, rows)} {
			m, err := parse(b, Options{})
			if err != nil {
				t.Fatal(name, err)
			}
			if m.Big != o.Big || m.Orientation != 1 || !m.Random() || len(m.Notices) > 0 {
				t.Fatalf("%s: %+v", name, m)
			}
			if _, _, ok := m.Place(); ok != (name == "laid out" || o.Compression == None || o.Compression == "") {
				t.Fatalf("%s: rows lie open: %v", name, ok)
			}
			got, err := readWhole(m)
			if err == nil {
				err = equalRows(got, rows)
			}
			if err != nil {
				t.Fatal(name, err)
			}
			if !reflect.DeepEqual(m.Meta, o.Meta) {
				t.Fatalf("%s: %+v, not %+v", name, m.Meta, o.Meta)
			}
		}
	})
}

// Row y lies at the header's length and y rows, at a page's boundary.
func TestLayout(t *testing.T) {
	o := Output{Width: 7, Height: 100_000, Channels: 3}
	header, n := o.Layout()
	b := append(header, make([]byte, n*o.Height)...)
	m, err := parse(b, Options{})
	if err != nil {
		t.Fatal(err)
	}
	rowBytes, offset, ok := m.Place()
	if !ok || rowBytes != 21 || n != 21 || len(header)%4096 != 0 || offset(0) != int64(len(header)) || offset(99_999) != int64(len(header)+21*99_999) {
		t.Errorf("%d %d %v", len(header), rowBytes, ok)
	}
}

// zeros is a file that is as large as it says, and holds nothing but a header.
type zeros struct {
	header []byte
	size   int64
}

func (z zeros) ReadAt(b []byte, at int64) (int, error) {
	if at >= z.size {
		return 0, io.EOF
	}
	clear(b)
	if at < int64(len(z.header)) {
		copy(b, z.header[at:])
	}
	return int(min(int64(len(b)), z.size-at)), nil
}

// A picture becomes a BigTIFF where a TIFF's offsets end.
func TestBigWhereNeeded(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		width, height int
		big           bool
	}{{1 << 16, 21000, false}, {1 << 16, 21844, false}, {1 << 16, 21846, true}, {1 << 24, 85, false}, {1 << 24, 86, true}, {1 << 24, 1 << 24, true}, {100, 2_000_000_000, true}} {
		o := Output{Width: test.width, Height: test.height, Channels: 3}
		header, rowBytes := o.Layout()
		z := zeros{header, int64(len(header)) + int64(rowBytes)*int64(o.Height)}
		m, err := Parse(z, z.size, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if m.Big != test.big || m.Width != o.Width || m.Height != o.Height {
			t.Errorf("%d×%d: %v", o.Width, o.Height, m.Big)
		}
		_, offset, ok := m.Place()
		if last := offset(o.Height - 1); !ok || last+int64(rowBytes) != z.size {
			t.Errorf("%d×%d: the last row lies at %d of %d", o.Width, o.Height, last, z.size)
		}
		if o.Width > 1<<16 && o.Height != 86 {
			// such rows take long to read
		} else if err := m.ReadRows(o.Height-1, rowsOf(m, 1)); err != nil {
			t.Error(err)
		}
		if z.size--; z.size > 0 {
			if _, err := Parse(z, z.size, Options{}); err == nil {
				t.Errorf("%d×%d: a byte less is not missed", o.Width, o.Height)
			}
		}
		e, err := NewEncoder(Output{Width: test.width, Height: min(test.height, 1<<18), Channels: 3, Compression: Deflate})
		if err != nil || test.big && test.width > 100 && !e.big {
			t.Errorf("%d×%d: %v", test.width, test.height, err)
		}
	}
}

func TestWriterRefuses(t *testing.T) {
	for _, o := range []Output{
		{}, {Width: 1, Height: 1, Channels: 2}, {Width: -1, Height: 1, Channels: 1}, {Width: 1, Height: 1, Channels: 1, Compression: "jpeg"},
		{Width: 1, Height: 1, Channels: 1, Compression: Deflate, Level: 10}, {Width: 1, Height: 1, Channels: 1, Compression: LZW, Level: 1},
		{Width: 1 << 30, Height: 1, Channels: 1}, {Width: 1, Height: 1 << 40, Channels: 1},
	} {
		if _, err := NewEncoder(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
	e, err := NewEncoder(Output{Width: 5, Height: 5, Channels: 1, Compression: Deflate})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Encode(nil, 1, noisyRows(5, 4, 1)); err == nil {
		t.Error("rows that are no segment are encoded")
	}
	if err := e.NewWriter(io.Discard).Begin(); err == nil {
		t.Error("a pipe is taken")
	}
	w := e.NewWriter(&memory{})
	if err := errors.Join(w.Begin()); err != nil {
		t.Fatal(err)
	}
	if w.Finish() == nil {
		t.Error("a picture without rows is finished")
	}
	if err := w.WriteSegment(nil); err != nil {
		t.Error(err)
	}
	if w.WriteSegment(nil) == nil {
		t.Error("one segment too many is written")
	}
}

func writeFile(t testing.TB, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// someMetadata has something of everything.
func someMetadata() metadata.Metadata {
	exif := &node{
		tags: []metadata.Tag{{Number: tagMake, Type: typeASCII, Count: 7, Data: []byte("camera\x00")}, {Number: tagArtist, Type: typeASCII, Count: 3, Data: []byte("me\x00")}},
		subs: []*node{
			{number: tagEXIF, tags: []metadata.Tag{
				{Number: 33434, Type: typeRational, Count: 1, Data: []byte{1, 0, 0, 0, 200, 0, 0, 0}},
				{Number: 34855, Type: typeShort, Count: 1, Data: []byte{100, 0}},
				{Number: 37500, Type: typeOpaque, Count: 9, Data: []byte("opaque  9")},
			}, subs: []*node{{number: tagInterop, tags: []metadata.Tag{{Number: 1, Type: typeASCII, Count: 4, Data: []byte("R98\x00")}}}}},
			{number: tagGPS, tags: []metadata.Tag{{Number: 2, Type: typeRational, Count: 3, Data: bytes.Repeat([]byte{9, 0, 0, 0, 2, 0, 0, 0}, 3)}}},
		},
	}
	return metadata.Metadata{
		ICC: []byte("a profile of colours"), XMP: []byte("<x:xmpmeta/>"), EXIF: exif.file(false),
		Resolution: &metadata.Resolution{X: 300, Y: 72.5, Unit: metadata.Centimetre},
		Geo: []metadata.Tag{
			{Number: tagPixelScale, Type: 12, Count: 3, Data: bytes.Repeat([]byte{0, 0, 0, 0, 0, 0, 0xf0, 0x3f}, 3)},
			{Number: tagGeoKeys, Type: typeShort, Count: 4, Data: []byte{1, 0, 1, 0, 0, 0, 0, 0}},
			{Number: tagGDALNoData, Type: typeASCII, Count: 2, Data: []byte("0\x00")},
		},
	}
}
