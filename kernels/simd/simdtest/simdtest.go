// Package simdtest has what the tests of fast paths need.
package simdtest

import (
	"math/rand/v2"
	"testing"

	"golang.org/x/sys/unix"
)

// Fenced returns n bytes that memory which must not be touched follows, or precedes.
func Fenced(t testing.TB, n int, before bool) []byte {
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

// Fill makes b, which it returns, noise, or the least and the greatest samples alone.
func Fill(rng *rand.Rand, b []byte) []byte {
	extreme := rng.IntN(2) == 0
	for i := range b {
		b[i] = byte(rng.Uint32())
		if extreme {
			b[i] = byte(255 * rng.IntN(2))
		}
	}
	return b
}
