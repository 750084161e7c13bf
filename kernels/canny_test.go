package kernels

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"halorun/kernels/simd/simdtest"
)

// guard is what tests write where nothing may be written.
const guard = 77

// bindCanny returns the fast path for a row of the given blocks, with planes full of guards.
func bindCanny(blocks int, low, high float64, l2 bool) *cannyApplier {
	a := newCanny(low, high, l2).Bind(Shape{blocks * blockPixels, 9, 1}).(*cannyApplier)
	for i := range a.ring {
		for _, plane := range [][]byte{a.ring[i].even, a.ring[i].odd, a.ring[i].active} {
			for j := range plane {
				plane[j] = guard
			}
		}
	}
	return a
}

// TestCannyGradients: gradients of many pixels at a time are those of eight, whatever computes them.
func TestCannyGradients(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, l2 := range []bool{false, true} {
		for blocks := 1; blocks <= 5; blocks++ {
			for _, low := range []float64{-5, 0, 3, 100, 500, 1440, 3000, 1e6} {
				for _, values := range [][]byte{nil, {0, 255}, {255}, {90, 91, 92}} {
					n := blocks*blockPixels + 2
					var rows [3]*byte
					for i := range rows {
						row := simdtest.Fenced(t, n, rng.IntN(2) == 0)
						for x := range row {
							row[x] = byte(rng.IntN(256))
							if values != nil {
								row[x] = values[rng.IntN(len(values))]
							}
						}
						rows[i] = &row[0]
					}
					got, want := bindCanny(blocks, low, 200, l2), bindCanny(blocks, low, 200, l2)
					g, w := &got.ring[0], &want.ring[0]
					got.differentiateBlocks(g, 0, blocks, rows[0], rows[1], rows[2])
					want.differentiateWords(w, 0, blocks, rows[0], rows[1], rows[2])
					what := fmt.Sprintf("%d blocks, low %v, l2 %t", blocks, low, l2)
					if !bytes.Equal(g.even, w.even) || !bytes.Equal(g.odd, w.odd) {
						t.Fatalf("%s: other magnitudes", what)
					}
					if !bytes.Equal(g.active, w.active) {
						t.Fatalf("%s: active %v, want %v", what, g.active, w.active)
					}
					for x := range blocks * blockPixels {
						plane := [][]byte{g.even, g.odd}[x%2]
						if got.magnitude(&plane[planePad], x/2) <= got.low {
							continue
						}
						at := x/blockPixels*partBytes + x%blockPixels/2*2 + x%2*(partOddX-partEvenX)
						for _, at := range []int{at, at + partEvenY} {
							if !bytes.Equal(g.parts[at:at+2], w.parts[at:at+2]) {
								t.Fatalf("%s, pixel %d: parts %v, want %v", what, x, g.parts[at:at+2], w.parts[at:at+2])
							}
						}
					}
				}
			}
		}
	}
}

// TestCannyDirections: for all gradients there are the labels are those that comparing with tan 22.5° in 32 bits gives, pixel by
// pixel.
func TestCannyDirections(t *testing.T) {
	const blocks = 16
	const most = 4 * 255
	rng := rand.New(rand.NewPCG(3, 4))
	for _, l2 := range []bool{false, true} {
		a := bindCanny(blocks, 1, 3, l2)
		step := 1
		if l2 {
			a.low, a.high = 1, 3
			step = 7 // only the magnitudes differ
		}
		here := &a.ring[1]
		dst, want := make([]byte, blocks*blockPixels+1), make([]byte, blocks*blockPixels)
		dst[len(want)] = guard
		for i := range here.active {
			here.active[i] = 1
		}
		for fill := range 4 {
			for i, g := range a.ring {
				for j, plane := range [][]byte{g.even, g.odd} {
					clear(plane)
					for k := planePad - a.size; k < len(plane)-planePad+a.size; k += a.size {
						switch {
						case fill == 3:
							plane[k] = byte(rng.IntN(6))
						case i == 1:
							plane[k] = 3
						case fill == j: // only the even or only the odd pixels above and below are larger
							plane[k] = 5
						}
					}
				}
			}
			for dx := 0; dx <= most; dx += step {
				flip := rng.Uint64()
				for x := range want {
					at := x/blockPixels*partBytes + x%blockPixels/2*2 + x%2*(partOddX-partEvenX)
					for i, v := range []int{dx, min(x, most)} {
						if flip>>((2*x+i)%64)&1 == 1 {
							v = -v
						}
						here.parts[at+i*partEvenY], here.parts[at+i*partEvenY+1] = byte(v), byte(v>>8)
					}
				}
				a.labelBlocks(&dst[0], &a.ring[0], here, &a.ring[2], 0, blocks)
				for block := range blocks {
					n := neighbourhood{parts: &here.parts[block*partBytes]}
					for j, g := range a.ring {
						n.planes[j] = [2]*byte{a.place(g.even, block), a.place(g.odd, block)}
					}
					for x := range blockPixels {
						want[block*blockPixels+x] = byte(a.labelOne(&n, x))
					}
				}
				for x, l := range want {
					if dst[x] != l && dx+x > 0 { // without a gradient there is no magnitude
						t.Fatalf("l2 %t, dx ±%d, dy ±%d: label %d, want %d", l2, dx, min(x, most), dst[x], l)
					}
				}
			}
		}
		if dst[len(want)] != guard {
			t.Errorf("l2 %t: it writes more", l2)
		}
	}
}

