package raster

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"halorun/ranks/raster/scratch/scratchtest"
)

// oriented returns the picture as an EXIF orientation wants it shown.
func (p *pixels) oriented(orientation int) *pixels {
	if orientation <= 1 {
		return p
	}
	w, h := p.width, p.height
	if orientation > 4 {
		w, h = h, w
	}
	out := newPixels(w, h, p.channels)
	n := p.channels
	for y := range h {
		row := out.row(y)
		for x := range w {
			fx, fy := x, y
			switch orientation {
			case 2: // mirrored left to right
				fx = p.width - 1 - x
			case 3: // upside down
				fx, fy = p.width-1-x, p.height-1-y
			case 4: // mirrored top to bottom
				fy = p.height - 1 - y
			case 5: // transposed
				fx, fy = y, x
			case 6: // turned, to be shown a quarter clockwise
				fx, fy = y, p.height-1-x
			case 7: // transposed over the other diagonal
				fx, fy = p.width-1-y, p.height-1-x
			case 8: // turned, to be shown a quarter counter-clockwise
				fx, fy = p.width-1-y, x
			}
			copy(row[x*n:(x+1)*n], p.row(fy)[fx*n:(fx+1)*n])
		}
	}
	return out
}

// pixelStream reads a picture that is in memory from top to bottom.
type pixelStream struct {
	*pixels
	next int
	open *int
}

func (s *pixelStream) ReadRows(dst [][]byte) error {
	for _, d := range dst {
		copy(d, s.row(s.next))
		s.next++
	}
	return nil
}

func (s *pixelStream) Close() error {
	*s.open--
	return nil
}

// Whatever memory there is, whichever way rows are read, and whatever the orientation, the picture is the one that is turned plainly.
func TestTurned(outer *testing.T) {
	outer.Parallel()
	files := scratchtest.New(outer)
	rapid.Check(outer, func(t *rapid.T) {
		side := rapid.OneOf(rapid.IntRange(1, 9), rapid.IntRange(1, 90), rapid.IntRange(90, 250))
		p := newPixels(side.Draw(t, "width"), side.Draw(t, "height"), rapid.SampledFrom([]int{1, 3}).Draw(t, "channels"))
		for i := range p.data {
			p.data[i] = byte(i*i>>3 ^ i)
		}
		h := &header{orientation: rapid.IntRange(1, 8).Draw(t, "orientation")}
		h.Width, h.Height, h.Channels = p.width, p.height, p.channels
		direct, open := rapid.Bool().Draw(t, "direct"), 0
		if direct {
			h.random = func(y int, dst [][]byte) error { return (&pixelStream{pixels: p, next: y}).ReadRows(dst) }
		} else {
			h.stream = func(room) (Stream, error) {
				open++
				return &pixelStream{pixels: p, open: &open}, nil
			}
		}
		r := &Reader{info: h.Info}
		r.access, _ = h.orient(&Reader{info: h.Info, access: h.access})
		r.room = room{rapid.Int64Range(0, int64(len(p.data))*2).Draw(t, "memory"), files.Make}
		if r.Direct() != (direct && h.orientation < 5) {
			t.Errorf("orientation %d of rows in any order %t: direct %t", h.orientation, direct, r.Direct())
		}
		want := p.oriented(h.orientation)
		got := newPixels(want.width, want.height, want.channels)
		r.info.Width, r.info.Height = want.width, want.height
		for y := rapid.IntRange(0, got.height-1).Draw(t, "first"); ; y = 0 { // again from the top
			for at := y; at < got.height; {
				n := min(rapid.IntRange(1, 40).Draw(t, "rows"), got.height-at)
				if err := r.ReadRows(at, got.rows(at, at+n)); err != nil {
					t.Fatal(err)
				}
				at += n
			}
			if !bytes.Equal(got.data[y*got.width*got.channels:], want.data[y*got.width*got.channels:]) {
				t.Fatal("it differs")
			}
			if y == 0 {
				break
			}
		}
		r.rewind()
		if open > 0 || files.Open() > 0 {
			t.Errorf("%d streams and %d scratch files are left", open, files.Open())
		}
	})
	if len(files.Made()) == 0 {
		outer.Error("nothing was spilled")
	}
}

