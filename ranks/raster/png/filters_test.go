package png

import (
	"bytes"
	"hash/adler32"
	"math/rand/v2"
	"slices"
	"testing"

	"halorun/kernels/simd/simdtest"
)

// TestPaeth: what has no branches is what the standard says, for all samples.
func TestPaeth(t *testing.T) {
	step := 1
	if testing.Short() {
		step = 7
	}
	for a := 0; a < 256; a += step {
		for b := 0; b < 256; b += step {
			for c := range 256 {
				if paeth(a, b, c) != slowPaeth(a, b, c) {
					t.Fatalf("%d, %d, %d: %d", a, b, c, paeth(a, b, c))
				}
			}
		}
	}
}

// paethRows are rows of one-byte pixels that have all samples on the left, above, and on the left of that, when they are filtered; those
// of wider pixels have most.
func paethRows(rng *rand.Rand) (row, above []byte) {
	row, above = make([]byte, 1<<18), make([]byte, 1<<18)
	for i := range row {
		row[i], above[i] = byte(rng.Uint32()), byte(rng.Uint32())
	}
	return row, above
}

// TestFilterRoundTrip: what filters make is what the standard says, and is undone, by all paths, at all lengths around those of vectors.
func TestFilterRoundTrip(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	longRow, longAbove := paethRows(rng)
	for _, size := range []int{1, 2, 3, 4, 6, 8} {
		quick := newUnfilterer(size)
		plain := &unfilterer{size: size}
		for pixels := 1; pixels <= 101; pixels++ {
			n := pixels * size
			if pixels == 101 {
				n = len(longRow) / size * size
			}
			for _, before := range []bool{false, true} {
				row, above, out, want := simdtest.Fenced(t, n, before), simdtest.Fenced(t, n, before), simdtest.Fenced(t, n, before), make([]byte, 1+n)
				simdtest.Fill(rng, row)
				simdtest.Fill(rng, above)
				if pixels == 101 {
					copy(row, longRow)
					copy(above, longAbove)
				}
				for filter := range filters {
					for _, up := range [][]byte{above, nil} {
						slowFilter(want, filter, row, append(slices.Clone(up), make([]byte, n)...), size)
						for _, f := range []filterer{{size, false}, {size, fast()}} {
							clear(out)
							f.apply(out, filter, row, up)
							if !bytes.Equal(out, want[1:]) {
								t.Fatalf("filter %d, %d bytes a pixel, %d bytes, fast %v, above %v", filter, size, n, f.fast, up != nil)
							}
						}
						for _, u := range []*unfilterer{plain, quick} {
							copy(out, want[1:])
							u.undo(byte(filter), out, up)
							if !bytes.Equal(out, row) {
								t.Fatalf("filter %d undone, %d bytes a pixel, %d bytes, fast %v, above %v", filter, size, n, u.fast, up != nil)
							}
						}
					}
				}
			}
		}
	}
}

// TestChoose: the filter is the one whose residues are the least, by all paths.
func TestChoose(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	chosen := [filters]int{}
	for i := range 6000 {
		size := []int{1, 3}[i%2]
		n := size * (1 + rng.IntN(100))
		row, above := make([]byte, n), make([]byte, n)
		simdtest.Fill(rng, above)
		simdtest.Fill(rng, row)
		if kind := rng.IntN(filters + 1); kind < filters { // rows that suit a filter
			for i := range row {
				a, c := 0, 0
				if i >= size {
					a, c = int(row[i-size]), int(above[i-size])
				}
				row[i] = byte([filters]int{0, a, int(above[i]), (a + int(above[i])) / 2, slowPaeth(a, int(above[i]), c)}[kind]) + byte(rng.IntN(4))
			}
		}
		want, least := 0, -1
		out := make([]byte, 1+n)
		for filter := range filters {
			slowFilter(out, filter, row, above, size)
			sum := 0
			for _, v := range out[1+size:] {
				sum += max(int(int8(v)), -int(int8(v)))
			}
			if least < 0 || sum < least {
				want, least = filter, sum
			}
		}
		chosen[want]++
		for _, quick := range []bool{false, fast()} {
			if got := (&filterer{size, quick}).choose(row, above); got != want {
				t.Fatalf("%d bytes a pixel, %d bytes, fast %v: filter %d, not %d", size, n, quick, got, want)
			}
		}
	}
	if slices.Min(chosen[:]) == 0 {
		t.Errorf("not all filters came up: %d", chosen)
	}
}

// TestAdler: sums are those of hash/adler32, also of the largest bytes, and those of parts are joined.
func TestAdler(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{0, 1, 2, 3, 4, 5, 31, 32, 33, 63, 64, 65, 100, 5535, 5536, 5537, 11072, 70001} {
		for _, fillWith := range []int{255, 0, -1} {
			b := simdtest.Fenced(t, n, rng.IntN(2) == 0)
			for i := range b {
				b[i] = byte(fillWith)
				if fillWith < 0 {
					b[i] = byte(rng.Uint32())
				}
			}
			want := adler32.Checksum(b)
			if got := adler(1, b); got != want {
				t.Errorf("%d bytes: %08x, not %08x", n, got, want)
			}
			cut := rng.IntN(n + 1)
			if got := adler(adler(1, b[:cut]), b[cut:]); got != want {
				t.Errorf("%d and %d bytes: %08x, not %08x", cut, n-cut, got, want)
			}
			if got := adlerJoin(adler(1, b[:cut]), adler(1, b[cut:]), int64(n-cut)); got != want {
				t.Errorf("%d and %d bytes joined: %08x, not %08x", cut, n-cut, got, want)
			}
		}
	}
}
