package png

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"halorun/ranks/raster/scratch/scratchtest"
)

// photo makes rows that are like a photograph: soft gradients, edges, and noise.
func photo(width, height, channels int) [][]byte {
	rng := rand.New(rand.NewPCG(1, 2))
	rows := makeRows(width, height, channels)
	for y, row := range rows {
		for x := range width {
			base := 120 + 50*math.Sin(float64(x)/97)*math.Cos(float64(y)/71)
			if (x/300+y/200)%3 == 0 {
				base -= 40
			}
			noise := rng.Uint64()
			for c := range channels {
				row[x*channels+c] = byte(base + float64(noise>>(8*c)&7) + float64(c*8))
			}
		}
	}
	return rows
}

func makeRows(width, height, channels int) [][]byte {
	all := make([]byte, width*height*channels)
	rows := make([][]byte, height)
	for y := range rows {
		rows[y] = all[y*width*channels : (y+1)*width*channels]
	}
	return rows
}

// benchPicture is the PPM or PGM that HALORUN_BENCH_PICTURE names, or something like a photograph.
func benchPicture(b *testing.B) (rows [][]byte, width, height, channels int) {
	name := os.Getenv("HALORUN_BENCH_PICTURE")
	if name == "" {
		width, height, channels = 4000, 3000, 3
		return photo(width, height, channels), width, height, channels
	}
	content, err := os.ReadFile(name)
	if err != nil {
		b.Fatal(err)
	}
	var kind byte
	var most int
	if _, err := fmt.Sscanf(string(content[:32]), "P%c\n%d %d\n%d\n", &kind, &width, &height, &most); err != nil {
		b.Fatal(err)
	}
	channels = map[byte]int{'5': 1, '6': 3}[kind]
	rows = makeRows(width, height, channels)
	pixels := content[len(content)-width*height*channels:]
	for _, row := range rows {
		pixels = pixels[copy(row, pixels):]
	}
	return rows, width, height, channels
}

func toImage(rows [][]byte, width, height, channels int) image.Image {
	if channels == 1 {
		img := image.NewGray(image.Rect(0, 0, width, height))
		for y, row := range rows {
			copy(img.Pix[y*img.Stride:], row)
		}
		return img
	}
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y, row := range rows {
		for x := range width {
			copy(img.Pix[y*img.Stride+4*x:], row[3*x:3*x+3])
			img.Pix[y*img.Stride+4*x+3] = 255
		}
	}
	return img
}

func BenchmarkEncode(b *testing.B) {
	rows, width, height, channels := benchPicture(b)
	for _, level := range []int{0, DefaultCompression, 2, 3, 4, 5, 6, 7} {
		b.Run(fmt.Sprint("halorun/", level), func(b *testing.B) {
			b.SetBytes(int64(width * height * channels))
			n := 0
			e, err := NewEncoder(Options{Width: width, Height: height, Channels: channels, Compression: level})
			if err != nil {
				b.Fatal(err)
			}
			var segment []byte
			for b.Loop() {
				n = 0
				for y := 0; y < height; y += e.SegmentRows() {
					if segment, err = e.Encode(segment[:0], y, rows[y:min(height, y+e.SegmentRows())]); err != nil {
						b.Fatal(err)
					}
					n += len(segment)
				}
			}
			b.ReportMetric(float64(n), "B/file")
		})
	}
	b.Run("filter", func(b *testing.B) {
		b.SetBytes(int64(width * height * channels))
		e, err := NewEncoder(Options{Width: width, Height: height, Channels: channels})
		if err != nil {
			b.Fatal(err)
		}
		e.o.Compression = 1
		dst := make([]byte, 1+width*channels)
		for b.Loop() {
			for y := 1; y < height; y++ {
				e.filterRow(dst, rows[y], rows[y-1])
			}
		}
	})
	b.Run("image-png", func(b *testing.B) {
		b.SetBytes(int64(width * height * channels))
		img := toImage(rows, width, height, channels)
		var out bytes.Buffer
		for b.Loop() {
			out.Reset()
			if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&out, img); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(out.Len()), "B/file")
	})
}

