package kernels

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestMix: many samples at a time are what one after the other are.
func TestMix(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for n := range 150 {
		amount := []float64{0, 0.1, 0.5, 1, 5 * rng.Float64(), 100}[rng.IntN(6)]
		threshold := []int{0, 1, rng.IntN(256), 255}[rng.IntN(4)]
		u := newUnsharp(nil, amount, threshold)
		a := unsharpApplier{unsharp: u, mixed: u.table()}
		own, _ := guarded(rng, n)
		got, intact := guarded(rng, n)
		if rng.IntN(2) == 0 {
			for i, v := range own {
				got[i] = v + byte(rng.IntN(5)) - 2
			}
		}
		want := slices.Clone(got)
		a.mixSamples(want, own)
		a.mixRow(got, own)
		if !bytes.Equal(got, want) || !intact() {
			t.Fatalf("%d samples, amount %v, threshold %d: %v, want %v; nothing written beyond: %t", n, amount, threshold, got, want, intact())
		}
	}
}

// TestMixAll holds the mixture of any two samples to whatever computes it, for amounts with sums that are halfway between two levels.
func TestMixAll(t *testing.T) {
	for _, amount := range []float64{0.1, 0.3, 0.5, 0.7, 1.5, 2.3, 7.77, 33.3} {
		u := newUnsharp(nil, amount, 0)
		a := unsharpApplier{unsharp: u, mixed: u.table()}
		own := make([]byte, 256)
		for v := range own {
			own[v] = byte(v)
		}
		for b := range 256 {
			row := bytes.Repeat([]byte{byte(b)}, len(own))
			a.mixRow(row, own)
			if !bytes.Equal(row, a.mixed[b][:]) {
				t.Fatalf("amount %v, blurred %d: %v, want %v", amount, b, row, a.mixed[b])
			}
		}
	}
}