// leastOf returns the least memory in which a picture is read with a scratch file.
func leastOf(t *testing.T, content []byte, o Options) int64 {
	t.Helper()
	h, err := parse(content[:16], io.NewSectionReader(bytes.NewReader(content), 0, int64(len(content))), o)
	if err != nil {
		t.Fatal(err)
	}
	_, takes := h.orient(&Reader{info: h.Info, access: h.access})
	return max(1, takes.least)
}

// What is kept in scratch files is read as what is kept in memory.
func TestFixturesInLittleMemory(t *testing.T) {
	t.Parallel()
	files := scratchtest.New(t)
	for _, f := range fixtures(t) {
		b := fixtureBytes(t, f.Picture)
		want, err := readBytes(t, b, roomy)
		if err != nil {
			t.Fatal(err)
		}
		o := roomy
		o.Scratch = files.Make
		o.Memory = leastOf(t, b, o)
		if got, err := readBytes(t, b, o); err != nil || !bytes.Equal(got.data, want.data) {
			t.Errorf("%s in %d bytes: %v", f.Picture, o.Memory, err)
		}
		if o.Memory--; o.Memory == 0 {
			continue // it takes none to speak of
		}
		if _, err := readBytes(t, b, o); err == nil || !strings.Contains(err.Error(), " of memory") {
			t.Errorf("%s in %d bytes: %v", f.Picture, o.Memory, err)
		}
	}
	if files.Open() > 0 {
		t.Errorf("%d scratch files are left", files.Open())
	}
}

// A large picture that is turned takes the memory that it may take.
func TestMemoryOfTurned(t *testing.T) {
	const width, height, memory = 4000, 3000, 3 << 20
	content := tiffOf(tag{tagWidth, width}, tag{tagHeight, height}, tag{tagRowsPerStrip, height}, tag{tagStripByteCounts, width * height}, tag{274, 6})
	path := filepath.Join(t.TempDir(), "large.tif")
	if err := errors.Join(os.WriteFile(path, content, 0o600), os.Truncate(path, 512+width*height)); err != nil {
		t.Fatal(err)
	}
	files := scratchtest.New(t)
	for memory, want := range map[int64]int{memory: 1, 1 << 30: 0} {
		r := openFileWith(t, path, Options{MaxPixels: 1 << 30, Memory: memory, Scratch: files.Make})
		if in := r.Info(); in.Width != height || in.Height != width || r.Direct() {
			t.Fatalf("%+v", in)
		}
		row := [][]byte{make([]byte, height)}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		made := len(files.Made())
		for y := range width {
			if err := r.ReadRows(y, row); err != nil {
				t.Fatal(err)
			}
		}
		runtime.ReadMemStats(&after)
		if spent := int64(after.TotalAlloc - before.TotalAlloc); spent > memory+64<<10 || len(files.Made())-made != want {
			t.Errorf("of %d bytes it takes %d, and %d scratch files", memory, spent, len(files.Made())-made)
		}
		if files.Open() != want {
			t.Errorf("%d scratch files are open", files.Open())
		}
		r.Close()
		if files.Open() > 0 {
			t.Errorf("%d scratch files are left", files.Open())
		}
	}
	_, err := Open(openOS(t, path), "large", Options{MaxPixels: 1 << 30, Memory: memory})
	if want := "large: its 4000×3000 pixels take 12 MiB to decode, of 3 MiB of memory; convert it to PPM or uncompressed TIFF, which are read by rows"; err == nil || err.Error() != want {
		t.Errorf("%v, not %s", err, want)
	}
	_, err = Open(openOS(t, path), "large", Options{MaxPixels: 1 << 30, Memory: 1000, Scratch: files.Make})
	if want := "large: its 4000×3000 pixels take 507406 bytes to decode, of 1000 bytes of memory"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%v, not %s", err, want)
	}
	r := openFileWith(t, path, Options{MaxPixels: 1 << 30, Memory: memory, Scratch: func() (*os.File, error) { return os.OpenFile("/dev/full", os.O_RDWR, 0) }})
	err = r.ReadRows(0, [][]byte{make([]byte, height)})
	if want := "large.tif: scratch file /dev/full: writing "; err == nil || !strings.HasPrefix(err.Error(), want) || !strings.HasSuffix(err.Error(), "no space left on device; make room there, or allow more memory") {
		t.Errorf("%v, not %s", err, want)
	}
}

