package raster

import (
	"bytes"
	"errors"
	"image/png"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// draw makes a picture with smooth parts and noise.
func draw(width, height, channels int, seed uint64) *pixels {
	p := newPixels(width, height, channels)
	noise := rand.New(rand.NewPCG(seed, 1))
	for i := range p.data {
		x, y := i/channels%width, i/channels/width
		p.data[i] = byte(x*3 + y*2 + i%channels*50 + noise.IntN(1+y%7))
	}
	return p
}

func (p *pixels) rows(from, to int) [][]byte {
	var rows [][]byte
	for y := from; y < to; y++ {
		rows = append(rows, p.row(y))
	}
	return rows
}

func (p *pixels) output(format string) Output {
	return Output{Width: p.width, Height: p.height, Channels: p.channels, Format: format, Quality: 90}
}

// options are those by which a picture of the given format is read.
func (p *pixels) options(format string) Options {
	o := roomy
	switch format {
	case "raw", "gray":
		o.Geometry = &Geometry{p.width, p.height, p.channels, 0}
	case "rgb":
		o.Geometry = &Geometry{p.width, p.height, 3, 0}
	}
	return o
}

// write writes the picture and returns the file. next gives the heights of the runs of rows. If the format is direct, they are
// shuffled, and every other one is written by another writer.
func write(t testing.TB, p *pixels, format string, stream bool, next func() int) []byte {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	o := p.output(format)
	if err := o.Check(); err != nil {
		t.Fatal(err)
	}
	w := NewWriter(f, o, stream)
	if err := w.Begin(); err != nil {
		t.Fatal(err)
	}
	var runs [][2]int
	for y := 0; y < p.height; {
		n := min(next(), p.height-y)
		runs = append(runs, [2]int{y, y + n})
		y += n
	}
	if w.Direct() {
		rand.Shuffle(len(runs), func(i, j int) { runs[i], runs[j] = runs[j], runs[i] })
	}
	for i, r := range runs {
		by := w
		if w.Direct() && i%2 == 1 {
			by = NewWriter(f, o, stream) // another process's
		}
		rows := p.rows(r[0], r[1])
		if i%3 == 0 { // which do not lie side by side
			for k := range rows {
				rows[k] = bytes.Clone(rows[k])
			}
		}
		if err := by.WriteRows(r[0], rows); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	if size, known := o.Size(); known && size != int64(len(b)) {
		t.Fatalf("%s: the file has %d bytes, Size says %d", format, len(b), size)
	}
	return b
}

func atOnce(p *pixels) func() int { return func() int { return p.height } }

var allFormats = []string{"png", "jpeg", "tiff", "ppm", "pgm", "pnm", "pam", "npy", "raw", "rgb", "gray"}

// The bytes of a file are a function of the picture, and neither of the grouping of rows nor of the way they took.
func TestBytesDoNotDependOnGrouping(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := draw(rapid.IntRange(1, 70).Draw(rt, "width"), rapid.IntRange(1, 50).Draw(rt, "height"),
			rapid.SampledFrom([]int{1, 3}).Draw(rt, "channels"), rapid.Uint64().Draw(rt, "seed"))
		format := rapid.SampledFrom(allFormats).Draw(rt, "format")
		if GreyOnly(format) && p.channels == 3 {
			format = "ppm"
		}
		want := write(t, p, format, false, atOnce(p))
		for _, stream := range []bool{false, true} {
			got := write(t, p, format, stream, func() int { return rapid.IntRange(1, 9).Draw(rt, "run") })
			if !bytes.Equal(got, want) {
				rt.Fatalf("%s, stream %t: other bytes", format, stream)
			}
		}
	})
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	for _, size := range [][2]int{{1, 1}, {1, 300}, {300, 1}, {7, 5}, {16, 16}, {63, 17}, {401, 31}, {70000, 2}, {2, 70000}, {211, 700}} {
		for _, channels := range []int{1, 3} {
			drawn := draw(size[0], size[1], channels, 7)
			for _, format := range allFormats {
				if GreyOnly(format) && channels == 3 || format == "jpeg" && max(size[0], size[1]) > 65535 {
					continue
				}
				p := drawn
				if err := os.WriteFile(path, write(t, p, format, false, atOnce(p)), 0o666); err != nil {
					t.Fatal(err)
				}
				r := openFileWith(t, path, p.options(format))
				got := readAll(t, r)
				r.Close()
				if p.output(format).tripled() {
					p = p.colour()
				}
				if got.width != p.width || got.height != p.height || got.channels != p.channels {
					t.Errorf("%s %v×%d: read as %d×%d×%d", format, size, channels, got.width, got.height, got.channels)
				} else if format != "jpeg" && !bytes.Equal(got.data, p.data) {
					t.Errorf("%s %v×%d: read other samples", format, size, channels)
				} else if format == "jpeg" && channels == 1 {
					if worst := furthest(got.data, p.data); worst > 40 {
						t.Errorf("jpeg %v: a sample differs by %d", size, worst)
					}
				}
			}
		}
	}
}

