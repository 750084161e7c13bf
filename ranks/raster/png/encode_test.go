package png

import (
	"bytes"
	"errors"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"halorun/kernels/simd/simdtest"
	"halorun/ranks/raster/metadata"
)

// contents are rows of several characters.
var contents = map[string]func(rng *rand.Rand, row []byte, y int){
	"noise": func(rng *rand.Rand, row []byte, y int) { simdtest.Fill(rng, row) },
	"flat":  func(rng *rand.Rand, row []byte, y int) {},
	"smooth": func(rng *rand.Rand, row []byte, y int) {
		for i := range row {
			row[i] = byte(i/5 + y + rng.IntN(3))
		}
	},
	"lines": func(rng *rand.Rand, row []byte, y int) {
		for i := range row {
			row[i] = byte(255 * ((i / 7 * y / 3) & 1))
		}
	},
}

// TestRoundTrip: what is encoded is decoded, by us and by the standard library, whatever the size, the content and the compression;
// and the file is the same however its segments were made.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := Options{
			Width:       rapid.OneOf(rapid.IntRange(1, 70), rapid.IntRange(1, 3000)).Draw(t, "width"),
			Height:      rapid.OneOf(rapid.IntRange(1, 40), rapid.IntRange(1, 400)).Draw(t, "height"),
			Channels:    rapid.SampledFrom([]int{1, 3}).Draw(t, "channels"),
			Compression: rapid.IntRange(-1, 6).Draw(t, "compression"),
		}
		content := rapid.SampledFrom([]string{"noise", "flat", "smooth", "lines"}).Draw(t, "content")
		rng := rand.New(rand.NewPCG(1, uint64(o.Width)))
		rows := makeRows(o.Width, o.Height, o.Channels)
		for y, row := range rows {
			contents[content](rng, row, y)
		}
		e, err := NewEncoder(o)
		if err != nil {
			t.Fatal(err)
		}
		var segments [][]byte
		for y := 0; y < o.Height; y += e.SegmentRows() {
			segments = append(segments, nil)
		}
		for _, i := range rng.Perm(len(segments)) {
			y := i * e.SegmentRows()
			if segments[i], err = e.Encode(nil, y, rows[y:min(o.Height, y+e.SegmentRows())]); err != nil {
				t.Fatal(err)
			}
			if len(segments[i]) > e.Bound() {
				t.Fatalf("a segment of %d bytes is beyond %d", len(segments[i]), e.Bound())
			}
		}
		var file bytes.Buffer
		w := e.NewWriter(&file)
		errs := []error{w.Begin()}
		for _, s := range segments {
			errs = append(errs, w.WriteSegment(s))
		}
		if err := errors.Join(append(errs, w.Finish())...); err != nil {
			t.Fatal(err)
		}
		want := slices.Concat(rows...)
		m, got, err := decode(file.Bytes(), 7)
		if err != nil || m.Width != o.Width || m.Height != o.Height || m.Channels != o.Channels || !bytes.Equal(got, want) {
			t.Fatalf("it is not read as it was: %v", err)
		}
		img, err := png.Decode(&file)
		if err != nil {
			t.Fatal(err)
		}
		for y := range o.Height {
			for x := range o.Width {
				r, g, b, _ := img.At(x, y).RGBA()
				if c := [3]byte{byte(r >> 8), byte(g >> 8), byte(b >> 8)}; !bytes.Equal(rows[y][x*o.Channels:][:o.Channels], c[:o.Channels]) {
					t.Fatalf("image/png reads %v at %d, %d", c, x, y)
				}
			}
		}
	})
}

// TestSamePaths: assembly and plain Go write the same file.
func TestSamePaths(t *testing.T) {
	o := Options{Width: 1003, Height: 300, Channels: 3, Compression: DefaultCompression}
	rows := photo(o.Width, o.Height, o.Channels)
	e, err := NewEncoder(o)
	if err != nil {
		t.Fatal(err)
	}
	n := e.SegmentRows()
	quick, err := e.Encode(nil, 0, rows[:n])
	if err != nil {
		t.Fatal(err)
	}
	e.filter.fast = false
	if plain, err := e.Encode(nil, 0, rows[:n]); err != nil || !bytes.Equal(plain, quick) {
		t.Error("segments differ", err)
	}
}

// TestNetpbm: another reader's verdict, also on a picture of many segments with metadata.
func TestNetpbm(t *testing.T) {
	for _, channels := range []int{1, 3} {
		o := Options{Width: 1301, Height: 500, Channels: channels, Compression: DefaultCompression, Meta: someMeta(channels)}
		rows := photo(o.Width, o.Height, channels)
		file := filepath.Join(t.TempDir(), "picture.png")
		if err := os.WriteFile(file, encode(t, o, rows), 0o666); err != nil {
			t.Fatal(err)
		}
		pnm, err := exec.Command("pngtopnm", file).Output()
		if err != nil {
			t.Fatal(err)
		}
		if want := slices.Concat(rows...); len(pnm) < len(want) || !bytes.Equal(pnm[len(pnm)-len(want):], want) {
			t.Errorf("pngtopnm reads other samples of %d channels", channels)
		}
	}
}

