package tiff

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// benchPicture is a photograph, of $HALORUN_BENCH_TIFF if it is set: one that this package reads.
func benchPicture(b *testing.B) (Output, [][]byte) {
	path := os.Getenv("HALORUN_BENCH_TIFF")
	if path == "" {
		o := Output{Width: 2000, Height: 1500, Channels: 3}
		return o, noisyRows(o.Width, o.Height, o.Channels)
	}
	m, rows := readPath(b, path, Options{})
	return Output{Width: m.Width, Height: m.Height, Channels: m.Channels}, rows
}

func BenchmarkDecode(b *testing.B) {
	o, rows := benchPicture(b)
	for _, c := range []Compression{None, PackBits, LZW, Deflate, Zstd} {
		o.Compression = c
		file, err := encode(o, rows)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(string(c), func(b *testing.B) {
			b.SetBytes(int64(o.Width * o.Height * o.Channels))
			dst := rowsOf(&Image{Width: o.Width, Channels: o.Channels}, o.Height)
			b.ReportAllocs()
			for b.Loop() {
				readIn(b, file, dst, 64)
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	o, rows := benchPicture(b)
	for _, c := range []Compression{PackBits, LZW, Deflate, Zstd} {
		o.Compression = c
		b.Run(string(c), func(b *testing.B) {
			e, err := NewEncoder(o)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(o.Width * o.Height * o.Channels))
			b.ReportAllocs()
			size := 0
			var dst []byte
			for b.Loop() {
				size = 0
				for y := 0; y < o.Height; y += e.SegmentRows() {
					if dst, err = e.Encode(dst[:0], y, rows[y:min(y+e.SegmentRows(), o.Height)]); err != nil {
						b.Fatal(err)
					}
					size += len(dst)
				}
			}
			b.ReportMetric(float64(size)/float64(o.Width*o.Height*o.Channels), "ratio")
		})
	}
}

func BenchmarkPredictor(b *testing.B) {
	row := make([]byte, 12000)
	for _, step := range []int{1, 3, 4} {
		b.Run("sum", func(b *testing.B) {
			b.SetBytes(int64(len(row)))
			for b.Loop() {
				sum8(row, step)
			}
		})
	}
	dst := make([]byte, len(row))
	b.Run("difference", func(b *testing.B) {
		b.SetBytes(int64(len(row)))
		for b.Loop() {
			predict(dst, row, 3)
		}
	})
}

// BenchmarkJPEG reads photographs in tiles of 256×256 pixels.
func BenchmarkJPEG(b *testing.B) {
	p := &picture{width: 2048, height: 1024, samples: 3, bits: 8, photometric: colourRGB}
	p.sample = func(x, y, s int) uint64 { return (uint64(x*x/900+y*(5-s)/4) + hash(x, y, s, 3)) & 255 }
	out := filepath.Join(b.TempDir(), "jpeg.tif")
	tool(b, "tiffcp", "-c", "jpeg:85", "-t", "-w", "256", "-l", "256", writeFile(b, "rgb.tif", p.file()), out)
	file := readFile(b, out)
	dst := rowsOf(&Image{Width: p.width, Channels: 3}, p.height)
	b.SetBytes(int64(p.width * p.height * 3))
	b.ReportAllocs()
	for b.Loop() {
		readIn(b, file, dst, 256)
	}
}

// readIn reads a file's picture into dst, so many rows at a time.
func readIn(b *testing.B, file []byte, dst [][]byte, rows int) {
	m, err := Parse(bytes.NewReader(file), int64(len(file)), Options{})
	if err != nil {
		b.Fatal(err)
	}
	for y := 0; y < len(dst); y += rows {
		if err := m.ReadRows(y, dst[y:min(y+rows, len(dst))]); err != nil {
			b.Fatal(err)
		}
	}
}