func furthest(a, b []byte) int {
	worst := 0
	for i := range a {
		worst = max(worst, int(max(a[i], b[i])-min(a[i], b[i])))
	}
	return worst
}

// A picture of several stretches, of which each is deflated for itself, is one PNG for a decoder that checks all sums.
func TestPNGOfManyStretches(t *testing.T) {
	t.Parallel()
	p := draw(1001, 800, 3, 3)
	b := write(t, p, "png", false, func() int { return 37 })
	if n := bytes.Count(b, []byte("IDAT")); n != 17 { // and one that ends the stream
		t.Errorf("%d chunks", n)
	}
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := toPixels(img, 3); err != nil || !bytes.Equal(got.data, p.data) {
		t.Errorf("other samples, %v", err)
	}
}

func TestWritersWantAllRowsInOrder(t *testing.T) {
	for _, format := range allFormats {
		p := draw(5, 6, 1, 1)
		null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer null.Close()
		w := NewWriter(null, p.output(format), true)
		if w.Direct() {
			t.Errorf("%s: direct to a stream", format)
		}
		if err := w.Begin(); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.WriteRows(0, nil), w.WriteRows(0, p.rows(0, 2)), w.WriteRows(2, nil)); err != nil {
			t.Fatal(err)
		}
		for _, r := range [][2]int{{0, 1}, {3, 4}, {1, 2}} {
			if err := w.WriteRows(r[0], p.rows(r[0], r[1])); err == nil {
				t.Errorf("%s: takes row %d when row 2 is due", format, r[0])
			}
		}
		if err := w.WriteRows(2, append(p.rows(2, 6), p.row(0))); err == nil {
			t.Errorf("%s: takes a row too many", format)
		}
		if err := w.Finish(); err == nil || !strings.Contains(err.Error(), "2 of 6") {
			t.Errorf("%s: finished with 2 of 6 rows: %v", format, err)
		}
		w.Abort()
		w.Abort()
	}
}

func pngTo(w io.Writer, p *pixels) *SegmentWriter {
	o := p.output("png")
	e := o.pngEncoder()
	return newSegmentWriter(o, e, e.NewWriter(w))
}

// A caller that goes on after an error, or after the end, gets an error and waits for nobody.
func TestPNGAfterItsEnd(t *testing.T) {
	small := draw(3, 2, 1, 1)
	w := pngTo(&failAfter{70}, small)
	if err := errors.Join(w.Begin(), w.WriteRows(0, small.rows(0, 2))); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.Finish(); err != io.ErrShortWrite {
			t.Error(err)
		}
		if err := w.WriteRows(2, nil); err != io.ErrShortWrite {
			t.Error(err)
		}
	}
	var b bytes.Buffer
	w = pngTo(&b, small)
	if err := errors.Join(w.Begin(), w.WriteRows(0, small.rows(0, 2)), w.Finish()); err != nil {
		t.Fatal(err)
	}
	n := b.Len()
	if w.Finish() == nil || w.WriteRows(2, nil) == nil || b.Len() != n {
		t.Error("it goes on after its end")
	}
	w = pngTo(&b, small)
	if err := w.Begin(); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	if w.WriteRows(0, small.rows(0, 2)) == nil || w.Finish() == nil {
		t.Error("it goes on after Abort")
	}
}

// A full disk ends the writing, with its error, and leaves no goroutine.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	p := draw(500, 1500, 3, 1)
	for _, format := range []string{"png", "jpeg", "tiff", "ppm"} {
		w := NewWriter(full, p.output(format), true)
		err := w.Begin()
		if err == nil {
			err = w.WriteRows(0, p.rows(0, p.height))
		}
		if err == nil {
			err = w.Finish()
		}
		if err == nil || !strings.Contains(err.Error(), "no space left") {
			t.Errorf("%s: %v", format, err)
		}
		w.Abort()
	}
}

// failAfter fails once n bytes were written.
type failAfter struct{ n int }

func (f *failAfter) Write(b []byte) (int, error) {
	if f.n -= len(b); f.n < 0 {
		return 0, io.ErrShortWrite
	}
	return len(b), nil
}

func TestPNGStopsAtTheFirstError(t *testing.T) {
	t.Parallel()
	p := draw(1000, 1300, 3, 1)
	for _, n := range []int{0, 10, 40, 100_000, 1 << 20} {
		w := pngTo(&failAfter{n}, p)
		err := w.Begin()
		for y := 0; err == nil && y < p.height; y++ {
			err = w.WriteRows(y, p.rows(y, y+1))
		}
		if err == nil {
			err = w.Finish()
		}
		if err != io.ErrShortWrite {
			t.Errorf("after %d bytes: %v", n, err)
		}
		w.Abort()
	}
}
