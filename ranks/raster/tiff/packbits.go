package tiff

import (
	"bufio"
	"io"
)

// unpackBits decodes PackBits (TIFF 6.0, section 9) until dst is full: a count, then that many bytes, or one byte that many times.
func unpackBits(dst, src []byte) error {
	for len(dst) > 0 {
		if len(src) < 2 {
			return io.ErrUnexpectedEOF
		}
		count := int(int8(src[0]))
		src = src[1:]
		switch {
		case count >= 0:
			if len(src) < min(count+1, len(dst)) {
				return io.ErrUnexpectedEOF
			}
			n := copy(dst, src[:min(count+1, len(src))])
			dst, src = dst[n:], src[n:]
		case count > -128:
			n := min(1-count, len(dst))
			for i := range dst[:n] {
				dst[i] = src[0]
			}
			dst, src = dst[n:], src[1:]
		}
	}
	return nil
}

// packBitsReader decodes PackBits bit by bit.
type packBitsReader struct {
	src    *bufio.Reader
	copied int // bytes still to be copied
	times  int // how often value still comes
	value  byte
}

func (r *packBitsReader) Read(b []byte) (n int, err error) {
	for n < len(b) {
		switch {
		case r.copied > 0:
			k, err := r.src.Read(b[n:min(len(b), n+r.copied)])
			if n, r.copied = n+k, r.copied-k; err != nil {
				return n, err
			}
		case r.times > 0:
			k := min(r.times, len(b)-n)
			for i := range b[n : n+k] {
				b[n+i] = r.value
			}
			n, r.times = n+k, r.times-k
		default:
			c, err := r.src.ReadByte()
			if err != nil {
				return n, err
			}
			switch count := int(int8(c)); {
			case count >= 0:
				r.copied = count + 1
			case count > -128:
				if r.value, err = r.src.ReadByte(); err != nil {
					return n, io.ErrUnexpectedEOF
				}
				r.times = 1 - count
			}
		}
	}
	return n, nil
}

// packBits appends a row in PackBits: runs of three and more equal bytes, and what lies between them.
func packBits(dst, row []byte) []byte {
	for len(row) > 0 {
		n := 1
		for n < len(row) && n < 128 && row[n] == row[0] {
			n++
		}
		if n >= 3 || n == 2 && len(row) == 2 {
			dst = append(dst, byte(1-n), row[0])
			row = row[n:]
			continue
		}
		n = 1
		for n < len(row) && n < 128 && !(n+2 < len(row) && row[n] == row[n+1] && row[n] == row[n+2]) {
			n++
		}
		dst = append(append(dst, byte(n-1)), row[:n]...)
		row = row[n:]
	}
	return dst
}
