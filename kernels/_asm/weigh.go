package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The layout of type pair.
const (
	pairA      = 0
	pairB      = 8
	pairWeight = 16
	pairSize   = 24
)

// weigh writes the sums for blocks of 32 bytes. They stay in registers over all pairs.
func weigh() {
	w := avx2
	w.routine("weigh", "(even, odd *uint64, pairs *byte, count, blocks int)",
		"sums up count pairs: Σ weight·(a+b), 32 bytes a block. pairs points to the first pair.")
	even, odd, pairs, count, blocks := arg("even"), arg("odd"), arg("pairs"), arg("count"), arg("blocks")
	mask := w.vec()
	VPCMPEQW(mask, mask, mask)
	VPSRLW(Imm(8), mask, mask)
	at := GP64()
	XORQ(at, at)
	each("block", blocks, func() {
		evenSum, oddSum := w.zero(), w.zero()
		pair, left := GP64(), GP64()
		MOVQ(pairs, pair)
		MOVQ(count, left)
		each("pair", left, func() {
			a, b, weight := GP64(), GP64(), w.vec()
			MOVQ(Mem{Base: pair, Disp: pairA}, a)
			MOVQ(Mem{Base: pair, Disp: pairB}, b)
			VPBROADCASTW(Mem{Base: pair, Disp: pairWeight}, weight)
			va := w.load(Mem{Base: a, Index: at, Scale: 1})
			vb := w.load(Mem{Base: b, Index: at, Scale: 1})
			ea, eb := w.vec(), w.vec()
			VPAND(mask, va, ea)
			VPAND(mask, vb, eb)
			VPADDW(eb, ea, ea)
			VPSRLW(Imm(8), va, va)
			VPSRLW(Imm(8), vb, vb)
			VPADDW(vb, va, va)
			for _, s := range []struct{ v, sum VecVirtual }{{ea, evenSum}, {va, oddSum}} {
				VPMULLW(weight, s.v, s.v)
				VPADDW(s.v, s.sum, s.sum)
			}
			ADDQ(Imm(pairSize), pair)
		})
		w.move(evenSum, Mem{Base: even, Index: at, Scale: 1})
		w.move(oddSum, Mem{Base: odd, Index: at, Scale: 1})
		ADDQ(Imm(32), at)
	})
	end()
}
