package jpeg

import (
	"bytes"
	"image"
	stdjpeg "image/jpeg"
	"io"
	"os"
	"path/filepath"
	"testing"

	"halorun/ranks/raster/scratch/scratchtest"
)

// benchPictures are files that HALORUN_BENCH_JPEG names, separated like those of a path, or the repository's photograph.
func benchPictures(b *testing.B) map[string][]byte {
	files := map[string][]byte{}
	paths := filepath.SplitList(os.Getenv("HALORUN_BENCH_JPEG"))
	if len(paths) == 0 {
		paths = []string{"../../../testdata/rocket.jpg"}
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		files[filepath.Base(path)] = data
	}
	return files
}

// peer is image/jpeg, which leaves the picture as YCbCr.
func BenchmarkDecode(b *testing.B) {
	for name, file := range benchPictures(b) {
		m, err := Parse(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			b.Fatal(err)
		}
		size := int64(m.Width * m.Height * m.Channels)
		b.Run("ours/"+name, func(b *testing.B) {
			b.SetBytes(size)
			rows := newPicture(m.Width, 16, m.Channels).rows()
			for b.Loop() {
				s, err := m.Stream()
				if err != nil {
					b.Fatal(err)
				}
				readThrough(b, m, s, rows)
			}
		})
		b.Run("peer/"+name, func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				if _, err := stdjpeg.Decode(bytes.NewReader(file)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	for name, file := range benchPictures(b) {
		p, err := decoded(file, 1000)
		if err != nil {
			b.Fatal(err)
		}
		rows := p.rows()
		b.Run("ours/"+name, func(b *testing.B) {
			b.SetBytes(int64(len(p.data)))
			var dst []byte
			for b.Loop() {
				e, err := NewEncoder(Options{Width: p.width, Height: p.height, Channels: p.channels, Quality: 90})
				if err != nil {
					b.Fatal(err)
				}
				for y := 0; y < p.height; y += e.SegmentRows() {
					if dst, err = e.Encode(dst[:0], y, rows[y:min(y+e.SegmentRows(), p.height)]); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
		b.Run("peer/"+name, func(b *testing.B) {
			b.SetBytes(int64(len(p.data)))
			img := image.NewRGBA(image.Rect(0, 0, p.width, p.height))
			for i := range p.width * p.height {
				copy(img.Pix[4*i:], p.data[3*i:3*i+3])
			}
			for b.Loop() {
				if err := stdjpeg.Encode(io.Discard, img, &stdjpeg.Options{Quality: 90}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkProgressive reads a progressive picture whose coefficients are in memory, and in a scratch file.
func BenchmarkProgressive(b *testing.B) {
	p := newPicture(4000, 3000, 3)
	for i := range p.data {
		x, y := i/3%p.width, i/3/p.width
		p.data[i] = byte(x/9+y/7+i%3*30) ^ byte(i*i>>9&7)
	}
	file := run(b, p.pnm(), "cjpeg", "-quality", "90", "-progressive")
	m, err := Parse(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		b.Fatal(err)
	}
	files := scratchtest.New(b)
	rows := newPicture(m.Width, 16, m.Channels).rows()
	for name, memory := range map[string]int64{"memory": m.Memory(), "scratch": 16 << 20} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(p.data)))
			for b.Loop() {
				s, err := m.StreamIn(memory, files.Make)
				if err != nil {
					b.Fatal(err)
				}
				readThrough(b, m, s, rows)
			}
		})
	}
}

// readThrough reads a stream to its end, a few rows at a time, and closes it.
func readThrough(b *testing.B, m *Image, s *Stream, rows [][]byte) {
	defer s.Close()
	for y := 0; y < m.Height; y += len(rows) {
		if err := s.ReadRows(rows[:min(len(rows), m.Height-y)]); err != nil {
			b.Fatal(err)
		}
	}
}
