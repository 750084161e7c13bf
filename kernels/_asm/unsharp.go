package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// unsharp mixes samples with blurred ones in float32: 32 at a time with AVX2, 64 with AVX-512.
func unsharp() {
	avx2.unsharp("replaces n blurred samples by weights[0]·own + weights[1]·blurred, or by own where they differ by no more than the",
		"threshold. n is a multiple of 32.")
	avx512.unsharp("is unsharpAVX2 for any n.")
}

func (w width) unsharp(doc ...string) {
	w.routine("unsharp", "(blurred, own *byte, weights *[2]float32, threshold, n int)", doc...)
	blurred, own, weights := arg("blurred"), arg("own"), arg("weights")
	ownWeight, blurredWeight := w.vec(), w.vec()
	VBROADCASTSS(Mem{Base: weights}, ownWeight)
	VBROADCASTSS(Mem{Base: weights, Disp: 4}, blurredWeight)
	threshold, zero := w.lanes(8, arg("threshold")), w.zero()
	n := arg("n")
	var bits, part Register
	if w == avx512 {
		bits, part = GP64(), K()
		MOVQ(I64(-1), bits)
		KMOVQ(bits, part)
	}

	Label("block")
	if w == avx512 {
		CMPQ(n, Imm(64))
		JGE(LabelRef("whole"))
	}
	TESTQ(n, n)
	JZ(LabelRef("done"))
	if w == avx512 {
		firstBytes(n, bits, part)
		MOVQ(U64(64), n)
		Label("whole")
	}
	v, b, less := w.vec(), w.vec(), w.vec()
	w.loadPart(Mem{Base: own}, part, v)
	w.loadPart(Mem{Base: blurred}, part, b)
	result := w.mixed(v, b, ownWeight, blurredWeight, zero)
	VPSUBUSB(b, v, less)
	VPSUBUSB(v, b, b)
	w.or(less, b, b)
	if w == avx512 {
		keep := K()
		VPCMPUB(Imm(2), threshold, b, keep)
		VMOVDQU8(v, keep, result)
	} else {
		VPSUBUSB(threshold, b, b)
		VPCMPEQB(zero, b, b)
		VPBLENDVB(b, v, result, result)
	}
	w.storePart(result, part, Mem{Base: blurred})
	advance(int(w), own, blurred)
	SUBQ(Imm(uint64(w)), n)
	JMP(LabelRef("block"))
	Label("done")
	end()
}

// mixed returns the results for the bytes in own and blurred, as bytes. Unpacking and packing work in parts of a register, so that
// the one undoes the other's order.
func (w width) mixed(own, blurred, ownWeight, blurredWeight, zero VecVirtual) VecVirtual {
	vs, bs := w.widened(own, zero), w.widened(blurred, zero)
	for i, b := range bs {
		VCVTDQ2PS(vs[i], vs[i])
		VCVTDQ2PS(b, b)
		VMULPS(blurredWeight, b, b)
		VFMADD231PS(ownWeight, vs[i], b)
		VCVTPS2DQ(b, b)
	}
	VPACKSSDW(bs[1], bs[0], bs[0])
	VPACKSSDW(bs[3], bs[2], bs[2])
	VPACKUSWB(bs[2], bs[0], bs[0])
	return bs[0]
}

// widened unpacks bytes to 32-bit lanes.
func (w width) widened(bytes, zero VecVirtual) (parts [4]VecVirtual) {
	low, high := w.vec(), w.vec()
	VPUNPCKLBW(zero, bytes, low)
	VPUNPCKHBW(zero, bytes, high)
	for i, words := range []VecVirtual{low, high} {
		parts[2*i], parts[2*i+1] = w.vec(), w.vec()
		VPUNPCKLWD(zero, words, parts[2*i])
		VPUNPCKHWD(zero, words, parts[2*i+1])
	}
	return parts
}
