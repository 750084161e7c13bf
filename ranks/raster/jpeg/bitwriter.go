package jpeg

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
)

// huffmanCode is the code of a symbol that counts the bits of a value behind it, shifted left by as many, and below it, in codeShift bits,
// the length of both.
type huffmanCode uint32

const codeShift = 6 // as many bits as tell how far to shift

// codesOf lists the codes by symbol.
func codesOf(s *huffmanSpec) (codes [256]huffmanCode) {
	code, at := uint32(0), 0
	for i, n := range s.counts {
		for range n {
			symbol := s.symbols[at]
			size := uint32(symbol & 15)
			codes[symbol] = huffmanCode(code<<size<<codeShift | uint32(i+1) + size)
			code++
			at++
		}
		code <<= 1
	}
	return codes
}

// values gives, for a coefficient's lowest 11 bits, the bits that are written for it, shifted left by four, and their number.
var values = func() (t [2048]uint16) {
	for i := range t {
		v := int32(i) << 21 >> 21
		size := bits.Len32(uint32(max(v, -v)))
		t[i] = uint16((v+v>>31)&(1<<size-1))<<4 | uint16(size)
	}
	return t
}()

const (
	plainSize = 1 << 14 // of what is not stuffed yet
	// worstPlain is the most bytes of a block, which no number of bits before it makes more: a difference of 22 bits and 63 coefficients
	// of 26.
	worstPlain = (22+63*26)/8 + 1
)

// bitWriter appends bits to bytes, with a zero behind each byte of ones. They are collected without those zeros first. Its zero value is
// ready for use.
type bitWriter struct {
	acc   uint64 // the lowest n bits are yet to come
	n     uint   // less than 32
	at    int    // of the next byte in plain
	plain [plainSize]byte
}

// put appends a number of up to 32 bits.
func (w *bitWriter) put(v uint64, n uint) {
	w.acc = w.acc<<(n&63) | v
	w.n += n
	binary.BigEndian.PutUint32(w.plain[w.at&(plainSize-4):][:4], uint32(w.acc<<(-w.n&63)>>32))
	w.at += int(w.n >> 5 << 2)
	w.n &= 31
}

// flush appends what whole bytes there are to dst, if there is not room for some more blocks.
func (w *bitWriter) flush(dst []byte, blocks int) []byte {
	if w.at+blocks*worstPlain < plainSize {
		return dst
	}
	return w.stuff(dst)
}

func (w *bitWriter) stuff(dst []byte) []byte {
	plain := w.plain[:w.at]
	w.at = 0
	dst = slices.Grow(dst, len(plain)+len(plain)/64)
	for {
		n := bytes.IndexByte(plain, 0xff) + 1
		if n == 0 {
			return append(dst, plain...)
		}
		dst = append(append(dst, plain[:n]...), 0)
		plain = plain[n:]
	}
}

// finish fills up the last byte with ones, and appends all that is left to dst.
func (w *bitWriter) finish(dst []byte) []byte {
	if fill := -w.n & 7; fill > 0 {
		w.put(1<<fill-1, fill)
	}
	binary.BigEndian.PutUint32(w.plain[w.at&(plainSize-4):][:4], uint32(w.acc<<(-w.n&63)>>32))
	w.at += int(w.n >> 3)
	w.n = 0
	return w.stuff(dst)
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
// There must be room.
func (w *bitWriter) block(b *[64]int16, mask uint64, prior *int32, dc, ac *[256]huffmanCode) {
	difference := int32(b[0]) - *prior
	*prior = int32(b[0])
	sign := difference >> 31
	size := uint(bits.Len32(uint32((difference ^ sign) - sign)))
	c := uint64(dc[size&15])
	acc := w.acc<<(c&63) | c>>codeShift | uint64(difference+sign)&(1<<(size&15)-1)
	n := w.n + uint(c&63)
	plain, at := &w.plain, w.at
	binary.BigEndian.PutUint32(plain[at&(plainSize-4):][:4], uint32(acc<<(-n&63)>>32))
	at += int(n >> 5 << 2)
	n &= 31
	z := zigzagBits[0][uint8(mask)] | zigzagBits[1][uint8(mask>>8)] | zigzagBits[2][uint8(mask>>16)] | zigzagBits[3][uint8(mask>>24)] |
		zigzagBits[4][uint8(mask>>32)] | zigzagBits[5][uint8(mask>>40)] | zigzagBits[6][uint8(mask>>48)] | zigzagBits[7][uint8(mask>>56)]
	last := 0
	for z &^= 1; z != 0; z &= z - 1 {
		k := bits.TrailingZeros64(z)
		run := k - last - 1
		last = k
		if run > 15 {
			w.acc, w.n, w.at = acc, n, at
			for ; run > 15; run -= 16 {
				w.put(uint64(ac[0xf0]>>codeShift), uint(ac[0xf0]&63))
			}
			acc, n, at = w.acc, w.n, w.at
		}
		v := uint64(values[int(b[order[k&63]&63])&(len(values)-1)])
		c := uint64(ac[uint8(run<<4|int(v&15))])
		// There are up to 7 bits of before, 22 of the DC coefficient, and 26.
		acc = acc<<(c&63) | c>>codeShift | v>>4
		n += uint(c & 63)
		binary.BigEndian.PutUint32(plain[at&(plainSize-4):][:4], uint32(acc<<(-n&63)>>32))
		at += int(n >> 5 << 2)
		n &= 31
	}
	w.acc, w.n, w.at = acc, n, at
	if last < 63 {
		w.put(uint64(ac[0]>>codeShift), uint(ac[0]&63))
	}
}
