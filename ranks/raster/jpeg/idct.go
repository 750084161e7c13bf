package jpeg

import "encoding/binary"

// The inverse DCT is Loeffler, Ligtenberg and Moschytz's (ICASSP 1989), in fixed point of 13 bits: libjpeg's "islow". Where numbers are too
// large, in damaged files, it wraps and saturates where libjpeg-turbo's vector code does.
const (
	fix0298 = 2446
	fix0390 = 3196
	fix0541 = 4433
	fix0765 = 6270
	fix0899 = 7373
	fix1175 = 9633
	fix1501 = 12299
	fix1847 = 15137
	fix1961 = 16069
	fix2053 = 16819
	fix2562 = 20995
	fix3072 = 25172
)

// idct transforms a block, whose coefficients are yet to be multiplied by q, to 8 × 8 samples at dst.
func idct(dst []byte, stride int, b, q *[64]int16) {
	var w [64]int16
	for x := range 8 {
		if b[8+x]|b[16+x]|b[24+x]|b[32+x]|b[40+x]|b[48+x]|b[56+x] == 0 {
			v := saturated(int32(b[x]*q[x]) << 2)
			w[x], w[8+x], w[16+x], w[24+x], w[32+x], w[40+x], w[48+x], w[56+x] = v, v, v, v, v, v, v, v
			continue
		}
		y0, y1, y2, y3, y4, y5, y6, y7 := inverse(b[x]*q[x], b[8+x]*q[8+x], b[16+x]*q[16+x], b[24+x]*q[24+x],
			b[32+x]*q[32+x], b[40+x]*q[40+x], b[48+x]*q[48+x], b[56+x]*q[56+x], 1<<10)
		w[x], w[8+x], w[16+x], w[24+x] = saturated(y0>>11), saturated(y1>>11), saturated(y2>>11), saturated(y3>>11)
		w[32+x], w[40+x], w[48+x], w[56+x] = saturated(y4>>11), saturated(y5>>11), saturated(y6>>11), saturated(y7>>11)
	}
	for y := range 8 {
		r, d := w[8*y:8*y+8:8*y+8], dst[y*stride:][:8]
		y0, y1, y2, y3, y4, y5, y6, y7 := inverse(r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], 1<<17)
		d[0], d[1], d[2], d[3] = sample(y0>>18), sample(y1>>18), sample(y2>>18), sample(y3>>18)
		d[4], d[5], d[6], d[7] = sample(y4>>18), sample(y5>>18), sample(y6>>18), sample(y7>>18)
	}
}

// inverse is one dimension. What it returns has 13 bits more, and half is added. Its parameters and results are as many as registers take.
func inverse(x0, x1, x2, x3, x4, x5, x6, x7 int16, half int32) (y0, y1, y2, y3, y4, y5, y6, y7 int32) {
	a, b := int32(x0+x4)<<13+half, int32(x0-x4)<<13+half
	c := int32(x2)*(fix0541+fix0765) + int32(x6)*fix0541
	d := int32(x2)*fix0541 + int32(x6)*(fix0541-fix1847)
	e0, e1, e2, e3 := a+c, b+d, b-d, a-c

	s, t := int32(x3+x7), int32(x1+x5)
	e, f := s*(fix1175-fix1961)+t*fix1175, s*fix1175+t*(fix1175-fix0390)
	p1, p3, p5, p7 := int32(x1), int32(x3), int32(x5), int32(x7)
	o0 := p1*(fix1501-fix0899) - p7*fix0899 + f
	o1 := p3*(fix3072-fix2562) - p5*fix2562 + e
	o2 := p5*(fix2053-fix2562) - p3*fix2562 + f
	o3 := p7*(fix0298-fix0899) - p1*fix0899 + e
	return e0 + o0, e1 + o1, e2 + o2, e3 + o3, e3 - o3, e2 - o2, e1 - o1, e0 - o0
}

func saturated(v int32) int16 { return int16(min(max(v, -1<<15), 1<<15-1)) }

// sample makes a sample of a number about 0.
func sample(v int32) byte { return clamp(v + 128) }

// flat is idct for a block that has a DC coefficient alone.
func flat(dst []byte, stride int, dc int16, q *[64]int16) {
	v := uint64(sample((int32(saturated(int32(dc*q[0])<<2))+16)>>5)) * 0x0101010101010101
	for y := range 8 {
		binary.LittleEndian.PutUint64(dst[y*stride:], v)
	}
}

// idcts transforms blocks that lie side by side. only says which have a DC coefficient alone. With vectors, what is to the right of them
// may be overwritten, 8 samples wide, and there must be 64 coefficients behind theirs.
func idcts(dst []byte, stride int, blocks []int16, only []bool, q *[64]int16) {
	for i := 0; i < len(only); i += 2 {
		two := i+1 < len(only)
		at := dst[8*i:]
		if only[i] && (!two || only[i+1]) {
			flat(at, stride, blocks[64*i], q)
			if two {
				flat(at[8:], stride, blocks[64*(i+1)], q)
			}
			continue
		}
		idctPair(at, stride, blocks[64*i:64*i+128], two, q)
	}
}

func idctPairGo(dst []byte, stride int, blocks []int16, two bool, q *[64]int16) {
	idct(dst, stride, (*[64]int16)(blocks), q)
	if two {
		idct(dst[8:], stride, (*[64]int16)(blocks[64:]), q)
	}
}
