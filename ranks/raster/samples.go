package raster

import (
	"encoding/binary"
	"fmt"
	"math"
)

// form is how the samples of a picture lie in a file: pixel by pixel, row by row, with nothing between.
type form struct {
	samples int    // of a pixel
	kind    kind   // of a sample
	big     bool   // the first byte of a sample is the most significant
	pick    []int  // which samples of a pixel are read, from 0: one or three
	scale   *Scale // nil: 8 bits as they are, and the upper 8 of 16
	white   bool   // what is not 0 becomes 255
}

// kind is what a sample is: a letter, as in NumPy, and how many bytes.
type kind struct {
	letter byte // u for whole numbers, i for such with a sign, f for floating point
	bytes  int
}

func (f form) pixelBytes() int { return f.samples * f.kind.bytes }

// plain tells whether rows in the file are rows as they are read.
func (f form) plain() bool { return f.kind.bytes == 1 && f.scale == nil && !f.white && f.ordered() }

// ordered tells whether all samples are read, in their order.
func (f form) ordered() bool {
	for i, p := range f.pick {
		if p != i {
			return false
		}
	}
	return len(f.pick) == f.samples
}

// firstBytes fills dst with every other byte of src, from its first on. Of src the last byte of all may be missing.
func firstBytes(dst, src []byte) {
	const even = 0x00ff00ff00ff00ff
	for len(dst) >= 8 && len(src) >= 16 {
		low, high := binary.LittleEndian.Uint64(src)&even, binary.LittleEndian.Uint64(src[8:])&even
		low, high = (low|low>>8)&0x0000ffff0000ffff, (high|high>>8)&0x0000ffff0000ffff
		low, high = low|low>>16, high|high>>16
		binary.LittleEndian.PutUint64(dst, low&0xffffffff|high<<32)
		dst, src = dst[8:], src[16:]
	}
	for i := range dst {
		dst[i] = src[2*i]
	}
}

// order returns the order of a sample's bytes.
func (f form) order() binary.ByteOrder {
	if f.big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// number returns what reads a sample at the beginning of some bytes.
func (f form) number() func(b []byte) float64 {
	order := f.order()
	switch f.kind {
	case kind{'u', 1}:
		return func(b []byte) float64 { return float64(b[0]) }
	case kind{'i', 1}:
		return func(b []byte) float64 { return float64(int8(b[0])) }
	case kind{'u', 2}:
		return func(b []byte) float64 { return float64(order.Uint16(b)) }
	case kind{'i', 2}:
		return func(b []byte) float64 { return float64(int16(order.Uint16(b))) }
	case kind{'f', 2}:
		return func(b []byte) float64 { return half(order.Uint16(b)) }
	case kind{'u', 4}:
		return func(b []byte) float64 { return float64(order.Uint32(b)) }
	case kind{'i', 4}:
		return func(b []byte) float64 { return float64(int32(order.Uint32(b))) }
	case kind{'f', 4}:
		return func(b []byte) float64 { return float64(math.Float32frombits(order.Uint32(b))) }
	case kind{'u', 8}:
		return func(b []byte) float64 { return float64(order.Uint64(b)) }
	case kind{'i', 8}:
		return func(b []byte) float64 { return float64(int64(order.Uint64(b))) }
	case kind{'f', 8}:
		return func(b []byte) float64 { return math.Float64frombits(order.Uint64(b)) }
	}
	return nil
}

// half returns the number that 16 bits of floating point stand for (IEEE 754, binary16).
func half(b uint16) float64 {
	mantissa, exponent := float64(b&0x3ff), int(b>>10&0x1f)
	var v float64
	switch exponent {
	case 0:
		v = math.Ldexp(mantissa, -24)
	case 31:
		if mantissa > 0 {
			return math.NaN()
		}
		v = math.Inf(1)
	default:
		v = math.Ldexp(mantissa+1024, exponent-25)
	}
	if b>>15 > 0 {
		v = -v
	}
	return v
}

// table returns what becomes of a sample of one or two bytes, by its bits as they are read with the first byte least significant.
func (f form) table() []byte {
	t := make([]byte, 1<<(8*f.kind.bytes))
	b, number := make([]byte, 2), f.number()
	for i := range t {
		binary.LittleEndian.PutUint16(b, uint16(i))
		switch {
		case f.scale != nil:
			t[i] = f.scale.apply(number(b))
		case i > 0:
			t[i] = 255 // it is white
		}
	}
	return t
}

// conversion returns what makes rows of the picture of rows of the file.
func (f form) conversion() *conversion {
	size, n := f.kind.bytes, len(f.pick)
	c := &conversion{pixels: 1, bytes: f.pixelBytes(), channels: n}
	at := make([]int, 3) // of the samples, in a pixel
	for i := range at {
		at[i] = f.pick[i%n] * size
	}
	ordered := f.ordered()
	switch {
	case size == 2 && f.scale == nil && !f.white && ordered:
		c.apply = firstBytes
		if !f.big {
			c.apply = func(dst, src []byte) { firstBytes(dst, src[1:]) }
		}
	case size <= 2 && f.scale == nil && !f.white:
		if size == 2 && !f.big {
			for i := range at {
				at[i]++
			}
		}
		c.apply = func(dst, src []byte) { pick(dst, n, src, len(dst)/n, c.bytes, at[0], at[1], at[2]) }
	case size == 1:
		table := f.table()
		c.apply = func(dst, src []byte) {
			pick(dst, n, src, len(dst)/n, c.bytes, at[0], at[1], at[2])
			for i, v := range dst {
				dst[i] = table[v]
			}
		}
	case size == 2:
		table := (*[1 << 16]byte)(f.table())
		c.apply = func(dst, src []byte) {
			for i := 0; i < len(dst); src = src[c.bytes:] {
				for _, a := range at[:n] {
					dst[i] = table[binary.LittleEndian.Uint16(src[a:])]
					i++
				}
			}
		}
		if ordered {
			c.apply = func(dst, src []byte) {
				for i := range dst {
					dst[i] = table[binary.LittleEndian.Uint16(src[2*i:])]
				}
			}
		}
	default:
		number := f.number()
		c.apply = func(dst, src []byte) {
			for i := 0; i < len(dst); src = src[c.bytes:] {
				for _, a := range at[:n] {
					dst[i] = f.scale.apply(number(src[a:]))
					i++
				}
			}
		}
		if ordered && f.kind == (kind{'f', 4}) && !f.big {
			c.apply = func(dst, src []byte) {
				for i := range dst {
					dst[i] = f.scale.apply(float64(math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))))
				}
			}
		}
	}
	return c
}

// rowsOf makes h that of a picture whose rows lie from body on in a file of the given size, as f says.
func (h *header) rowsOf(f form, body, size int64) error {
	h.Channels, h.orientation, h.expansion = len(f.pick), 1, 1
	if h.Width < 1 || h.Height < 1 {
		return nil // which is found out soon
	}
	rowBytes := int64(h.Width) * int64(f.pixelBytes())
	if (size-body)/int64(h.Height) < rowBytes {
		return fmt.Errorf("it ends too early: %d×%d pixels need %d bytes a row, and it has %d bytes", h.Width, h.Height, rowBytes, size)
	}
	h.place = &placed{rowBytes: int(rowBytes), offset: func(y int) int64 { return body + int64(y)*rowBytes }}
	if !f.plain() {
		h.place.convert = f.conversion()
	}
	return nil
}
