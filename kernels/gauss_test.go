package kernels

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"halorun/kernels/simd/simdtest"
)

// drawWeights draws a symmetric filter that fitsTwoPass.
func drawWeights(t *rapid.T, name string) []int {
	reach := rapid.IntRange(0, 40).Draw(t, name)
	left := 256
	weights := make([]int, 2*reach+1)
	for i := range reach {
		w := rapid.SampledFrom([]int{0, 0, 1, rapid.IntRange(0, 20).Draw(t, "small"), left / 2}).Draw(t, "weight")
		w = min(w, left/2)
		weights[i], weights[2*reach-i] = w, w
		left -= 2 * w
	}
	weights[reach] = min(left, 255)
	return weights
}

// TestGaussEqualsTwoPass holds the vector form to the portable one, in rows of many strips and of less than a block, whose ends are the ends
// of what memory may be touched.
func TestGaussEqualsTwoPass(t *testing.T) { eachVectorPath(t, gaussEqualsTwoPass) }

func gaussEqualsTwoPass(t *testing.T, by isa) {
	rapid.Check(t, func(r *rapid.T) {
		column, row := drawWeights(r, "column"), drawWeights(r, "row")
		s := Shape{
			Width:    rapid.OneOf(rapid.IntRange(1, 130), rapid.IntRange(1, 5000)).Draw(r, "width"),
			Height:   rapid.OneOf(rapid.IntRange(1, 5), rapid.IntRange(30, 70)).Draw(r, "height"),
			Channels: rapid.SampledFrom([]int{1, 3}).Draw(r, "channels"),
		}
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(r, "seed"), 0))
		var distinct [][]byte
		for range 3 {
			distinct = append(distinct, simdtest.Fenced(t, s.RowBytes(), false))
			simdtest.Fill(rng, distinct[len(distinct)-1])
		}
		var src [][]byte
		for range s.Height + len(column) - 1 {
			src = append(src, distinct[rng.IntN(3)])
		}
		got, want := makeRows(s), makeRows(s)
		got[s.Height-1] = simdtest.Fenced(t, s.RowBytes(), false)
		newGauss(column, row, s, by).Apply(got, src, Rows{0, s.Height})
		newTwoPass(column, row, s).Apply(want, src, Rows{0, s.Height})
		if diff := difference(got, want); diff != "" {
			r.Fatalf("%v by %v on %v: %s", column, row, s, diff)
		}
	})
}

// TestGaussLarge is the same for filters that reach over several strips.
func TestGaussLarge(t *testing.T) { eachVectorPath(t, gaussLarge) }

func gaussLarge(t *testing.T, by isa) {
	rng := rand.New(rand.NewPCG(1, 5))
	for _, size := range []int{201, 401, 1023} {
		for _, s := range []Shape{{5, 2, 3}, {size / 2, 2, 3}, {size/2 + 1, 3, 1}, {size, 1, 3}, {1500, 3, 3}, {4000, 2, 1}} {
			taps := gaussianTaps(size, 0)
			src := makeRows(Shape{s.Width, s.Height + size - 1, s.Channels})
			for _, row := range src {
				simdtest.Fill(rng, row)
			}
			got, want := makeRows(s), makeRows(s)
			newGauss(taps, taps, s, by).Apply(got, src, Rows{0, s.Height})
			newTwoPass(taps, taps, s).Apply(want, src, Rows{0, s.Height})
			if diff := difference(got, want); diff != "" {
				t.Fatalf("size %d on %v: %s", size, s, diff)
			}
		}
	}
}

// foldedPixel returns the index in folded order of channel c of pixel x.
func foldedPixel(x, c, channels int) int { return x/2*2*channels + 2*c + x%2 }

// TestGaussCode holds each routine of assembly to the plain loop.
func TestGaussCode(t *testing.T) { eachVectorPath(t, gaussCodeIsPlain) }

