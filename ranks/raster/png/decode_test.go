package png

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// samplesOf returns what a picture of the standard library is as samples: alpha and the lower of 16 bits dropped.
func samplesOf(t *testing.T, img image.Image, channels int) []byte {
	t.Helper()
	b := img.Bounds()
	out := make([]byte, 0, b.Dx()*b.Dy()*channels)
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			var c [3]byte
			switch img := img.(type) {
			case *image.Gray:
				c[0] = img.GrayAt(x, y).Y
			case *image.Gray16:
				c[0] = byte(img.Gray16At(x, y).Y >> 8)
			case *image.RGBA:
				v := img.RGBAAt(x, y)
				c = [3]byte{v.R, v.G, v.B}
			case *image.NRGBA:
				v := img.NRGBAAt(x, y)
				c = [3]byte{v.R, v.G, v.B}
			case *image.RGBA64:
				v := img.RGBA64At(x, y)
				c = [3]byte{byte(v.R >> 8), byte(v.G >> 8), byte(v.B >> 8)}
			case *image.NRGBA64:
				v := img.NRGBA64At(x, y)
				c = [3]byte{byte(v.R >> 8), byte(v.G >> 8), byte(v.B >> 8)}
			case *image.Paletted:
				v := color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)
				c = [3]byte{v.R, v.G, v.B}
			default:
				t.Fatalf("the standard library makes a %T", img)
			}
			out = append(out, c[:channels]...)
		}
	}
	return out
}

// TestEqualsStandardLibrary: pictures of all kinds and awkward sizes, by all filters, are what image/png makes of them.
func TestEqualsStandardLibrary(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, k := range allKinds() {
		for _, size := range [][2]int{{1, 1}, {2, 1}, {1, 9}, {3, 3}, {5, 8}, {7, 13}, {8, 8}, {9, 5}, {31, 4}, {32, 33}, {67, 10}, {131, 17}, {4099, 3}} {
			made := random(rng, k, size[0], size[1])
			file := made.file(rng.IntN(100))
			img, err := png.Decode(bytes.NewReader(file))
			if err != nil {
				t.Fatal(k, size, err)
			}
			m, got := mustDecode(t, file)
			channels := 3
			if k.colour == grey || k.colour == greyAlpha {
				channels = 1
			}
			if m.Width != size[0] || m.Height != size[1] || m.Channels != channels || m.Depth != k.depth {
				t.Fatalf("%v: %d×%d×%d of %d bits", k, m.Width, m.Height, m.Channels, m.Depth)
			}
			if !bytes.Equal(got, samplesOf(t, img, m.Channels)) {
				t.Errorf("%v, %d×%d differs", k, size[0], size[1])
			}
			if alpha, has := k.colour >= greyAlpha, slices.Contains(m.Notices, "alpha dropped"); alpha != has {
				t.Errorf("%v: notices %q", k, m.Notices)
			}
		}
	}
}

// TestBlocks: pictures of more than a block of rows, and of rows that are longer than a block.
func TestBlocks(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	for _, k := range []kind{{rgb, 8, false}, {rgb, 8, true}, {grey, 1, false}, {rgbAlpha, 16, false}} {
		bits := (&Image{colour: k.colour}).samples() * k.depth
		block := blockBytes * 8 / bits // pixels
		for _, size := range [][2]int{{1, 70000}, {100, 1000}, {block * 3 / 5, 4}, {block + 7, 2}} {
			file := random(rng, k, size[0], size[1]).file(1 << 15)
			img, err := png.Decode(bytes.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}
			m, got, err := decode(file, 50)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, samplesOf(t, img, m.Channels)) {
				t.Errorf("%v, %d×%d differs", k, size[0], size[1])
			}
		}
	}
}

// TestTransparency: tRNS changes nothing but what the user is told.
func TestTransparency(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, k := range []kind{{grey, 2, false}, {rgb, 8, false}, {palette, 4, true}} {
		made := random(rng, k, 20, 10)
		_, want := mustDecode(t, made.file(0))
		made.before = [][]byte{appendChunk(nil, "tRNS", make([]byte, 6))}
		m, got := mustDecode(t, made.file(0))
		if !bytes.Equal(got, want) || !slices.Equal(m.Notices, []string{"alpha dropped"}) {
			t.Errorf("%v: notices %q", k, m.Notices)
		}
	}
}

// TestStreamUse: rows beyond the end, use after Close, Close in the middle, and rows for themselves.
func TestStreamUse(t *testing.T) {
	t.Parallel()
	file := random(rand.New(rand.NewPCG(7, 8)), kind{rgb, 8, false}, 300, 2000).file(0)
	m, want := mustDecode(t, file)
	rows := makeRows(300, 2001, 3)
	s, err := m.Stream()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ReadRows(rows); err == nil || err.Error() != "2001 rows are wanted when 2000 of 2000 are left" {
		t.Error(err)
	}
	for _, err := range []error{s.ReadRows(nil), s.ReadRows(rows[:3]), s.ReadRows(rows[3:2000]), s.ReadRows(nil)} {
		if err != nil {
			t.Error(err)
		}
	}
	if !bytes.Equal(slices.Concat(rows[:2000]...), want) {
		t.Error("rows in two goes differ")
	}
	if err := s.ReadRows(rows[:1]); err == nil || err.Error() != "1 rows are wanted when 0 of 2000 are left" {
		t.Error(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := s.ReadRows(rows[:1]); err != errClosed {
		t.Error(err)
	}
	s, _ = m.Stream()
	_ = s.ReadRows(rows[:1])
	_ = s.Close() // goleak tells whether its goroutine has ended
	if m.Random() {
		t.Error("it is no format for rows in any order")
	}
	clear(rows[0])
	if err := m.ReadRows(1999, rows[:1]); err != nil || !bytes.Equal(rows[0], want[len(want)-900:]) {
		t.Error("the last row for itself:", err)
	}
	if err := m.ReadRows(1999, rows[:2]); err == nil || !strings.Contains(err.Error(), "are not among the picture's 2000") {
		t.Error(err)
	}
}

func TestMemory(t *testing.T) {
	for _, c := range []struct {
		kind          kind
		width, height int
		least, most   int64
	}{
		{kind{rgb, 8, false}, 4000, 3000, 600 << 10, 1 << 20},
		{kind{rgb, 8, true}, 4000, 3000, 18e6, 20e6},
		{kind{rgb, 16, false}, 1 << 20, 3000, 30 << 20, 32 << 20},
	} {
		m := &Image{Width: c.width, Height: c.height, Channels: 3, Depth: c.kind.depth, colour: c.kind.colour, interlaced: c.kind.interlaced}
		if n := m.Memory(); n < c.least || n > c.most {
			t.Errorf("%v: %d", c.kind, n)
		}
	}
}
