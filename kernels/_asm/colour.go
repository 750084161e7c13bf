package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func colour() {
	for _, w := range []width{avx2, avx512} {
		w.hsv()
	}
	grayAVX2()
	grayAVX512()
	coloursAVX512()
}

// Weights of red, green and blue in 15-bit fixed point as 256·high + low, so that bytes can be multiplied: 9798, 19235, 3735.
var (
	grayHigh = []byte{38, 75, 15, 0}
	grayLow  = []byte{70, 35, 256 - 105, 0}
)

// grayAVX512 takes 64 pixels at a time.
func grayAVX512() {
	w := avx512
	w.routine("gray", "(dst, src *byte, n int)", "writes the grey of n ≥ 64 pixels of three bytes.")
	dst, src := param("dst", 1), param("src", 3)
	n := arg("n")
	high, low := w.bytes("grayHigh", grayHigh...), w.bytes("grayLow", grayLow...)
	half := w.bytes("grayHalf", 0, 0x40, 0, 0) // 2^14
	// Quad i gathers pixels 16·i to 16·i+15, each with a byte of weight 0.
	var quads [4]VecVirtual
	for i := range quads {
		quads[i] = w.load(table(fmt.Sprint("grayQuad", i), places(64, func(at int) int {
			return 48*i + at/4*3 + min(at%4, 2) - []int{0, 0, 64, 128}[i]
		})))
	}
	order := w.load(table("grayOrder", dwords(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)))
	loop(n, 64, func() {
		a, b, c := w.load(src.at(0)), w.load(src.at(64)), w.load(src.at(128))
		q := [4]VecVirtual{w.vec(), w.copy(quads[1]), w.copy(quads[2]), w.vec()}
		VPERMB(a, quads[0], q[0])
		VPERMI2B(b, a, q[1])
		VPERMI2B(c, b, q[2])
		VPERMB(c, quads[3], q[3])
		for i, v := range q {
			sum := w.zero()
			raw("VPDPBUSD", high, v, sum)
			VPSLLD(Imm(8), sum, sum)
			VPADDD(half, sum, sum)
			raw("VPDPBUSD", low, v, sum)
			VPSRLD(Imm(15), sum, sum)
			q[i] = sum
		}
		w.packDwords(q)
		VPERMD(q[0], order, q[0])
		w.move(q[0], dst.at(0))
	}, dst, src)
}

// grayAVX2 takes 32 pixels at a time, and reads 4 bytes more.
func grayAVX2() {
	w := avx2
	w.routine("gray", "(dst, src *byte, n int)", "writes the grey of n ≥ 34 pixels of three bytes, but not of the last two.")
	dst, src := param("dst", 1), param("src", 3)
	n := arg("n")
	SUBQ(Imm(2), n)
	high, low := w.bytes("grayHigh", grayHigh...), w.bytes("grayLow", grayLow...)
	half := w.bytes("grayHalf", 0, 0x40, 0, 0) // 2^14
	ones := w.bytes("words", 1, 0)
	times256 := w.bytes("words256", 0, 1)
	quad := w.bytes("grayQuad", 0, 1, 2, 2, 3, 4, 5, 5, 6, 7, 8, 8, 9, 10, 11, 11)
	loop(n, 32, func() {
		var q [4]VecVirtual
		for i := range q {
			// Pixels 4·i to 4·i+3 and, in the upper half, those 16 further on.
			q[i] = YMM()
			VMOVDQU(src.at(12*i), q[i].AsX())
			VINSERTI128(Imm(1), src.at(48+12*i), q[i], q[i])
			VPSHUFB(quad, q[i], q[i])
			a, b := YMM(), YMM()
			VPMADDUBSW(high, q[i], a)
			VPMADDUBSW(low, q[i], b)
			VPMADDWD(times256, a, a)
			VPMADDWD(ones, b, b)
			VPADDD(half, a, a)
			VPADDD(b, a, a)
			VPSRLD(Imm(15), a, a)
			q[i] = a
		}
		w.packDwords(q)
		w.move(q[0], dst.at(0))
	}, dst, src)
}