// TestSize: a picture like a photograph, and a flat one, are as small as they should be.
func TestSize(t *testing.T) {
	o := Options{Width: 1500, Height: 1000, Channels: 3, Compression: DefaultCompression}
	rows := photo(o.Width, o.Height, o.Channels) // of noise of 3 bits
	if n := len(encode(t, o, rows)); n > o.Width*o.Height*o.Channels*9/16 {
		t.Errorf("%d bytes for noise of 3 bits in %d samples", n, o.Width*o.Height*o.Channels)
	}
	for _, row := range rows {
		clear(row)
	}
	if n := len(encode(t, o, rows)); n > 30000 {
		t.Errorf("%d bytes for nothing", n)
	}
}

func TestOptions(t *testing.T) {
	for want, o := range map[string]Options{
		"pixels a side, not 0×5":          {Width: 0, Height: 5, Channels: 3},
		"pixels a side, not 2147483648×5": {Width: 1 << 31, Height: 5, Channels: 3},
		"of 4 channels is not written":    {Width: 5, Height: 5, Channels: 4},
		"is from 0 to 9, not 10":          {Width: 5, Height: 5, Channels: 3, Compression: 10},
		"is from 0 to 9, not -2":          {Width: 5, Height: 5, Channels: 3, Compression: -2},
	} {
		if _, err := NewEncoder(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, not %s", err, want)
		}
	}
	e, err := NewEncoder(Options{Width: math.MaxInt32, Height: math.MaxInt32, Channels: 3})
	if err != nil || e.SegmentRows() != 1 || e.Bound() < 3*math.MaxInt32 {
		t.Error("the widest picture:", err)
	}
}

func TestMisuse(t *testing.T) {
	e, err := NewEncoder(Options{Width: 100, Height: 100, Channels: 3})
	if err != nil {
		t.Fatal(err)
	}
	n := e.SegmentRows()
	rows := makeRows(100, 100, 3)
	for want, f := range map[string]func() error{
		"rows from row 1 on are no segment":   func() error { _, err := e.Encode(nil, 1, rows[:n]); return err },
		"1 rows from row 0 on are no segment": func() error { _, err := e.Encode(nil, 0, rows[:1]); return err },
		"rows from row -1 on":                 func() error { _, err := e.Encode(nil, -1, rows[:n]); return err },
		"has 7 bytes, not 300": func() error {
			_, err := e.Encode(nil, 0, append([][]byte{make([]byte, 7)}, rows[1:n]...))
			return err
		},
		"rows from 0 on are missing": func() error { return e.NewWriter(new(bytes.Buffer)).Finish() },
		"no PNG segment at row 0":    func() error { return e.NewWriter(new(bytes.Buffer)).WriteSegment(nil) },
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, not %s", err, want)
		}
	}
}

// someMeta has all that a PNG can have.
func someMeta(channels int) metadata.Metadata {
	icc := make([]byte, 200)
	icc[3], icc[199] = 200, 7
	copy(icc[16:], map[int]string{1: "GRAY", 3: "RGB "}[channels])
	copy(icc[36:], "acsp")
	exif := append([]byte("MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"), 0, 0, 0, 0)
	return metadata.Metadata{ICC: icc, EXIF: exif, XMP: []byte("<x:xmpmeta/> of Zoë"),
		Resolution: &metadata.Resolution{X: 118.11, Y: 59.06, Unit: metadata.Centimetre}}
}

// TestMetadata: what is written is read; the units become centimetres.
func TestMetadata(t *testing.T) {
	for _, channels := range []int{1, 3} {
		o := Options{Width: 3, Height: 2, Channels: channels, Meta: someMeta(channels)}
		m, _ := mustDecode(t, encode(t, o, makeRows(3, 2, channels)))
		if !reflect.DeepEqual(m.Meta, o.Meta) || m.Orientation != 6 || len(m.Notices) > 0 {
			t.Errorf("%+v, orientation %d, notices %q", m.Meta, m.Orientation, m.Notices)
		}
		o.Meta = someMeta(4 - channels)
		if m, _ = mustDecode(t, encode(t, o, makeRows(3, 2, channels))); m.Meta.ICC != nil {
			t.Error("a profile for other channels was written")
		}
		o.Meta = metadata.Metadata{}
		if m, _ = mustDecode(t, encode(t, o, makeRows(3, 2, channels))); !reflect.DeepEqual(m.Meta, o.Meta) || m.Orientation != 1 {
			t.Errorf("%+v of nothing", m.Meta)
		}
	}
	for _, c := range []struct {
		give metadata.Resolution
		want *metadata.Resolution
	}{
		{metadata.Resolution{X: 300, Y: 72, Unit: metadata.Inch}, &metadata.Resolution{X: 118.11, Y: 28.35, Unit: metadata.Centimetre}},
		{metadata.Resolution{X: 4, Y: 3}, &metadata.Resolution{X: 4, Y: 3}},
		{metadata.Resolution{X: 1, Y: 1.5}, &metadata.Resolution{X: 1000, Y: 1500}},
		{metadata.Resolution{X: math.NaN(), Y: 1}, nil},
		{metadata.Resolution{X: 1e30, Y: 1}, nil},
		{metadata.Resolution{X: 0, Y: 1}, nil},
	} {
		o := Options{Width: 1, Height: 1, Channels: 1, Meta: metadata.Metadata{Resolution: &c.give}}
		m, _ := mustDecode(t, encode(t, o, makeRows(1, 1, 1)))
		if !reflect.DeepEqual(m.Meta.Resolution, c.want) {
			t.Errorf("%v became %v", c.give, m.Meta.Resolution)
		}
	}
}
