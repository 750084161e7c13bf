package kernels

import "encoding/binary"

// SWAR: eight samples in a uint64, the first in its lowest bits. Samples 0, 2, 4, 6 of a word go to the 16-bit lanes of one word,
// samples 1, 3, 5, 7 to another's ("even" and "odd").
const (
	wordsz = 8
	lanes  = 0x00ff00ff00ff00ff // the low byte of each lane
	ones   = 0x0001000100010001 // 1 in each lane
)

// word reads the samples b[i] to b[i+7].
func word(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i : i+wordsz]) }

// putWord writes the samples b[i] to b[i+7].
func putWord(b []byte, i int, w uint64) { binary.LittleEndian.PutUint64(b[i:i+wordsz], w) }

// interleave puts the lanes' low bytes back in order.
func interleave(even, odd uint64) uint64 { return even&lanes | odd&lanes<<8 }