// planes splits three vectors of pixels into red, green and blue.
func (w width) planes(src pointer) (channels [3]VecVirtual) {
	if w == avx512 {
		a, b, c := w.load(src.at(0)), w.load(src.at(64)), w.load(src.at(128))
		for i := range channels {
			channels[i] = permute3(fmt.Sprint("split", i), a, b, c, func(p int) int { return 3*p + i })
		}
		return channels
	}
	// Each half has 16 pixels of three vectors.
	var parts [3]Op
	for i := range parts {
		v := YMM()
		VMOVDQU(src.at(16*i), v.AsX())
		VINSERTI128(Imm(1), src.at(48+16*i), v, v)
		parts[i] = v
	}
	for i := range channels {
		channels[i] = w.shuffles(fmt.Sprint("split", i), parts, func(p int) int { return 3*p + i })
	}
	return channels
}

// pixels joins red, green and blue, and stores three vectors.
func (w width) pixels(channels [3]VecVirtual, dst pointer) {
	if w == avx512 {
		for i := range 3 {
			v := permute3(fmt.Sprint("join", i), channels[0], channels[1], channels[2], func(p int) int {
				at := 64*i + p
				return 64*(at%3) + at/3
			})
			w.move(v, dst.at(64*i))
		}
		return
	}
	for i := range 3 {
		v := w.shuffles(fmt.Sprint("join", i), [3]Op{channels[0], channels[1], channels[2]}, func(p int) int {
			at := 16*i + p
			return 16*(at%3) + at/3
		})
		VMOVDQU(v.AsX(), dst.at(16*i))
		VEXTRACTI128(Imm(1), v, dst.at(48+16*i))
	}
}

// permute3 gathers bytes: byte p is byte from(p) of the three vectors side by side.
func permute3(name string, a, b, c VecVirtual, from func(p int) int) VecVirtual {
	two, three := make([]byte, 64), make([]byte, 64)
	for p := range 64 {
		three[p] = byte(p)
		if f := from(p); f < 128 {
			two[p] = byte(f)
		} else {
			three[p] = byte(f - 64)
		}
	}
	v := avx512.load(table(name, two))
	VPERMI2B(b, a, v)
	VPERMT2B(c, avx512.load(table(name+"Third", three)), v)
	return v
}