// turnedPNG makes an interlaced PNG of noise that is to be shown in an orientation.
func turnedPNG(width, height int, orientation byte) []byte {
	head := binary.BigEndian.AppendUint32(nil, uint32(width))
	head = append(binary.BigEndian.AppendUint32(head, uint32(height)), 8, 2, 0, 0, 1)
	var raw bytes.Buffer
	z, err := zlib.NewWriterLevel(&raw, zlib.NoCompression)
	if err != nil {
		panic(err)
	}
	noise := rand.NewChaCha8([32]byte{orientation})
	for _, p := range [7][4]int{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}} {
		w, h := (width-p[0]+p[2]-1)/p[2], (height-p[1]+p[3]-1)/p[3]
		for range h {
			row := make([]byte, 1+3*w)
			_, _ = noise.Read(row[1:])
			_, _ = z.Write(row)
		}
	}
	_ = z.Close()
	b := appendChunk([]byte("\x89PNG\r\n\x1a\n"), "IHDR", head)
	b = appendChunk(b, "eXIf", []byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00"+string(orientation)+"\x00\x00\x00\x00\x00\x00\x00"))
	return appendChunk(appendChunk(b, "IDAT", raw.Bytes()), "IEND", nil)
}

// A picture that is both interlaced and to be turned spills twice, or once, or not at all, as memory allows.
func TestSpillsTwice(t *testing.T) {
	t.Parallel()
	files := scratchtest.New(t)
	for orientation := byte(2); orientation <= 8; orientation++ {
		b := turnedPNG(1100, 900, orientation)
		want, err := readBytes(t, b, roomy)
		if err != nil {
			t.Fatal(err)
		}
		o := roomy
		o.Scratch = files.Make
		least, most := leastOf(t, b, o), 0
		for _, memory := range []int64{least, 4_000_000, 1 << 30} {
			before := len(files.Made())
			o.Memory = memory
			if got, err := readBytes(t, b, o); err != nil || got.width != want.width || !bytes.Equal(got.data, want.data) {
				t.Errorf("orientation %d in %d bytes: %v", orientation, memory, err)
			}
			made := len(files.Made()) - before
			most = max(most, made)
			if memory == 1<<30 && made > 0 {
				t.Errorf("orientation %d: %d scratch files where there is memory", orientation, made)
			}
		}
		twice := 2
		if orientation == 2 {
			twice = 1 // its rows come from the stream
		}
		if most != twice {
			t.Errorf("orientation %d: %d scratch files, not %d", orientation, most, twice)
		}
	}
	if files.Open() > 0 {
		t.Errorf("%d scratch files are left", files.Open())
	}
}

func openOS(t *testing.T, path string) *os.File {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// BenchmarkTurned reads an uncompressed TIFF that is to be turned.
func BenchmarkTurned(b *testing.B) {
	const width, height = 8000, 6000
	path := filepath.Join(b.TempDir(), "large.tif")
	content := tiffOf(tag{tagWidth, width}, tag{tagHeight, height}, tag{tagRowsPerStrip, height}, tag{tagStripByteCounts, width * height}, tag{274, 6})
	if err := errors.Join(os.WriteFile(path, content, 0o600), os.Truncate(path, 512+width*height)); err != nil {
		b.Fatal(err)
	}
	files := scratchtest.New(b)
	for name, memory := range map[string]int64{"memory": 1 << 30, "scratch": 16 << 20} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(width * height)
			row := [][]byte{make([]byte, height)}
			for b.Loop() {
				r := openFileWith(b, path, Options{MaxPixels: 1 << 30, Memory: memory, Scratch: files.Make})
				for y := range width {
					if err := r.ReadRows(y, row); err != nil {
						b.Fatal(err)
					}
				}
				r.Close()
			}
		})
	}
}

func BenchmarkTranspose(b *testing.B) {
	for _, channels := range []int{1, 3} {
		b.Run(fmt.Sprint(channels), func(b *testing.B) {
			const width, height = 8000, 512
			s := &turned{turning: &turning{orientation: 6, width: width, height: height, channels: channels}}
			strip, group := make([]byte, width*height*channels), make([]byte, 16*width*channels)
			b.SetBytes(int64(len(strip)))
			for range b.N {
				for y := 0; y < height; y += 16 {
					s.transpose(strip, group, height, y, 16)
				}
			}
		})
	}
}
