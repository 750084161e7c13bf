package kernels

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"halorun/kernels/simd/simdtest"
)

// TestRows holds what computes single pixels to its plain loop, for all lengths around those of blocks, at any alignment, with the
// largest and the smallest samples; nothing beyond a row is read or written.
func TestRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	var table [256]byte
	colourMap := make([]byte, 768)
	for i := range colourMap {
		table[i%256], colourMap[i] = byte(rng.IntN(256)), byte(rng.IntN(256))
	}
	var words [256]uint32
	for v := range words {
		words[v] = uint32(colourMap[3*v]) | uint32(colourMap[3*v+1])<<8 | uint32(colourMap[3*v+2])<<16
	}
	var mask keepMask
	for i := 1; i < len(mask); i += 3 {
		mask[i] = 255
	}
	row := func(op Op) func(dst, src []byte) { return op.(pointwise).row }
	const most = 400 // pixels
	for _, c := range []struct {
		name       string
		in, out    int // bytes of a pixel
		fast, slow func(dst, src []byte)
	}{
		{"invert", 1, 1, invert.row, func(dst, src []byte) {
			for i, v := range src {
				dst[i] = 255 - v
			}
		}},
		{"invert far", 1, 1, invert.far, invertWords},
		{"keep", 3, 3, row(keepChannel(1)), func(dst, src []byte) { keepWords(dst, src, &mask) }},
		{"look up", 1, 1, func(dst, src []byte) { lookUp(dst, src, &table) }, func(dst, src []byte) { lookUpBytes(dst, src, &table) }},
		{"gray", 3, 1, gray.row, grayPixels},
		{"hsv", 3, 3, row(hsv), func(dst, src []byte) { hsvPixels(dst, src, hsvDivide(255), hsvDivide(30)) }},
		{"colours", 1, 3, row(colours(colourMap)), func(dst, src []byte) { colourWords(dst, src, &words) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			inMemory, outMemory := simdtest.Fenced(t, most*c.in+16, false), simdtest.Fenced(t, most*c.out+16, false)
			for n := range most {
				kind := rng.IntN(4)
				for i := range inMemory {
					inMemory[i] = byte(rng.IntN(256))
					if kind == 0 {
						inMemory[i] = byte(-rng.IntN(2))
					}
				}
				skip := rng.IntN(8) // at the end; 0 is at the fence
				src := inMemory[len(inMemory)-skip-n*c.in:][:n*c.in]
				whole := outMemory[len(outMemory)-skip-n*c.out-8:]
				for i := range whole {
					whole[i] = 0xa5
				}
				before := bytes.Clone(src)
				got := whole[8:][:n*c.out]
				c.fast(got, src)
				want := make([]byte, n*c.out)
				c.slow(want, src)
				for i := range want {
					if got[i] != want[i] {
						t.Fatalf("%d pixels, byte %d: %d, want %d", n, i, got[i], want[i])
					}
				}
				if !bytes.Equal(src, before) {
					t.Fatalf("%d pixels: the source has changed", n)
				}
				if beside := fmt.Sprintf("%x%x", whole[:8], whole[8+n*c.out:]); len(bytes.Trim([]byte(beside), "a5")) > 0 {
					t.Fatalf("%d pixels: bytes beside the row have changed: %s", n, beside)
				}
			}
		})
	}
}

// TestEveryColour converts all colours there are.
func TestEveryColour(t *testing.T) {
	const n = 256
	src, got, want := make([]byte, 3*n), make([]byte, 3*n), make([]byte, 3*n)
	gotGray, wantGray := make([]byte, n), make([]byte, n)
	byValue, byRange := hsvDivide(255), hsvDivide(30)
	for colour := 0; colour < 1<<24; colour += n {
		for i := range n {
			src[3*i], src[3*i+1], src[3*i+2] = byte(colour>>16), byte(colour>>8), byte(i)
		}
		hsv.(pointwise).row(got, src)
		hsvPixels(want, src, byValue, byRange)
		gray.row(gotGray, src)
		grayPixels(wantGray, src)
		if !bytes.Equal(got, want) || !bytes.Equal(gotGray, wantGray) {
			t.Fatalf("from colour %06x: %v, want %v; grey %v, want %v", colour, got, want, gotGray, wantGray)
		}
	}
}

// TestBrightness: the arithmetic of any path gives what the table says.
func TestBrightness(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	src, got := make([]byte, 256), make([]byte, 256)
	for i := range src {
		src[i] = byte(i)
	}
	for i := range 20000 {
		alpha, beta := rng.Float64()*6-3, rng.Float64()*600-300
		switch i % 4 {
		case 0:
			alpha, beta = float64(rng.IntN(1025)-512)/64, float64(rng.IntN(1025)-512)/2 // halves are many
		case 1:
			alpha, beta = rng.NormFloat64()*1e5, rng.NormFloat64()*1e5
		}
		op := brightnessContrast(max(-1e6, min(alpha, 1e6)), max(-1e6, min(beta, 1e6))).(pointwise)
		op.row(got, src)
		out := []float64{0}
		for v := range src {
			if op.pixel(out, []float64{float64(v)}); float64(got[v]) != out[0] {
				t.Fatalf("alpha %v, beta %v: %d becomes %d, want %v", alpha, beta, v, got[v], out[0])
			}
		}
	}
}