// hsv computes as OpenCV's tables do: n/i rounded to whole numbers, here by a division in float32, which gives the same for all i. A
// division by 0 gives a number by which 0 is multiplied.
func (w width) hsv() {
	w.routine("hsv", "(dst, src *byte, n int)", "converts n ≥ a vector's bytes of pixels.")
	dst, src := param("dst", 3), param("src", 3)
	n := arg("n")
	hue := w.constant("hsvHue", floatBytes(30<<12)...)
	saturation := w.constant("hsvSaturation", floatBytes(255<<12)...)
	loop(n, int(w), func() {
		p := w.planes(src)
		r, g, b := p[0], p[1], p[2]
		v, d := w.vec(), w.vec()
		VPMAXUB(r, g, v)
		VPMAXUB(b, v, v)
		VPMINUB(r, g, d)
		VPMINUB(b, d, d)
		VPSUBB(d, v, d)
		// The hue's numerator is x − y + 2·d2 + 4·d4.
		var x, y, d2, d4 VecVirtual
		if w == avx512 {
			red, green := K(), K()
			VPCMPEQB(r, v, red)
			VPCMPEQB(g, v, green)
			KANDNQ(green, red, green)
			x, y, d2, d4 = w.copy(r), w.copy(g), w.vec(), w.vec()
			other := K()
			KORQ(red, green, other)
			KNOTQ(other, other)
			VMOVDQU8(g, red, x)
			VMOVDQU8(b, green, x)
			VMOVDQU8(b, red, y)
			VMOVDQU8(r, green, y)
			VMOVDQU8_Z(d, green, d2)
			VMOVDQU8_Z(d, other, d4)
		} else {
			red, green := w.vec(), w.vec()
			VPCMPEQB(r, v, red)
			VPCMPEQB(g, v, green)
			x, y, d2, d4 = w.vec(), w.vec(), w.vec(), w.vec()
			VPBLENDVB(green, b, r, x)
			VPBLENDVB(red, g, x, x)
			VPBLENDVB(green, r, g, y)
			VPBLENDVB(red, b, y, y)
			VPANDN(d, green, d4)
			VPANDN(d4, red, d4)
			VPAND(d, green, d2)
			VPANDN(d2, red, d2)
		}
		// Words, then double words, of the lower and the upper half of each 16-byte lane.
		var words [2]VecVirtual
		for i, unpack := range []func(b, a, to Op){func(b, a, to Op) { VPUNPCKLBW(b, a, to) }, func(b, a, to Op) { VPUNPCKHBW(b, a, to) }} {
			xy, dd := w.vec(), w.vec()
			unpack(y, x, xy)
			unpack(d4, d2, dd)
			VPMADDUBSW(w.constant("hsvDifference", 1, 255), xy, xy)
			VPMADDUBSW(w.constant("hsvRanges", 2, 4), dd, dd)
			VPADDW(dd, xy, xy)
			words[i] = xy
		}
		var h, s [4]VecVirtual
		for i := range 4 {
			numerator := w.vec()
			if i%2 == 0 {
				VPUNPCKLWD(words[i/2], words[i/2], numerator)
			} else {
				VPUNPCKHWD(words[i/2], words[i/2], numerator)
			}
			VPSRAD(Imm(16), numerator, numerator)
			wide := w.constant(fmt.Sprint("hsvWide", i), spread(i)...)
			ranges, values := w.vec(), w.vec()
			VPSHUFB(wide, d, ranges)
			VPSHUFB(wide, v, values)
			h[i] = w.scaled(numerator, ranges, hue)
			s[i] = w.scaled(ranges, values, saturation)
			turned := w.vec()
			VPADDD(w.constant("hsvTurn", 180, 0, 0, 0), h[i], turned)
			VPMINUD(turned, h[i], h[i]) // a negative number is a large one
			if i%2 == 1 {
				VPACKUSDW(h[i], h[i-1], h[i-1])
				VPACKUSDW(s[i], s[i-1], s[i-1])
			}
		}
		VPACKUSWB(h[2], h[0], h[0])
		VPACKUSWB(s[2], s[0], s[0])
		w.pixels([3]VecVirtual{v, s[0], h[0]}, dst)
	}, dst, src)
}

// spread returns the shuffle that makes double words of the i-th four bytes.
func spread(i int) (index []byte) {
	for p := range 4 {
		index = append(index, byte(4*i+p), none, none, none)
	}
	return index
}

// scaled returns (x·round(n/by) + 2^11) >> 12.
func (w width) scaled(x, by VecVirtual, n Mem) VecVirtual {
	q, numerator := w.vec(), w.load(n)
	VCVTDQ2PS(by, q)
	VDIVPS(q, numerator, q)
	VCVTPS2DQ(q, q)
	VPMULLD(x, q, q)
	VPADDD(w.constant("hsvHalf", 0, 8, 0, 0), q, q)
	VPSRAD(Imm(12), q, q)
	return q
}

// coloursAVX512 has the three channels' tables in registers.
func coloursAVX512() {
	w := avx512
	w.routine("colours", "(dst, src *byte, n int, tables *[768]byte)",
		"writes n ≥ 64 pixels of three bytes, whose red, green and blue are the entries for a byte of src in one table each.")
	dst, src := param("dst", 3), param("src", 1)
	n := arg("n")
	tables := param("tables", 0)
	var t [3][4]VecVirtual
	for c := range t {
		t[c] = w.loadTable(tables, 256*c)
	}
	loop(n, 64, func() {
		v := w.load(src.at(0))
		var channels [3]VecVirtual
		for c := range channels {
			channels[c] = lookUpIn(t[c], v)
		}
		w.pixels(channels, dst)
	}, dst, src)
}
