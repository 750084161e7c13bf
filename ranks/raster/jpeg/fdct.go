package jpeg

import "math/bits"

// divisors is what coefficients, which the transform leaves 8 times too large, are divided by: half of the divisor, its reciprocal, and
// a power of two by which that is too large. Quotients are exact: they are rounded to nearest, half away from zero.
type divisors [3][64]uint16

func newDivisors(quant *[64]uint16) (d divisors) {
	for i, q := range quant {
		by := 8 * uint(q)
		d[0][i] = uint16(by / 2)
		s := bits.Len(by) - 1
		if by == 1<<s {
			d[1][i], d[2][i] = 1<<15, 1<<(17-s)
			continue
		}
		d[1][i], d[2][i] = uint16((1<<(16+s)+by-1)/by), 1<<(16-s)
	}
	return d
}

// fdct is idct's inverse: it transforms 8 × 8 samples to quotients, and returns a bit for each that is not zero.
func fdct(b *[64]int16, src []byte, stride int, d *divisors) (mask uint64) {
	var w [64]int32
	for y := range 8 {
		s, to := src[y*stride:][:8], w[8*y:8*y+8:8*y+8]
		x0, x1, x2, x3, x4, x5, x6, x7 := forward(int32(s[0]), int32(s[1]), int32(s[2]), int32(s[3]),
			int32(s[4]), int32(s[5]), int32(s[6]), int32(s[7]), 11)
		to[0], to[1], to[2], to[3] = (x0-8*128)<<2, x1, x2, x3 // the middle of the samples is 0 in all others
		to[4], to[5], to[6], to[7] = x4<<2, x5, x6, x7
	}
	for c := range 8 {
		x0, x1, x2, x3, x4, x5, x6, x7 := forward(w[c], w[8+c], w[16+c], w[24+c], w[32+c], w[40+c], w[48+c], w[56+c], 15)
		w[c], w[8+c], w[16+c], w[24+c] = (x0+2)>>2, x1, x2, x3
		w[32+c], w[40+c], w[48+c], w[56+c] = (x4+2)>>2, x5, x6, x7
	}
	for at, v := range w {
		sign := v >> 31
		n := uint32((v^sign)-sign) + uint32(d[0][at])
		n = n * uint32(d[1][at]) >> 16 * uint32(d[2][at]) >> 16
		b[at] = int16((int32(n) ^ sign) - sign)
		mask |= uint64(-n>>31) << at // n is less than half of what it could be
	}
	return mask
}

// forward is one dimension. The first and the fifth number keep their scale, the others are shifted right, rounded, from 13 bits more. Its
// parameters and results are as many as registers take.
func forward(x0, x1, x2, x3, x4, x5, x6, x7 int32, shift uint) (y0, y1, y2, y3, y4, y5, y6, y7 int32) {
	half := int32(1) << ((shift - 1) & 31)
	shift &= 31
	t0, t7, t1, t6, t2, t5, t3, t4 := x0+x7, x0-x7, x1+x6, x1-x6, x2+x5, x2-x5, x3+x4, x3-x4
	t10, t13, t11, t12 := t0+t3, t0-t3, t1+t2, t1-t2
	z3, z4 := t4+t6, t5+t7
	e, f := z3*(fix1175-fix1961)+z4*fix1175+half, z3*fix1175+z4*(fix1175-fix0390)+half
	return t10 + t11,
		(t7*(fix1501-fix0899) - t4*fix0899 + f) >> shift,
		(t13*(fix0541+fix0765) + t12*fix0541 + half) >> shift,
		(t6*(fix3072-fix2562) - t5*fix2562 + e) >> shift,
		t10 - t11,
		(t5*(fix2053-fix2562) - t6*fix2562 + f) >> shift,
		(t13*fix0541 + t12*(fix0541-fix1847) + half) >> shift,
		(t4*(fix0298-fix0899) - t7*fix0899 + e) >> shift
}

// fdcts transforms n blocks that lie side by side. With vectors, what is to the right of them is transformed, too, if n is odd.
func fdcts(blocks []int16, masks []uint64, src []byte, stride, n int, d *divisors) {
	for i := 0; i < n; i += 2 {
		masks[i], masks[i+1] = fdctPair(blocks[64*i:64*i+128], src[8*i:], stride, i+1 < n, d)
	}
}

func fdctPairGo(blocks []int16, src []byte, stride int, two bool, d *divisors) (a, b uint64) {
	a = fdct((*[64]int16)(blocks), src, stride, d)
	if two {
		b = fdct((*[64]int16)(blocks[64:]), src[8:], stride, d)
	}
	return a, b
}
