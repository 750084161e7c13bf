package raster

import (
	"encoding/json"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

// fixture is a picture of testdata and what OpenCV 4.6 reads from it; see testdata/make_fixtures.py.
type fixture struct {
	Picture, Expected string
}

func (f fixture) path() string { return filepath.Join("testdata", "pictures", f.Picture) }

func fixtures(t testing.TB) []fixture {
	t.Helper()
	b, err := os.ReadFile("testdata/manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []fixture
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// expected returns the picture in three channels.
func (f fixture) expected(t testing.TB) *pixels {
	t.Helper()
	r, err := os.Open(filepath.Join("testdata", "expected", f.Expected))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	img, err := png.Decode(r)
	if err != nil {
		t.Fatal(err)
	}
	rgba := img.(*image.RGBA) // OpenCV writes three channels
	p := newPixels(rgba.Rect.Dx(), rgba.Rect.Dy(), 3)
	for i := range p.width * p.height {
		copy(p.data[3*i:3*i+3], rgba.Pix[4*i:])
	}
	return p
}

func TestReadsWhatOpenCVReads(t *testing.T) {
	for _, f := range fixtures(t) {
		t.Run(f.Picture, func(t *testing.T) {
			want := f.expected(t)
			r := openFile(t, f.path())
			got := readAll(t, r)
			if got.width != want.width || got.height != want.height {
				t.Fatalf("%d×%d, OpenCV %d×%d", got.width, got.height, want.width, want.height)
			}
			if got.channels == 1 {
				got = &pixels{got.width, got.height, 3, threefold(got.data)}
			}
			worst, at := 0, 0
			for i, v := range got.data {
				if d := max(int(v), int(want.data[i])) - min(int(v), int(want.data[i])); d > worst {
					worst, at = d, i
				}
			}
			if worst > 0 {
				t.Errorf("differs by up to %d, at x %d, y %d, channel %d: %d, OpenCV %d",
					worst, at/3%got.width, at/3/got.width, at%3, got.data[at], want.data[at])
			}
		})
	}
}

func openFile(t testing.TB, path string) *Reader {
	return openFileWith(t, path, Options{MaxPixels: 1 << 30})
}

func openFileWith(t testing.TB, path string, o Options) *Reader {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(f, filepath.Base(path), o)
	if err != nil {
		f.Close()
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// readAll reads the rows in two goes, the lower ones first.
func readAll(t testing.TB, r *Reader) *pixels {
	t.Helper()
	in := r.Info()
	p := newPixels(in.Width, in.Height, in.Channels)
	rows := make([][]byte, in.Height)
	for y := range rows {
		rows[y] = p.row(y)
	}
	for _, y := range []int{in.Height / 2, 0} {
		if err := r.ReadRows(y, rows[y:]); err != nil {
			t.Fatal(err)
		}
		rows = rows[:y]
	}
	return p
}
