package kernels

import (
	"bytes"
	"math/rand/v2"
	"slices"

	"halorun/kernels/simd/simdtest"
)

// guarded returns n random bytes that begin at any alignment, with bytes around them, and what tells whether those are as they were.
func guarded(rng *rand.Rand, n int) (b []byte, intact func() bool) {
	const guard = 100
	lo := guard + rng.IntN(64)
	all := make([]byte, lo+n+guard)
	simdtest.Fill(rng, all)
	before := slices.Clone(all)
	return all[lo : lo+n : lo+n], func() bool {
		return bytes.Equal(all[:lo], before[:lo]) && bytes.Equal(all[lo+n:], before[lo+n:])
	}
}

// noisy returns a picture of noise.
func noisy(rng *rand.Rand, s Shape) [][]byte {
	rows := makeRows(s)
	for _, row := range rows {
		for i := range row {
			row[i] = byte(rng.Uint32())
		}
	}
	return rows
}
