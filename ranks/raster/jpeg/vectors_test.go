package jpeg

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"halorun/kernels/simd/simdtest"
)

// coefficients of all sizes, also such as no picture has.
func noisyBlocks(rng *rand.Rand) (b [128]int16) {
	for i := range b {
		if v := rng.Uint64(); v>>20%3 > 0 {
			b[i] = int16(v) >> (v >> 16 & 15)
		}
	}
	return b
}

// Whatever path is used gives what the plain loops give, at every length around its blocks, and touches nothing beyond what it says.
func TestVectors(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, before := range []bool{false, true} {
		for n := 1; n <= 140; n++ {
			planes := [3][]byte{}
			for c := range planes {
				planes[c] = simdtest.Fill(rng, simdtest.Fenced(t, n, before))
			}
			dst, want := simdtest.Fenced(t, 3*n, before), make([]byte, 3*n)
			convert(dst, planes[0], planes[1], planes[2])
			convertGo(want, planes[0], planes[1], planes[2])
			if !bytes.Equal(dst, want) {
				t.Fatalf("convert of %d differs", n)
			}
			simdtest.Fill(rng, dst)
			split(planes[0], planes[1], planes[2], dst)
			var split [3][]byte
			for c := range split {
				split[c] = make([]byte, n)
			}
			splitGo(split[0], split[1], split[2], dst)
			for c := range split {
				if !bytes.Equal(split[c], planes[c]) {
					t.Fatalf("split of %d differs in plane %d", n, c)
				}
			}

			blocks := ceil(n, 16)
			near, far := 1, 16*blocks+2
			samples := simdtest.Fill(rng, simdtest.Fenced(t, far+16*blocks+1, before))
			dst, want = simdtest.Fenced(t, 32*blocks, before), make([]byte, 2*n)
			upsampleWider(dst, samples, near, n)
			upsampleWiderGo(want, samples, near, n)
			if !bytes.Equal(dst[:2*n], want) {
				t.Fatalf("wider of %d differs", n)
			}
			for range 2 {
				upsampleBoth(dst, samples, near, far, n)
				upsampleBothGo(want, samples, near, far, n)
				if !bytes.Equal(dst[:2*n], want) {
					t.Fatalf("both of %d differs", n)
				}
				near, far = far, near
			}
			upper, lower := simdtest.Fill(rng, simdtest.Fenced(t, 32*blocks, before)), simdtest.Fill(rng, simdtest.Fenced(t, 32*blocks, before))
			dst, want = simdtest.Fenced(t, 16*blocks, before), make([]byte, n)
			shrink(dst, upper, lower, n)
			shrinkGo(want, upper, lower, n)
			if !bytes.Equal(dst[:n], want) {
				t.Fatalf("shrink of %d differs", n)
			}
		}
	}
	for _, stride := range []int{16, 17, 40} {
		dst, want := simdtest.Fenced(t, 7*stride+16, true), make([]byte, 7*stride+16)
		for range 10000 {
			b := noisyBlocks(rng)
			q := noisyBlocks(rng)
			quant := (*[64]int16)(q[:])
			idctPair(dst, stride, b[:], true, quant)
			idctPairGo(want, stride, b[:], true, quant)
			if !bytes.Equal(dst, want) {
				t.Fatalf("the inverse transform of %d by %d differs", b, quant)
			}
		}
	}
	for _, stride := range []int{16, 17, 40} {
		src := simdtest.Fenced(t, 7*stride+16, false)
		for range 10000 {
			simdtest.Fill(rng, src)
			var quant [64]uint16
			for i := range quant {
				v := rng.Uint64()
				quant[i] = uint16(1 + v%255>>(v>>32&7))
			}
			d := newDivisors(&quant)
			var got, want [128]int16
			a, b := fdctPair(got[:], src, stride, true, &d)
			c, e := fdctPairGo(want[:], src, stride, true, &d)
			if got != want || a != c || b != e {
				t.Fatalf("the transform differs: %d, not %d; %x %x, not %x %x", got, want, a, b, c, e)
			}
		}
	}
}

// Quotients are rounded to nearest, half away from zero, for all that the transform can give.
func TestDivisors(t *testing.T) {
	for q := uint16(1); q <= 255; q++ {
		quant := [64]uint16{q}
		for i := range quant {
			quant[i] = q
		}
		d := newDivisors(&quant)
		by := 8 * uint32(q)
		for n := range uint32(1 << 14) {
			got := (n + uint32(d[0][0])) * uint32(d[1][0]) >> 16 * uint32(d[2][0]) >> 16
			if want := (n + by/2) / by; got != want {
				t.Fatalf("%d / %d is %d, not %d", n, by, got, want)
			}
		}
	}
}
