package kernels

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"halorun/kernels/simd/simdtest"
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
		path.String(): weigh,
		"words":       func(even, odd []uint64, pairs []pair) { weighWords(even, odd, 0, pairs) },
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
}

// TestSmallFinish: in each lane the difference of any two sums is saturated as a lone one is.
func TestSmallFinish(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for _, abs := range []bool{false, true} {
		s := &small{finish: finish{abs: abs}}
		for range 20000 {
			const most = math.MaxInt16
			var plus, minus uint64
			var want [4]byte
			for lane := range want {
				p, m := rng.IntN(most+1), rng.IntN(most+1)
				if rng.IntN(2) == 0 {
					m = max(0, min(p+rng.IntN(600)-300, most))
				}
				plus, minus = plus|uint64(p)<<(16*lane), minus|uint64(m)<<(16*lane)
				want[lane] = s.of(int32(p - m))
			}
			got := s.lanes(plus, minus)
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
		for _, step := range stagesOf(t, []string{d.Name}, Shape{70, 9, 3})[0].Steps {
			rows := Rows{2, 7}
			apply := step.Op.Bind(step.In)
			dst := makeRows(Shape{step.Out.Width, rows.Len(), step.Out.Channels})
			src := makeRows(Shape{step.In.Width, step.Op.InRows(rows).Len(), step.In.Channels})
			if n := testing.AllocsPerRun(10, func() { apply.Apply(dst, src, rows) }); n > 0 {
				t.Errorf("%s, %T: %v allocations", d.Name, step.Op, n)
			}
		}
	}
}

// TestTaps: signed weights over rows of any length and alignment, which end where memory ends, with the largest sums there are.
func TestTaps(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	const most = 300
	var rows [3][]byte
	for i := range rows {
		rows[i] = simdtest.Fenced(t, most, false)
	}
	whole := simdtest.Fenced(t, most, false)
	for n := 64; n < most-8; n++ {
		count := rng.IntN(10) + 1
		var taps []tap
		left := map[bool]int{false: 127, true: 127}
		f := finish{abs: n%2 == 0, delta: rng.IntN(401) - 200}
		for range count {
			negative := rng.IntN(2) == 0
			w := rng.IntN(left[negative] + 1)
			left[negative] -= w
			if negative {
				w = -w
			}
			taps = append(taps, tap{rng.IntN(len(rows)), rng.IntN(3) - 1, w})
		}
		skip := rng.IntN(4)
		lo := most - skip - 1 - n // one sample beyond the last is read
		for _, row := range rows {
			for i := range row {
				row[i] = byte(rng.IntN(256))
				if n%3 == 0 {
					row[i] = byte(-rng.IntN(2))
				}
			}
		}
		for i := range whole {
			whole[i] = 0xa5
		}
		out := whole[most-skip-n:][:n]
		s := newSmall(slices.Clone(taps), f)
		if !s.row(out, rows[:], lo, 1) {
			if path >= isaAVX2 {
				t.Fatalf("%d samples are not computed by %v", n, path)
			}
			return
		}
		for i, got := range out {
			sum := 0
			for _, tap := range taps {
				sum += tap.weight * int(rows[tap.row][lo+i+tap.right])
			}
			if want := f.of(int32(sum)); got != want {
				t.Fatalf("%d samples, taps %v, sample %d: %d, want %d", n, taps, i, got, want)
			}
		}
		if slices.ContainsFunc(whole[:most-skip-n], func(b byte) bool { return b != 0xa5 }) ||
			slices.ContainsFunc(whole[most-skip:], func(b byte) bool { return b != 0xa5 }) {
			t.Fatalf("%d samples: it writes beside them", n)
		}
	}
}

// TestDirect: rows in place and copies of them, their ends and their strips give what the double sum does, and nothing is read or written
// beyond a row.
func TestDirect(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for _, width := range []int{1, 2, 31, 32, 62, 63, 64, 65, 66, 85, 86, 127, 128, 129, 255, 256, 257, 300, stripNumbers + 9} {
		for _, size := range [][2]int{{1, 1}, {3, 1}, {1, 3}, {3, 3}, {5, 5}, {1, 77}, {7, 3}} {
			s := Shape{width, 1 + rng.IntN(5), 1 + 2*rng.IntN(2)}
			kernel := mat.NewDense(size[0], size[1], nil)
			most := []int{1, 300}[rng.IntN(2)]
			for range 20 {
				kernel.Set(rng.IntN(size[0]), rng.IntN(size[1]), float64(rng.IntN(2*most+1)-most))
			}
			f := finish{delta: rng.IntN(201) - 100, abs: rng.IntN(2) == 0}
			rows := noisy(rng, s)
			var src, got [][]byte
			var checks []func() bool
			for y := -size[0] / 2; y < s.Height+size[0]/2; y++ {
				row := simdtest.Fenced(t, s.RowBytes(), rng.IntN(2) == 0)
				copy(row, rows[BorderReflect101.At(y, s.Height)])
				src = append(src, row)
			}
			for range s.Height {
				row, intact := guarded(rng, s.RowBytes())
				got, checks = append(got, row), append(checks, intact)
			}
			newDirect(kernel, f, s).Apply(got, src, Rows{0, s.Height})
			if diff := difference(got, rowsOf(doubleSums(kernel, planesOf(rows, s), f.exactly), s)); diff != "" {
				t.Fatalf("%v, kernel of %v: %s", s, size, diff)
			}
			if slices.ContainsFunc(checks, func(intact func() bool) bool { return !intact() }) {
				t.Fatalf("%v, kernel of %v: it writes beside a row", s, size)
			}
		}
	}
}
