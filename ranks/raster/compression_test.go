package raster

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"halorun/ranks/raster/scratch/scratchtest"
)

// A compressed TIFF is read as it was written, has the same bytes in a file and in a stream, and is smaller than one that is not compressed.
func TestCompressedTIFF(t *testing.T) {
	p := newPixels(701, 997, 3)
	for i := range p.data {
		p.data[i] = byte(i / 3 % 701 / 90)
	}
	for _, c := range []string{"lzw", "packbits", "deflate", "zstd"} {
		o := p.output("tiff")
		spools := scratchtest.New(t)
		o.Scratch = spools.Make
		var err error
		if o.Compression, o.Level, err = ParseCompression("tiff", c); err != nil {
			t.Fatal(err)
		}
		if err := o.Check(); err != nil {
			t.Fatal(err)
		}
		var files [2][]byte
		for i := range files {
			path := filepath.Join(t.TempDir(), "out.tif")
			f, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			w := NewWriter(f, o, i == 1)
			if w.Direct() {
				t.Errorf("%s: direct", c)
			}
			if err := w.Begin(); err != nil {
				t.Fatal(err)
			}
			for y := 0; y < p.height; y += 31 {
				if err := w.WriteRows(y, p.rows(y, min(y+31, p.height))); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Finish(); err != nil {
				t.Fatal(err)
			}
			f.Close()
			if got := readAll(t, openFile(t, path)); !bytes.Equal(got.data, p.data) {
				t.Errorf("%s: other samples", c)
			}
			if files[i], err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
		}
		if n, open := len(spools.Made()), spools.Open(); n != 1 || open != 0 {
			t.Errorf("%s: %d scratch files, of which %d stay", c, n, open)
		}
		if !bytes.Equal(files[0], files[1]) {
			t.Errorf("%s: a stream gets other bytes than a file", c)
		}
		if len(files[0]) > len(p.data)/2 {
			t.Errorf("%s: %d bytes of %d", c, len(files[0]), len(p.data))
		}
	}
}

func TestParseCompression(t *testing.T) {
	for s, want := range map[string]struct {
		name  string
		level int
	}{
		"png 0": {"deflate", 0}, "png 9": {"deflate", 9}, "tiff none": {"none", 0}, "tiff lzw": {"lzw", 0}, "tiff packbits": {"packbits", 0},
		"tiff deflate": {"deflate", 6}, "tiff deflate:1": {"deflate", 1}, "tiff zstd": {"zstd", 3}, "tiff zstd:22": {"zstd", 22}, "ppm none": {"", 0},
		"raw none": {"", 0},
	} {
		format, text, _ := strings.Cut(s, " ")
		name, level, err := ParseCompression(format, text)
		if err != nil || name != want.name || level != want.level {
			t.Errorf("%s: %q, %d, %v", s, name, level, err)
		}
		o := Output{Width: 1, Height: 1, Channels: 1, Format: format, Compression: name, Level: level}
		if err := o.Check(); err != nil {
			t.Errorf("%s passes, and then: %v", s, err)
		}
	}
	for s, want := range map[string]string{
		"png 10": "from 0, large and fast, to 9", "png -1": "from 0", "png deflate": "from 0", "png ": "from 0", "tiff ": "those of a TIFF are none",
		"tiff 6": "those of a TIFF are none", "tiff lzw:1": "lzw has no levels", "tiff none:": "none has no levels", "tiff deflate:0": "level of deflate is from 1",
		"tiff deflate:10": "level of deflate is from 1, fast, to 9", "tiff deflate:": "level of deflate", "tiff zstd:23": "level of zstd is from 1, fast, to 22",
		"jpeg 5": "--quality makes it", "jpeg none": "--quality makes it", "ppm zstd": "a .ppm is not compressed", "npy 1": "a .npy is not compressed",
	} {
		format, text, _ := strings.Cut(s, " ")
		if name, level, err := ParseCompression(format, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %d, %v", s, name, level, err)
		}
	}
	for _, o := range []Output{{Format: "png", Compression: "zstd", Level: 1}, {Format: "png", Compression: "deflate", Level: 10}, {Format: "png", Level: 1},
		{Format: "jpeg", Compression: "deflate", Level: 1}, {Format: "tiff", Compression: "lzw", Level: 1}, {Format: "ppm", Compression: "none"}} {
		o.Width, o.Height, o.Channels, o.Quality = 1, 1, 1, 90
		if err := o.Check(); err == nil || !strings.Contains(err.Error(), "there is no ") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
