package kernels

import "unsafe"

// SWAR: eight samples in a uint64. Samples 0, 2, 4, 6 of a word go to the 16-bit lanes of one word, samples 1, 3, 5, 7 to
// another's ("even" and "odd" here, whichever the byte order makes them: they are put together in the same way).
const (
	lanes  = 0x00ff00ff00ff00ff // the low byte of each lane
	ones   = 0x0001000100010001 // 1 in each lane
	wordsz = 8
)

// words views the whole words of a row as uint64s, at any alignment.
func words(b []byte) []uint64 {
	if len(b) < wordsz {
		return nil
	}
	return unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/wordsz)
}
