package kernels

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestTransform: many pixels at a time are what one after the other are, for the largest weights, too.
func TestTransform(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for pixels := range 150 {
		var m weights
		most := []int{2 * weightOne, 1<<15 - 1}[rng.IntN(2)]
		for i := range m {
			for j := range 3 {
				m[i][j] = int16(rng.IntN(2*most+1) - most)
			}
			m[i][3] = weightOne / 2
		}
		src, _ := guarded(rng, 3*pixels)
		if rng.IntN(3) == 0 {
			copy(src, bytes.Repeat([]byte{255}, len(src)))
		}
		want, _ := guarded(rng, len(src))
		transformPixels(want, src, &m)
		got, intact := guarded(rng, len(src))
		transform(got, src, &m)
		if !bytes.Equal(got, want) || !intact() {
			t.Fatalf("%d pixels, %v: %v, want %v; nothing written beyond: %t", pixels, m, got, want, intact())
		}
	}
}
