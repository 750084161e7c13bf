package jpeg

import (
	"encoding/binary"
	"math/bits"
)

// huffmanCode is a symbol's code and its length.
type huffmanCode struct {
	code   uint32
	length uint
}

// codesOf lists the codes by symbol.
func codesOf(s *huffmanSpec) (codes [256]huffmanCode) {
	code, at := uint32(0), 0
	for i, n := range s.counts {
		for range n {
			codes[s.symbols[at]] = huffmanCode{code, uint(i + 1)}
			code++
			at++
		}
		code <<= 1
	}
	return codes
}

// bitWriter appends bits to bytes, with a zero behind each byte of ones. There must be room.
type bitWriter struct {
	dst []byte
	acc uint64
	n   uint // bits of acc that are not in dst, less than 32 between calls
}

// put appends a number of up to 32 bits.
func (w *bitWriter) put(v uint32, n uint) {
	w.acc = w.acc<<(n&63) | uint64(v)
	if w.n += n; w.n >= 32 {
		w.flush()
	}
}

// flush moves 32 bits to dst.
func (w *bitWriter) flush() {
	w.n -= 32
	v := uint32(w.acc >> (w.n & 63))
	at := len(w.dst)
	if v&^(v+0x01010101)&0x80808080 == 0 { // surely no byte of ones
		w.dst = w.dst[:at+4]
		binary.BigEndian.PutUint32(w.dst[at:], v)
		return
	}
	for shift := 24; shift >= 0; shift -= 8 {
		w.stuffed(byte(v >> shift))
	}
}

func (w *bitWriter) stuffed(b byte) {
	w.dst = append(w.dst, b)
	if b == 0xff {
		w.dst = append(w.dst, 0)
	}
}

// finish fills up the last byte with ones.
func (w *bitWriter) finish() {
	if fill := -w.n & 7; fill > 0 {
		w.put(1<<fill-1, fill)
	}
	for w.n > 0 {
		w.n -= 8
		w.stuffed(byte(w.acc >> w.n))
	}
}

// zigzagBits gives, for each row's byte of a mask by row, the mask in the file's order.
var zigzagBits = func() (t [8][256]uint64) {
	for k, at := range order {
		for m := range 256 {
			if m>>(at%8)&1 == 1 {
				t[at/8][m] |= 1 << k
			}
		}
	}
	return t
}()

// block appends a block's coefficients, of which those in the mask are not zero, and the DC one as the difference to the one before.
func (w *bitWriter) block(b *[64]int16, mask uint64, prior *int32, dc, ac *[256]huffmanCode) {
	acc, n, dst := w.acc, w.n, w.dst
	difference := int32(b[0]) - *prior
	*prior = int32(b[0])
	sign := difference >> 31
	size := uint(bits.Len32(uint32((difference ^ sign) - sign)))
	c := &dc[size]
	acc = acc<<((c.length+size)&63) | uint64(c.code<<(size&31)|uint32(difference+sign)&(1<<(size&31)-1))
	n += c.length + size
	z := zigzagBits[0][uint8(mask)] | zigzagBits[1][uint8(mask>>8)] | zigzagBits[2][uint8(mask>>16)] | zigzagBits[3][uint8(mask>>24)] |
		zigzagBits[4][uint8(mask>>32)] | zigzagBits[5][uint8(mask>>40)] | zigzagBits[6][uint8(mask>>48)] | zigzagBits[7][uint8(mask>>56)]
	last := uint(0)
	for z &^= 1; ; z &= z - 1 {
		if n >= 32 {
			n -= 32
			v := uint32(acc >> (n & 63))
			if at := len(dst); v&^(v+0x01010101)&0x80808080 == 0 {
				dst = dst[:at+4]
				binary.BigEndian.PutUint32(dst[at:], v)
			} else {
				w.dst = dst
				w.stuffed(byte(v >> 24))
				w.stuffed(byte(v >> 16))
				w.stuffed(byte(v >> 8))
				w.stuffed(byte(v))
				dst = w.dst
			}
		}
		if z == 0 {
			break
		}
		k := uint(bits.TrailingZeros64(z))
		run := k - last - 1
		last = k
		if run > 15 {
			w.acc, w.n, w.dst = acc, n, dst
			for ; run > 15; run -= 16 {
				w.put(ac[0xf0].code, ac[0xf0].length)
			}
			acc, n, dst = w.acc, w.n, w.dst
		}
		v := int32(b[order[k&63]&63])
		sign := v >> 31
		size := uint(bits.Len32(uint32((v ^ sign) - sign)))
		c := &ac[uint8(run<<4|size)]
		acc = acc<<((c.length+size)&63) | uint64(c.code<<(size&31)|uint32(v+sign)&(1<<(size&31)-1))
		n += c.length + size
	}
	w.acc, w.n, w.dst = acc, n, dst
	if last < 63 {
		w.put(ac[0].code, ac[0].length)
	}
}
