package kernels

import (
	"encoding/binary"
	"unsafe"
)

// SWAR: eight samples in a uint64, the first in its lowest bits. Samples 0, 2, 4, 6 of a word go to the 16-bit lanes of one word,
// samples 1, 3, 5, 7 to another's ("even" and "odd").
const (
	wordsz = 8
	lanes  = 0x00ff00ff00ff00ff // the low byte of each lane
	ones   = 0x0001000100010001 // 1 in each lane
)

// at returns where the bytes lo to lo+n of a row begin, for load and store.
func at(row []byte, lo, n int) *byte { return unsafe.SliceData(row[lo : lo+n]) }

// load reads the word at byte i after p. Unlike a slice's, its bounds are checked before a loop, by at.
func load(p *byte, i int) uint64 {
	return binary.LittleEndian.Uint64((*[wordsz]byte)(unsafe.Add(unsafe.Pointer(p), i))[:])
}

// store writes the word at byte i after p.
func store(p *byte, i int, w uint64) {
	binary.LittleEndian.PutUint64((*[wordsz]byte)(unsafe.Add(unsafe.Pointer(p), i))[:], w)
}

// interleave puts the lanes' low bytes back in order.
func interleave(even, odd uint64) uint64 { return even&lanes | odd&lanes<<8 }