// TestCannyRowsInAnyOrder: what an Applier keeps from one call for the next does not change what it computes.
func TestCannyRowsInAnyOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, width := range []int{1, 2, 63, 64, 65, 66, 127, 128, 129, 130, 192, 193, 200} {
		s := Shape{width, 13, 1}
		picture := noisy(rng, s)
		op := newCanny(100, 300, width%2 == 0)
		apply := func(a Applier, out Rows) [][]byte {
			var src [][]byte
			for y := out.Lo - 2; y < out.Hi+2; y++ {
				row := simdtest.Fenced(t, width, rng.IntN(2) == 0)
				copy(row, picture[BorderReplicate.At(y, s.Height)])
				src = append(src, row)
			}
			dst := makeRows(Shape{width, out.Len() + 1, 1})
			last := dst[out.Len()]
			for x := range last {
				last[x] = guard
			}
			a.Apply(dst[:out.Len()], src, out)
			for _, v := range last {
				if v != guard {
					t.Fatalf("width %d, rows %v: it writes more", width, out)
				}
			}
			return dst[:out.Len()]
		}
		whole := apply(op.Bind(s), Rows{0, s.Height})
		a := op.Bind(s)
		y := 0
		for range 60 {
			if y >= s.Height || rng.IntN(3) == 0 {
				y = rng.IntN(s.Height)
			}
			out := Rows{y, min(s.Height, y+1+rng.IntN(4))}
			if diff := difference(apply(a, out), whole[out.Lo:out.Hi]); diff != "" {
				t.Fatalf("width %d, rows %v: %s", width, out, diff)
			}
			y = out.Hi
		}
	}
}

// TestBitplanes: labels become bits and bits bytes, whatever does it, and nothing else is written.
func TestBitplanes(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for n := 1; n <= 330; n++ {
		labels := simdtest.Fenced(t, n, n%2 == 0)
		for x := range labels {
			labels[x] = byte(rng.IntN(3))
		}
		words := (n + 63) / 64
		weak, edge := make([]uint64, words+1), make([]uint64, words+1)
		weak[words], edge[words] = guard, guard
		packLabels(weak[:words], edge[:words], labels)
		out := make([]byte, n+1)
		out[n] = guard
		unpackBits(out[:n], edge[:words])
		for x := range words * 64 {
			label := byte(labelNone)
			if x < n {
				label = labels[x]
			}
			w, e := weak[x/64]>>(x%64)&1 == 1, edge[x/64]>>(x%64)&1 == 1
			if w != (label == labelCandidate) || e != (label == labelStrong) {
				t.Fatalf("%d labels, %d at %d: candidate %t, strong %t", n, label, x, w, e)
			}
			if x < n && out[x] != [...]byte{0, 0, 255}[label] {
				t.Fatalf("%d labels, %d at %d: %d", n, label, x, out[x])
			}
		}
		if weak[words] != guard || edge[words] != guard || out[n] != guard {
			t.Fatalf("%d labels: it writes more", n)
		}
	}
}
