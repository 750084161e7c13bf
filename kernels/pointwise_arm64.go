//go:build !purego

package kernels

// invertNEON writes 255 − v for each of the n ≥ 16 bytes of src.
//
//go:noescape
func invertNEON(dst, src *byte, n int)

// keepNEON masks src with 48 bytes of mask, again and again. n is a multiple of 3, at least 48.
//
//go:noescape
func keepNEON(dst, src *byte, n int, mask *byte)

// lookUpNEON replaces n ≥ 16 bytes by their entries in the table.
//
//go:noescape
func lookUpNEON(dst, src *byte, n int, table *[256]byte)

// coloursNEON writes n ≥ 32 pixels of three bytes, whose red, green and blue are the entries for a byte of src in one table each.
//
//go:noescape
func coloursNEON(dst, src *byte, n int, tables *[768]byte)
