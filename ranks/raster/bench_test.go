package raster

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// A picture of 12 megapixels, as a camera makes it.
const benchWidth, benchHeight = 4000, 3000

func BenchmarkWrite(b *testing.B) {
	for _, channels := range []int{1, 3} {
		p := draw(benchWidth, benchHeight, channels, 1)
		for _, format := range []string{"png", "jpeg"} {
			b.Run(fmt.Sprintf("%s/%d", format, channels), func(b *testing.B) {
				b.SetBytes(int64(len(p.data)))
				null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
				if err != nil {
					b.Fatal(err)
				}
				defer null.Close()
				for b.Loop() {
					w := NewWriter(null, p.output(format), true)
					if err := w.Begin(); err != nil {
						b.Fatal(err)
					}
					for y := 0; y < p.height; y += 100 {
						if err := w.WriteRows(y, p.rows(y, y+100)); err != nil {
							b.Fatal(err)
						}
					}
					if err := w.Finish(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkRead(b *testing.B) {
	for _, channels := range []int{1, 3} {
		p := draw(benchWidth, benchHeight, channels, 1)
		for _, format := range []string{"png", "jpeg", "tiff", "pnm"} {
			b.Run(fmt.Sprintf("%s/%d", format, channels), func(b *testing.B) {
				path := filepath.Join(b.TempDir(), "file")
				if err := os.WriteFile(path, write(b, p, format, false, atOnce(p)), 0o666); err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(len(p.data)))
				into := newPixels(p.width, p.height, p.channels)
				for b.Loop() {
					f, err := os.Open(path)
					if err != nil {
						b.Fatal(err)
					}
					r, err := Open(f, path, roomy)
					if err != nil {
						b.Fatal(err)
					}
					if err := r.ReadRows(0, into.rows(0, into.height)); err != nil {
						b.Fatal(err)
					}
					r.Close()
				}
			})
		}
	}
}