func gaussCodeIsPlain(t *testing.T, by isa) {
	rng := rand.New(rand.NewPCG(1, 6))
	for kind, channels := range []int{1, 3} {
		code := gaussCodes[by][kind]
		for blocks := 1; blocks < 6; blocks++ {
			n := blocks * gaussBlock
			t.Run(fmt.Sprintf("pair/%d/%d", channels, n), func(t *testing.T) {
				a, b := simdtest.Fenced(t, n+gaussSlack, false), simdtest.Fenced(t, n+gaussSlack, false)
				simdtest.Fill(rng, a)
				simdtest.Fill(rng, b)
				const spill = 8 // bytes behind the last block that may be written
				pairs := slices.Repeat([]byte{77}, 2*n+spill+1)
				code.pair(&pairs[0], &a[0], &b[0], blocks)
				for i := range n {
					x, c := i/channels, i%channels
					at := 2 * foldedPixel(x, c, channels)
					if pairs[at] != a[i]^0x80 || pairs[at+1] != b[i]^0x80 {
						t.Fatalf("sample %d: %d and %d, of %d and %d", i, pairs[at], pairs[at+1], a[i], b[i])
					}
				}
				if pairs[2*n+spill] != 77 {
					t.Error("it writes more")
				}
			})
			t.Run(fmt.Sprintf("row/%d/%d", channels, n), func(t *testing.T) {
				weights := [][]int{{128, 0, 128}, {1, 254, 1}, {255}, {1, 2, 3, 100, 47, 0, 0, 100, 3}}[rng.IntN(4)]
				taps := newGaussTaps(weights, 4*channels, 16)
				reach := len(weights) + 2
				mid := make([]int16, n+2*channels*reach)
				for i := range mid {
					mid[i] = []int16{-32768, 32512, int16(rng.IntN(65281) - 32768)}[rng.IntN(3)]
				}
				out := slices.Repeat([]byte{77}, n+2)
				bias := int32(128*256*total(weights) + 1<<15)
				code.row(&out[1], &mid[0], gaussSteps(taps.steps), len(taps.steps), blocks, bias)
				for i := range n {
					x, c := i/channels, i%channels
					sum := bias
					for j, w := range weights {
						sum += int32(w) * int32(mid[foldedPixel(x+j, c, channels)])
					}
					if out[1+i] != byte(sum>>16) {
						t.Fatalf("sample %d by %v: %d, want %d", i, weights, out[1+i], byte(sum>>16))
					}
				}
				if out[0] != 77 || out[n+1] != 77 {
					t.Error("it writes more")
				}
			})
		}
		for blocks := 1; blocks < 4; blocks++ {
			t.Run(fmt.Sprintf("columns/%d", blocks), func(t *testing.T) {
				n := blocks * gaussUnit
				weights := [][]int{{128, 0, 128}, {1, 254, 1}, {255}, {1, 2, 3, 100, 47, 0, 0, 100, 3}}[rng.IntN(4)]
				taps := newGaussTaps(weights, 2*n, 8)
				rows := make([][]byte, 2*(taps.reach+1))
				pairs := make([]byte, 2*n*(taps.reach+1))
				for y := range rows {
					rows[y] = make([]byte, n)
					simdtest.Fill(rng, rows[y])
					for i, v := range rows[y] {
						pairs[y/2*2*n+2*i+y%2] = v ^ 0x80
					}
				}
				stride := n + 1
				mid := make([]int16, stride+n+1)
				mid[n], mid[stride+n] = 77, 77
				code.columns(&mid[0], 2*stride, &pairs[0], gaussSteps(taps.steps), len(taps.steps), blocks)
				for y := range 2 {
					for i := range n {
						sum := 0
						for j, w := range weights {
							sum += w * (int(rows[y+j][i]) - 128)
						}
						if got := int(mid[y*stride+i]); got != sum {
							t.Fatalf("row %d, sample %d by %v: %d, want %d", y, i, weights, got, sum)
						}
					}
				}
				if mid[n] != 77 || mid[stride+n] != 77 {
					t.Error("it writes more")
				}
			})
		}
	}
}

// TestBinomial holds the columns of 3 × 3 and 5 × 5 samples, by whatever computes them, to the double sum.
func TestBinomial(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 7))
	for reach := 1; reach <= 2; reach++ {
		taps := gaussianTaps(2*reach+1, 0)
		for _, channels := range []int{1, 3} {
			for range 30 {
				blocks, height := 1+rng.IntN(3), 1+rng.IntN(10)
				if rng.IntN(5) == 0 {
					blocks += binomialStrip
				}
				skip := rng.IntN(5)
				x := reach*channels + rng.IntN(3)
				n := x + blocks*binomialBlock + reach*channels
				var src [][]byte
				for range height + 2*reach {
					row := simdtest.Fenced(t, skip+n, false)[skip:]
					simdtest.Fill(rng, row)
					src = append(src, row)
				}
				p := newBinomial(reach, Shape{n / channels, 1, channels})
				for name, columns := range map[string]func(dst, src [][]byte, x, step, blocks int){
					path.String(): func(dst, src [][]byte, x, _, blocks int) { p.columns(dst, src, x, blocks) },
					"words":       p.words,
				} {
					dst := makeRows(Shape{n, height, 1})
					columns(dst, src, x, channels, blocks)
					want := makeRows(Shape{n, height, 1})
					for y, row := range want {
						for i := x; i < x+blocks*binomialBlock; i++ {
							sum := 1 << 15
							for dy, v := range taps {
								for dx, h := range taps {
									sum += v * h * int(src[y+dy][i+(dx-reach)*channels])
								}
							}
							row[i] = byte(sum >> 16)
						}
					}
					if diff := difference(dst, want); diff != "" {
						t.Fatalf("%s, reach %d, %d channels, %d blocks, %d rows from sample %d on: %s", name, reach, channels, blocks, height, x, diff)
					}
				}
			}
		}
	}
}

// TestBlurChooses: each kind of blur is computed by the code for it, and one that is too narrow for its neighbours changes nothing.
func TestBlurChooses(t *testing.T) {
	s := Shape{20, 12, 3}
	general := "*kernels.gauss"
	if path < isaAVX2 {
		general = "*kernels.twoPass"
	}
	for op, want := range map[string]string{
		"blur": general, "blur:size=3": "*kernels.binomial", "blur:size=5": "*kernels.binomial", "blur:size=5,sigma=2": general,
		"blur:size=1023": general, "blur:size=1": "kernels.unchanged", "blur:size=9,sigma=0.1": "kernels.unchanged",
	} {
		if got := fmt.Sprintf("%T", stagesOf(t, []string{op}, s)[0].Steps[0].Op.Bind(s)); got != want {
			t.Errorf("%s is computed by %s, want %s", op, got, want)
		}
		if want != "kernels.unchanged" {
			continue
		}
		rows := makeRows(s)
		for y := range rows {
			simdtest.Fill(rand.New(rand.NewPCG(uint64(y), 0)), rows[y])
		}
		got, _ := runChain(t, []string{op}, rows, s)
		if !slices.EqualFunc(got, rows, bytes.Equal) {
			t.Errorf("%s changes the picture", op)
		}
	}
}