func BenchmarkDecode(b *testing.B) {
	var content []byte
	if name := os.Getenv("HALORUN_BENCH_PNG"); name != "" {
		var err error
		if content, err = os.ReadFile(name); err != nil {
			b.Fatal(err)
		}
	} else {
		rows, width, height, channels := benchPicture(b)
		content = encode(b, Options{Width: width, Height: height, Channels: channels, Compression: DefaultCompression}, rows)
	}
	b.Run("halorun", func(b *testing.B) {
		for b.Loop() {
			m, err := Parse(bytes.NewReader(content), int64(len(content)))
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(m.Width * m.Height * m.Channels))
			s, _ := m.Stream()
			rows := makeRows(m.Width, 16, m.Channels)
			for y := 0; y < m.Height; y += len(rows) {
				if err := s.ReadRows(rows[:min(len(rows), m.Height-y)]); err != nil {
					b.Fatal(err)
				}
			}
			_ = s.Close()
		}
	})
	b.Run("inflate", func(b *testing.B) {
		buffer := make([]byte, blockBytes)
		for b.Loop() {
			m, err := Parse(bytes.NewReader(content), int64(len(content)))
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(m.Width * m.Height * m.Channels))
			f := newInflater(m.src, m.data, m.size)
			if err := f.begin(); err != nil {
				b.Fatal(err)
			}
			for err == nil {
				_, err = io.ReadFull(f.flate, buffer)
			}
			f.close()
		}
	})
	b.Run("image-png", func(b *testing.B) {
		for b.Loop() {
			img, err := png.Decode(bytes.NewReader(content))
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(img.Bounds().Dx() * img.Bounds().Dy() * 3))
		}
	})
}

func BenchmarkUnfilter(b *testing.B) {
	for _, size := range []int{1, 2, 3, 4, 6, 8} {
		for filter := byte(1); filter < filters; filter++ {
			for _, quick := range []bool{false, true} {
				u := newUnfilterer(size)
				if !quick {
					*u = unfilterer{size: size}
				}
				row, above := make([]byte, 12000), make([]byte, 12000)
				b.Run(fmt.Sprintf("%d/%d/assembly=%v", size, filter, u.fast), func(b *testing.B) {
					b.SetBytes(int64(len(row)))
					for b.Loop() {
						u.undo(filter, row, above)
					}
				})
			}
		}
	}
}

// BenchmarkInterlaced reads an interlaced picture whose even rows are in memory, and in a scratch file.
func BenchmarkInterlaced(b *testing.B) {
	rows, width, height, channels := benchPicture(b)
	k := kind{rgb, 8, true}
	made := &made{kind: k, width: width, height: height, header: k.header(width, height)}
	img := &Image{Width: width, Height: height, Depth: 8, colour: rgb, interlaced: true}
	for _, p := range img.passes() {
		for y := range p.height {
			made.raw = append(made.raw, filterSub)
			var before [3]byte
			for x := range p.width {
				now := [3]byte(rows[p.y+y*p.stepY][(p.x+x*p.stepX)*channels:])
				made.raw = append(made.raw, now[0]-before[0], now[1]-before[1], now[2]-before[2])
				before = now
			}
		}
	}
	m, err := parse(made.file(0))
	if err != nil {
		b.Fatal(err)
	}
	files := scratchtest.New(b)
	row := makeRows(width, 1, channels)
	for name, memory := range map[string]int64{"memory": m.Memory(), "scratch": 0} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(width * height * channels))
			for b.Loop() {
				s, err := m.StreamIn(memory, files.Make)
				if err != nil {
					b.Fatal(err)
				}
				for range height {
					if err := s.ReadRows(row); err != nil {
						b.Fatal(err)
					}
				}
				s.Close()
			}
		})
	}
}
