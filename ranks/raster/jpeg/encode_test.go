package jpeg

import (
	"bytes"
	stdjpeg "image/jpeg"
	"reflect"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"halorun/ranks/raster/metadata"
)

// encoded writes a picture, whose segments are made from the last to the first.
func encoded(t testing.TB, p *picture, o Options) []byte {
	t.Helper()
	o.Width, o.Height, o.Channels = p.width, p.height, p.channels
	e, err := NewEncoder(o)
	if err != nil {
		t.Fatal(err)
	}
	n := e.SegmentRows()
	segments := make([][]byte, ceil(p.height, n))
	rows := p.rows()
	for i := len(segments) - 1; i >= 0; i-- {
		b, err := e.Encode([]byte("before"), i*n, rows[i*n:min((i+1)*n, p.height)])
		if err != nil {
			t.Fatal(err)
		}
		segments[i] = bytes.TrimPrefix(b, []byte("before"))
		if len(segments[i]) > e.Bound() {
			t.Errorf("a segment of %d bytes, which were to be %d at most", len(segments[i]), e.Bound())
		}
	}
	var out bytes.Buffer
	w := e.NewWriter(&out)
	if err := w.Begin(); err != nil {
		t.Fatal(err)
	}
	for _, s := range segments {
		if err := w.WriteSegment(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// What is written is what cjpeg writes, byte for byte, and other decoders read it.
func TestEncodesAsCjpeg(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		p := scene(r, sizes.Draw(r, "width"), sizes.Draw(r, "height"), rapid.SampledFrom([]int{1, 3, 3, 3}).Draw(r, "channels"))
		o := Options{Quality: rapid.IntRange(1, 100).Draw(r, "quality"), Sampling: rapid.SampledFrom([]Sampling{Sampling420, Sampling420, Sampling422, Sampling444}).Draw(r, "sampling")}
		file := encoded(t, p, o)
		want := run(t, p.pnm(), "cjpeg", "-baseline", "-quality", strconv.Itoa(o.Quality), "-restart", "1",
			"-sample", []string{"2x2", "2x1", "1x1"}[o.Sampling])
		if p.channels == 1 {
			want = run(t, p.pnm(), "cjpeg", "-baseline", "-quality", strconv.Itoa(o.Quality), "-restart", "1")
		}
		if !bytes.Equal(file, want) {
			at := 0
			for at < min(len(file), len(want)) && file[at] == want[at] {
				at++
			}
			r.Fatalf("%d bytes, cjpeg's are %d; they differ from byte %d on", len(file), len(want), at)
		}
		if _, err := stdjpeg.Decode(bytes.NewReader(file)); err != nil {
			r.Fatal(err)
		}
	})
}

// Metadata comes back as it went.
func TestMetadata(t *testing.T) {
	long := bytes.Repeat([]byte("profile "), 20000) // three segments
	for name, meta := range map[string]metadata.Metadata{
		"none":  {},
		"all":   {ICC: long, EXIF: exifOf(3), XMP: []byte("<x:xmpmeta/>"), Resolution: &metadata.Resolution{X: 300, Y: 299, Unit: metadata.Inch}},
		"ratio": {Resolution: &metadata.Resolution{X: 3, Y: 2}},
		"cm":    {Resolution: &metadata.Resolution{X: 118, Y: 118, Unit: metadata.Centimetre}},
	} {
		file := encoded(t, newPicture(20, 20, 3), Options{Quality: 90, Meta: meta})
		m, err := Parse(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(m.Meta, meta) || len(m.Notices) > 0 {
			t.Errorf("%s: %+v, not %+v; %q", name, m.Meta, meta, m.Notices)
		}
		if want := map[bool]int{true: 3, false: 1}[meta.EXIF != nil]; m.Orientation != want {
			t.Errorf("%s: orientation %d", name, m.Orientation)
		}
		same(t, name, mustDecode(t, file), djpeg(t, file))
	}
	e, err := NewEncoder(Options{Width: 1, Height: 1, Channels: 1, Quality: 1, Meta: metadata.Metadata{EXIF: make([]byte, 1<<16), XMP: make([]byte, 1<<16), ICC: make([]byte, 1<<24)}})
	if err != nil || !reflect.DeepEqual(e.LeftOut(), []string{"EXIF", "XMP", "ICC profile"}) {
		t.Error(err, e.LeftOut())
	}
	if n := len(e.header()); n > 1000 {
		t.Errorf("a header of %d bytes", n)
	}
}

func exifOf(orientation byte) []byte {
	return append([]byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00"), orientation, 0, 0, 0, 0, 0, 0, 0)
}

func mustDecode(t testing.TB, file []byte) *picture {
	t.Helper()
	p, err := decoded(file, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEncoderRefuses(t *testing.T) {
	for _, o := range []Options{{}, {Width: 65536, Height: 1, Channels: 1, Quality: 1}, {Width: 1, Height: 1, Channels: 2, Quality: 1}, {Width: 1, Height: 1, Channels: 1},
		{Width: 1, Height: 1, Channels: 1, Quality: 101}, {Width: 1, Height: 1, Channels: 1, Quality: 9, Sampling: 3}} {
		if _, err := NewEncoder(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
	e, err := NewEncoder(Options{Width: 5, Height: 20, Channels: 1, Quality: 50})
	if err != nil {
		t.Fatal(err)
	}
	rows := newPicture(5, 20, 1).rows()
	for _, c := range [][2]int{{0, 7}, {8, 4}, {4, 8}, {16, 8}, {-8, 8}, {24, 0}} {
		if _, err := e.Encode(nil, c[0], rows[:c[1]]); err == nil {
			t.Errorf("%d rows at row %d are taken for a segment", c[1], c[0])
		}
	}
}
