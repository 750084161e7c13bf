package tiff

import (
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
)

// LZW (TIFF 6.0, section 13): codes of 9 to 12 bits, the highest bit first. The width grows one code early.
const (
	lzwClear = 256
	lzwEnd   = 257
	lzwFirst = 258
	lzwCodes = 1 << 12
)

var errLZW = errors.New("its LZW data has a code that there cannot be")

// lzwString is what a code stands for: a part of what was decoded before. The byte behind a string always follows where it was decoded, so that
// a new string is the one before and a byte more.
type lzwString struct{ at, n int32 }

// unpackLZW decodes until dst is full; strings is room for a table. What the old versions of libtiff wrote, which had the lowest bit
// first and widths grow in time, is known by its first code.
func unpackLZW(dst, src []byte, strings *[lzwCodes]lzwString) error {
	if len(src) >= 2 && src[0] == 0 && src[1]&1 != 0 {
		return unpackOldLZW(dst, src, strings)
	}
	var (
		acc  uint64 // bits not yet taken, from the highest on
		have uint
		pos  int // in src
	)
	width, next := uint(9), lzwFirst-1
	at := 0                 // in dst
	last := lzwString{0, 0} // before, if n > 0
	for at < len(dst) {
		if have < width {
			if pos+8 <= len(src) {
				acc |= binary.BigEndian.Uint64(src[pos:]) >> have
				pos += int(63-have) >> 3
				have |= 56
			} else {
				for pos < len(src) && have <= 56 {
					acc |= uint64(src[pos]) << (56 - have)
					pos++
					have += 8
				}
				if have < width {
					return io.ErrUnexpectedEOF
				}
			}
		}
		code := int(acc >> (64 - width))
		acc <<= width
		have -= width
		if code == lzwClear {
			width, next, last.n = 9, lzwFirst-1, 0
			continue
		}
		if code == lzwEnd {
			return io.ErrUnexpectedEOF
		}
		if last.n > 0 && next < lzwCodes {
			strings[next&(lzwCodes-1)] = lzwString{last.at, last.n + 1}
		}
		if next++; next == 1<<width-1 && width < 12 {
			width++
		}
		n := 1
		if code < lzwClear {
			dst[at] = byte(code)
		} else {
			if last.n == 0 || code >= next {
				return errLZW
			}
			n = repeat(dst, at, strings[code&(lzwCodes-1)])
		}
		last = lzwString{int32(at), int32(n)}
		at += n
	}
	return nil
}

// repeat copies a string to at, as far as there is room, and returns how long it became.
func repeat(dst []byte, at int, s lzwString) int {
	from, n := int(s.at), int(s.n)
	if from+n < at && at+n+8 <= len(dst) { // words may write beyond the string's end
		for i := 0; i < n; i += 8 {
			binary.LittleEndian.PutUint64(dst[at+i:], binary.LittleEndian.Uint64(dst[from+i:]))
		}
		return n
	}
	n = min(n, len(dst)-at)
	for i := range n { // a string may end in its own first byte
		dst[at+i] = dst[from+i]
	}
	return n
}

// unpackOldLZW decodes what libtiff wrote before version 3: the same codes in the other order of bits.
func unpackOldLZW(dst, src []byte, strings *[lzwCodes]lzwString) error {
	acc, have, width, next := uint32(0), uint(0), uint(9), lzwFirst-1
	last := lzwString{}
	for at := 0; at < len(dst); {
		for have < width {
			if len(src) == 0 {
				return io.ErrUnexpectedEOF
			}
			acc |= uint32(src[0]) << have
			src = src[1:]
			have += 8
		}
		code := int(acc & (1<<width - 1))
		acc >>= width
		have -= width
		switch {
		case code == lzwClear:
			width, next, last.n = 9, lzwFirst-1, 0
			continue
		case code == lzwEnd:
			return io.ErrUnexpectedEOF
		}
		if last.n > 0 && next < lzwCodes {
			strings[next] = lzwString{last.at, last.n + 1}
		}
		if next++; next == 1<<width && width < 12 {
			width++
		}
		n := 1
		switch {
		case code < lzwClear:
			dst[at] = byte(code)
		case last.n == 0 || code >= next || code >= lzwCodes:
			return errLZW
		default:
			n = repeat(dst, at, strings[code])
		}
		last = lzwString{int32(at), int32(n)}
		at += n
	}
	return nil
}

// lzwTable is room for packLZW: strings by their last byte and the code of what is before it. 0 stands for none; a code is never 0.
type lzwTable [1 << 14]uint32

// packLZW appends LZW.
func packLZW(dst, src []byte, table *lzwTable) []byte {
	clear(table[:])
	var acc uint64
	have := uint(0)
	width, next := uint(9), lzwFirst
	put := func(code int) {
		acc = acc<<width | uint64(code)
		for have += width; have >= 32; have -= 32 {
			dst = binary.BigEndian.AppendUint32(dst, uint32(acc>>(have-32)))
		}
	}
	put(lzwClear)
	if len(src) > 0 {
		code := int(src[0])
		for _, v := range src[1:] {
			key := uint32(code)<<8 | uint32(v)
			slot := key * 0x9e3779b1 >> (32 - 14)
			for table[slot] != 0 && table[slot]>>12 != key {
				slot = (slot + 1) & (1<<14 - 1)
			}
			if e := table[slot]; e != 0 {
				code = int(e & (lzwCodes - 1))
				continue
			}
			put(code)
			table[slot] = key<<12 | uint32(next)
			code = int(v)
			if next++; next == lzwCodes-2 {
				put(lzwClear)
				clear(table[:])
				width, next = 9, lzwFirst
			} else if next == 1<<width {
				width++
			}
		}
		put(code)
		if next++; next == 1<<width && width < 12 {
			width++
		}
	}
	put(lzwEnd)
	for have > 0 {
		n := min(have, 8)
		dst = append(dst, byte(acc>>(have-n)<<(8-n)))
		have -= n
	}
	return dst
}

// reverseBits turns the bits in each byte round.
func reverseBits(b []byte) {
	for i, v := range b {
		b[i] = bits.Reverse8(v)
	}
}
