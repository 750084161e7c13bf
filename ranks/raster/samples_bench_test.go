package raster

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkConverted reads pictures of 2000×1500 whose samples are converted, beside one whose are not.
func BenchmarkConverted(b *testing.B) {
	const width, height = 2000, 1500
	for _, c := range []struct {
		name, header string
		bytes        int // of a pixel
		options      Options
	}{
		{"plain", "P6 %d %d 255\n", 3, Options{}},
		{"16", "P6 %d %d 65535\n", 6, Options{}},
		{"16-scaled", "P6 %d %d 65535\n", 6, Options{Scale: &Scale{0, 4095}}},
		{"alpha", "P7\nWIDTH %d\nHEIGHT %d\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n", 4, Options{}},
		{"grey16", "P5 %d %d 65535\n", 2, Options{}},
		{"floats", "", 12, Options{Scale: &Scale{0, 255}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "in")
			header := fmt.Sprintf(c.header, width, height)
			if c.name == "floats" {
				header = string(arrayOf("<f4", fmt.Sprintf("(%d, %d, 3)", height, width), nil))
			}
			if err := os.WriteFile(path, append([]byte(header), make([]byte, width*height*c.bytes)...), 0o666); err != nil {
				b.Fatal(err)
			}
			c.options.MaxPixels = 1 << 30
			r := openFileWith(b, path, c.options)
			p := newPixels(width, height, r.Info().Channels)
			rows := p.rows(0, height)
			b.SetBytes(int64(len(p.data)))
			for b.Loop() {
				if err := r.ReadRows(0, rows); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
