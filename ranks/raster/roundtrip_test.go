package raster

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/image/tiff"
)

// awkward is sizes and channels: one pixel, lines, no multiple of anything.
var awkward = [][3]int{{1, 1, 1}, {1, 1, 3}, {1, 90, 1}, {1, 90, 3}, {90, 1, 1}, {90, 1, 3}, {67, 90, 1}, {67, 90, 3}}

// edges is sizes about those where a PNG's stretch of rows ends, which are one row or many long.
var edges = [][3]int{{1<<20 - 1, 2, 1}, {1<<20/3 + 1, 1, 3}, {511, 2048, 1}}

// eachOutput calls do with every awkward picture in every format that holds it.
func eachOutput(t *testing.T, formats []string, do func(t *testing.T, p *pixels, format string)) {
	for _, format := range formats {
		sizes := awkward
		if format == "png" {
			sizes = slices.Concat(awkward, edges)
		}
		for _, s := range sizes {
			p := draw(s[0], s[1], s[2], 11)
			if p.output(format).Check() == nil {
				t.Run(fmt.Sprintf("%s/%dx%dx%d", format, s[0], s[1], s[2]), func(t *testing.T) { do(t, p, format) })
			}
		}
	}
}

// someRows returns the heights of runs of rows, few of them for a small picture and not many for a high one.
func someRows(p *pixels) func() int { return func() int { return 1 + rand.IntN(1+p.height/3) } }

func TestAwkwardSizes(t *testing.T) {
	t.Parallel()
	eachOutput(t, allFormats, func(t *testing.T, p *pixels, format string) {
		b := write(t, p, format, false, atOnce(p))
		if !bytes.Equal(write(t, p, format, false, someRows(p)), b) {
			t.Error("other bytes in runs of rows")
		}
		got, err := readBytes(t, b, p.options(format))
		if err != nil {
			t.Fatal(err)
		}
		want := p
		if p.output(format).tripled() {
			want = p.colour()
		}
		if got.width != want.width || got.height != want.height || got.channels != want.channels {
			t.Fatalf("read as %d×%d×%d", got.width, got.height, got.channels)
		}
		if format != "jpeg" && !bytes.Equal(got.data, want.data) {
			t.Error("other samples")
		}
	})
}

// colour returns the picture in three channels.
func (p *pixels) colour() *pixels {
	if p.channels == 3 {
		return p
	}
	return &pixels{p.width, p.height, 3, threefold(p.data)}
}

// Others read what we write. PNG and JPEG are read by the standard library anyhow.
func TestOthersReadTIFF(t *testing.T) {
	t.Parallel()
	eachOutput(t, []string{"tiff"}, func(t *testing.T, p *pixels, format string) {
		img, err := tiff.Decode(bytes.NewReader(write(t, p, format, false, atOnce(p))))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := toPixels(img, p.channels); err != nil || img.Bounds() != image.Rect(0, 0, p.width, p.height) || !bytes.Equal(got.data, p.data) {
			t.Errorf("%v, other samples, %v", img.Bounds(), err)
		}
	})
}

// A JPEG of a smooth picture is close to it. A decoder's work is not exact, and neither is JPEG.
func TestJPEGIsClose(t *testing.T) {
	for _, channels := range []int{1, 3} {
		p := newPixels(67, 90, channels)
		for i := range p.data {
			x, y := i/channels%p.width, i/channels/p.width
			p.data[i] = byte(x + y + i%channels*40)
		}
		got, err := readBytes(t, write(t, p, "jpeg", false, atOnce(p)), roomy)
		if err != nil {
			t.Fatal(err)
		}
		if worst := furthest(got.data, p.data); worst > 6 {
			t.Errorf("%d channels: a sample differs by %d", channels, worst)
		}
	}
}

// Two processes, each of which opened the file for itself, write rows in any order.
func TestDirectByTwoFiles(t *testing.T) {
	for _, format := range []string{"tiff", "ppm", "pgm", "pnm", "pam", "npy", "raw", "rgb"} {
		for _, size := range [][2]int{{1, 1}, {67, 90}, {5, 3000}} {
			p := draw(size[0], size[1], 1, 3)
			path := filepath.Join(t.TempDir(), "out")
			var files [2]*os.File
			for i := range files {
				f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				files[i] = f
			}
			o := p.output(format)
			writers := [2]Writer{NewWriter(files[0], o, false), NewWriter(files[1], o, false)}
			for i, y := range rand.Perm(p.height) { // the header comes when some rows are there
				if err := writers[i%2].WriteRows(y, p.rows(y, y+1)); err != nil {
					t.Fatal(err)
				}
			}
			if err := errors.Join(writers[0].Begin(), writers[0].Finish()); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, write(t, p, format, false, atOnce(p))) {
				t.Errorf("%s %v: other bytes, %v", format, size, err)
			}
		}
	}
}

// A pipe gets the bytes that a file gets.
func TestPipe(t *testing.T) {
	p := draw(211, 300, 3, 5) // more than a pipe holds
	for _, format := range allFormats {
		if p.output(format).Check() != nil {
			continue
		}
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		wrote := make(chan error, 1)
		go func() {
			defer w.Close()
			to := NewWriter(w, p.output(format), true)
			err := to.Begin()
			for y := 0; y < p.height && err == nil; y += 7 {
				rows := p.rows(y, min(y+7, p.height))
				for i := range rows {
					rows[i] = bytes.Clone(rows[i]) // not side by side
				}
				err = to.WriteRows(y, rows)
			}
			if err == nil {
				err = to.Finish()
			}
			wrote <- err
		}()
		got, err := io.ReadAll(r)
		r.Close()
		if err = errors.Join(err, <-wrote); err != nil {
			t.Fatal(format, err)
		}
		if !bytes.Equal(got, write(t, p, format, false, atOnce(p))) {
			t.Errorf("%s: a pipe gets other bytes", format)
		}
	}
}

// Somebody's open file is written from where it stands.
func TestStreamBehindOtherBytes(t *testing.T) {
	p := draw(9, 7, 3, 5)
	for _, format := range []string{"png", "jpeg", "tiff", "ppm", "npy", "raw"} {
		f, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString("before"); err != nil {
			t.Fatal(err)
		}
		w := NewWriter(f, p.output(format), true)
		if err := errors.Join(w.Begin(), w.WriteRows(0, p.rows(0, p.height)), w.Finish()); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(f.Name())
		if want := append([]byte("before"), write(t, p, format, false, atOnce(p))...); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: other bytes, %v", format, err)
		}
	}
}

// threefold returns each sample three times.
func threefold(data []byte) []byte {
	var out []byte
	for _, v := range data {
		out = append(out, v, v, v)
	}
	return out
}
