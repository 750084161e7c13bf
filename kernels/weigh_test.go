package kernels

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
)

// drawPairs returns pairs of rows of n bytes at any alignment, whose weights add up to at most half, some of them with the
// largest samples there are.
func drawPairs(rng *rand.Rand, count, n, half int, extreme bool) []pair {
	pairs := make([]pair, count)
	for i := range pairs {
		w := half
		if i < count-1 {
			w = rng.IntN(half + 1)
		}
		half -= w
		rows := [2][]byte{}
		for j := range rows {
			skip := rng.IntN(9)
			rows[j] = make([]byte, skip+n)[skip:]
			for k := range rows[j] {
				rows[j][k] = 255
				if !extreme {
					rows[j][k] = byte(rng.IntN(256))
				}
			}
		}
		pairs[i] = pair{&rows[0][0], &rows[1][0], uint64(w)}
	}
	return pairs
}

// TestWeigh: sums of many samples at a time are those of one after the other, whatever computes them, up to the largest.
func TestWeigh(t *testing.T) {
	for name, weigh := range map[string]func(even, odd []uint64, pairs []pair){
		Path(): weigh,
		"go":   func(even, odd []uint64, pairs []pair) { weighWords(even, odd, 0, pairs) },
	} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 1))
			for count := range 7 {
				for _, words := range []int{0, 1, 3, 4, 5, 8, 13} {
					pairs := drawPairs(rng, count, words*wordsz+1, 128, rng.IntN(3) == 0)
					even, odd := make([]uint64, words), make([]uint64, words)
					for i := range even { // what was there does not matter
						even[i], odd[i] = rng.Uint64(), rng.Uint64()
					}
					weigh(even, odd, pairs)
					row := make([]byte, words*wordsz*wide)
					widen(row, even, odd)
					for i := range words * wordsz {
						got := binary.LittleEndian.Uint32(row[i*wide:])
						if want := weighOne(i, pairs); uint64(got) != want {
							t.Fatalf("%d pairs, %d words, sample %d: %d, want %d", count, words, i, got, want)
						}
					}
				}
			}
		})
	}
}

// TestWeighWide is TestWeigh for wide rows, whose samples go up to 255·256.
func TestWeighWide(t *testing.T) {
	for name, weighWide := range map[string]func(out []byte, sums []uint64, pairs []pair){
		Path(): weighWide,
		"go":   func(out []byte, sums []uint64, pairs []pair) { weighWideWords(out, sums, 0, pairs) },
	} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(2, 2))
			for count := range 7 {
				for _, n := range []int{0, 1, 7, 8, 9, 31, 32, 33, 64, 71} {
					room := (n + wordsz - 1) / wordsz * wordsz
					pairs := drawPairs(rng, count, 1, 128, false)
					rows := make([][2][]uint32, count)
					for i := range rows {
						for j, first := range []**byte{&pairs[i].a, &pairs[i].b} {
							var b []byte
							for range room + 1 {
								v := uint32(rng.IntN(255*256 + 1))
								if n%2 == 0 {
									v = 255 * 256
								}
								rows[i][j] = append(rows[i][j], v)
								b = binary.LittleEndian.AppendUint32(b, v)
							}
							*first = &b[0]
						}
					}
					out := make([]byte, n+1)
					out[n] = 77
					sums := slices.Repeat([]uint64{rng.Uint64()}, room/wordsz*wide)
					weighWide(out[:n], sums, pairs)
					for i := range n {
						sum := uint64(0)
						for j, p := range pairs {
							sum += p.weight * (uint64(rows[j][0][i]) + uint64(rows[j][1][i]))
						}
						if want := byte((sum + 1<<15) >> 16); out[i] != want {
							t.Fatalf("%d pairs, %d samples, sample %d: %d, want %d", count, n, i, out[i], want)
						}
					}
					if out[n] != 77 {
						t.Fatalf("%d pairs, %d samples: it writes more", count, n)
					}
				}
			}
		})
	}
}

// TestSmallFinish: in each lane the difference of any two sums is saturated as a lone one is.
func TestSmallFinish(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for _, abs := range []bool{false, true} {
		s := &small{k: &Convolution{abs: abs}}
		for range 20000 {
			var plus, minus uint64
			var want [4]byte
			for lane := range want {
				p, m := rng.IntN(128*255+1), rng.IntN(128*255+1)
				if rng.IntN(2) == 0 {
					m = max(0, min(p+rng.IntN(600)-300, 128*255))
				}
				plus, minus = plus|uint64(p)<<(16*lane), minus|uint64(m)<<(16*lane)
				want[lane] = s.k.finishInt(int32(p - m))
			}
			got := s.finish(plus, minus)
			for lane, w := range want {
				if byte(got>>(16*lane)) != w {
					t.Fatalf("abs %t, lane %d of %x − %x: %x, want %x", abs, lane, plus, minus, got, w)
				}
			}
		}
	}
}

// TestApplyDoesNotAllocate: all memory is taken when an op is bound.
func TestApplyDoesNotAllocate(t *testing.T) {
	for _, d := range Definitions() {
		chain, err := Parse([]string{d.Name})
		if err != nil {
			t.Fatal(err)
		}
		stages, err := chain.Stages(Shape{70, 9, 3})
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range stages[0].Steps {
			rows := Rows{2, 7}
			apply := step.Op.Bind(step.In)
			dst := newTestRows(Shape{step.Out.Width, rows.Len(), step.Out.Channels})
			src := newTestRows(Shape{step.In.Width, step.Op.InRows(rows).Len(), step.In.Channels})
			if n := testing.AllocsPerRun(10, func() { apply.Apply(dst, src, rows) }); n > 0 {
				t.Errorf("%s, %T: %v allocations", d.Name, step.Op, n)
			}
		}
	}
}
