package kernels

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// fenced returns n bytes that memory which must not be touched follows, or precedes.
func fenced(t testing.TB, n int, before bool) []byte {
	t.Helper()
	page := unix.Getpagesize()
	room := (n + page - 1) / page * page
	all, err := unix.Mmap(-1, 0, room+2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(all) })
	for _, fence := range [][]byte{all[:page], all[page+room:]} {
		if err := unix.Mprotect(fence, unix.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	if before {
		return all[page:][:n:n]
	}
	return all[page+room-n:][:n:n]
}

// guarded returns n random bytes that begin at any alignment, with bytes around them, and what tells whether those are as they were.
func guarded(rng *rand.Rand, n int) (b []byte, intact func() bool) {
	const guard = 100
	lo := guard + rng.IntN(64)
	all := make([]byte, lo+n+guard)
	fill(rng, all)
	before := slices.Clone(all)
	return all[lo : lo+n : lo+n], func() bool {
		return bytes.Equal(all[:lo], before[:lo]) && bytes.Equal(all[lo+n:], before[lo+n:])
	}
}

// fill makes samples of noise, or the least and the greatest alone.
func fill(rng *rand.Rand, row []byte) {
	extreme := rng.IntN(2) == 0
	for i := range row {
		row[i] = byte(rng.Uint32())
		if extreme {
			row[i] = byte(255 * rng.IntN(2))
		}
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
