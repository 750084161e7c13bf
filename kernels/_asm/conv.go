package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The layout of type weighted, and how many numbers a span has.
const (
	convTapOffset  = 0
	convTapWeights = 8
	spanSize       = 64
)

// float is an arithmetic in registers of some width. Products and sums are rounded one by one, as in Go, so there is no fused operation.
type float struct {
	width
	name      string // of the routines' numbers
	bytes     int    // of a number
	lanes     int
	broadcast func(...Op)
	multiply  func(...Op)
	add       func(...Op)
}

func (w width) float32s() float {
	return float{w, "32", 4, int(w) / 4, VBROADCASTSS, VMULPS, VADDPS}
}

func (w width) float64s() float {
	return float{w, "64", 8, int(w) / 8, VBROADCASTSD, VMULPD, VADDPD}
}

func (f float) tapSize() int { return convTapWeights + 2*f.bytes }

// conv writes the routines of correlations.
func conv() {
	for _, w := range []width{avx2, avx512} {
		w.convLoad()
		w.float32s().convOne()
		w.float64s().convOne()
		w.float32s().convTwo()
		w.float64s().convTwo()
		w.convFinish()
	}
}

func (w width) convLoad() {
	w.routine("convLoad", "(dst *float32, src *byte, spans int)", "converts spans of 64 bytes.")
	dst, src, spans := arg("dst"), arg("src"), arg("spans")
	each("span", spans, func() {
		for i := 0; i < spanSize; i += int(w) / 4 {
			n := w.vec()
			VPMOVZXBD(Mem{Base: src, Disp: i}, n)
			VCVTDQ2PS(n, n)
			w.move(n, Mem{Base: dst, Disp: 4 * i})
		}
		advance(spanSize, src)
		advance(4*spanSize, dst)
	})
	end()
}

// convTaps writes the loop over taps that adds to each row's sums the numbers at src, weighed.
func (f float) convTaps(label string, src, first, count Register, disp int, rows ...[]VecVirtual) {
	tap, left, offset := GP64(), GP64(), GP64()
	MOVQ(first, tap)
	MOVQ(count, left)
	for _, sums := range rows {
		for _, s := range sums {
			VXORPS(s, s, s)
		}
	}
	each(label, left, func() {
		MOVQ(Mem{Base: tap, Disp: convTapOffset}, offset)
		weights := f.vecs(len(rows))
		for r, w := range weights {
			f.broadcast(Mem{Base: tap, Disp: convTapWeights + f.bytes*r}, w)
		}
		for i := range rows[0] {
			number := f.load(Mem{Base: src, Index: offset, Scale: uint8(f.bytes), Disp: disp + int(f.width)*i})
			for r, sums := range rows {
				product := f.vec()
				f.multiply(weights[r], number, product)
				f.add(product, sums[i], sums[i])
			}
		}
		ADDQ(Imm(uint64(f.tapSize())), tap)
	})
}

// writeSums writes sums, or adds them to what is there.
func (f float) writeSums(label string, add Register, disp int, dst []Register, rows ...[]VecVirtual) {
	TESTQ(add, add)
	JZ(LabelRef(label))
	for r, sums := range rows {
		for i, s := range sums {
			f.add(Mem{Base: dst[r], Disp: disp + int(f.width)*i}, s, s)
		}
	}
	Label(label)
	for r, sums := range rows {
		for i, s := range sums {
			f.move(s, Mem{Base: dst[r], Disp: disp + int(f.width)*i})
		}
	}
}

// maxSums is how many registers of sums there are at a time: for the latency of additions that is enough, and with AVX2 there is no room
// for more.
const maxSums = 8

func (f float) convOne() {
	f.routine("convOne"+f.name, "(dst, src *float"+f.name+", taps *byte, count, spans, add int)",
		"writes the sum over count taps of weights[0]·src[offset+i] to spans of 64 numbers, or adds it to them if add is not 0.",
		"taps points to the first tap.")
	dst, src := arg("dst"), arg("src")
	f.convSums(src, dst)
}

func (f float) convTwo() {
	f.routine("convTwo"+f.name, "(first, second, src *float"+f.name+", taps *byte, count, spans, add int)",
		"writes the sum over count taps of weights[0]·src[offset+i] to spans of 64 numbers of first, and with weights[1] to those",
		"of second, or adds it to them if add is not 0. taps points to the first tap.")
	first, second, src := arg("first"), arg("second"), arg("src")
	f.convSums(src, first, second)
}

// convSums writes what convOne and convTwo have in common.
func (f float) convSums(src Register, dst ...Register) {
	first, count, spans, add := arg("taps"), arg("count"), arg("spans"), arg("add")
	columns := min(maxSums/len(dst), spanSize/f.lanes)
	each("span", spans, func() {
		for i := 0; i*f.lanes*columns < spanSize; i++ {
			part := string(rune('a' + i))
			disp := int(f.width) * columns * i
			var rows [][]VecVirtual
			for range dst {
				rows = append(rows, f.vecs(columns))
			}
			f.convTaps("tap"+part, src, first, count, disp, rows...)
			f.writeSums("write"+part, add, disp, dst, rows...)
		}
		advance(f.bytes*spanSize, append(dst, src)...)
	})
	end()
}

// convFinish saturates before it rounds, which comes to the same, because numbers beyond 32 bits cannot be converted.
func (w width) convFinish() {
	w.routine("convFinish", "(dst *byte, sums *float32, spans int, gain, delta float32)",
		"writes gain·sum + delta, rounded and saturated, for spans of 64 sums.")
	dst, sums, spans := arg("dst"), arg("sums"), arg("spans")
	gain, delta, zero, white := w.float("gain"), w.float("delta"), w.zero(), w.number(math.Float32bits(255))
	lanes := int(w) / 4
	each("span", spans, func() {
		ns := w.vecs(spanSize / lanes)
		for i, n := range ns {
			VMULPS(Mem{Base: sums, Disp: int(w) * i}, gain, n)
			VADDPS(delta, n, n)
			VMAXPS(zero, n, n)
			VMINPS(white, n, n)
			VCVTPS2DQ(n, n)
			if w == avx512 {
				VPMOVDB(n, n.AsX())
				VMOVDQU(n.AsX(), Mem{Base: dst, Disp: lanes * i})
			} else if i%4 == 3 {
				q := [4]VecVirtual(ns[i-3:])
				w.packDwords(q)
				VPERMD(q[0], w.bytes("quarters", dwords(0, 4, 1, 5, 2, 6, 3, 7)...), q[0])
				w.move(q[0], Mem{Base: dst, Disp: lanes * (i - 3)})
			}
		}
		advance(spanSize, dst)
		advance(4*spanSize, sums)
	})
	end()
}
