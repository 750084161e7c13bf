package bench

import "testing"

// TestNoise holds the state after any number of steps to that of single ones, and rows painted alone to those of a whole picture.
func TestNoise(t *testing.T) {
	state := uint32(1)
	for n := range uint64(2000) {
		if got := noiseAfter(n); got != state {
			t.Fatalf("after %d steps: %d, want %d", n, got, state)
		}
		state = state*noiseFactor + noiseStep
	}
	picture, err := Photo(67, 41)
	if err != nil {
		t.Fatal(err)
	}
	p, row := newPainter(67), make([]byte, 3*67)
	for y := 40; y >= 0; y-- {
		p.row(y, row)
		if string(row) != string(picture[y]) {
			t.Fatalf("row %d alone is another", y)
		}
	}
}
