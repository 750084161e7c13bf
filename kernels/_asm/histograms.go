package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// slideColumns counts one sample more and one less in the histograms of columns.
func slideColumns() {
	// 16 bytes before the middle count nothing, 16 behind it count 1.
	fromHere := table("fromHere", places(32, func(i int) int { return i / 16 }))
	avx2.routine("slideColumns", "(planes *byte, stride int, plus, minus *byte, n int)",
		"counts the samples plus and no longer those of minus in the histograms of n columns, whose planes are stride bytes apart.")
	planes, stride, plus, minus, n := arg("planes"), arg("stride"), arg("plus"), arg("minus"), arg("n")
	middle := GP64()
	LEAQ(fromHere.Offset(16), middle)
	each("column", n, func() {
		coarse := lane.load(Mem{Base: planes})
		for _, s := range []struct {
			samples Register
			count   func(m Op, x VecVirtual)
		}{
			{plus, func(m Op, x VecVirtual) { VPADDB(m, x, x) }},
			{minus, func(m Op, x VecVirtual) { VPSUBB(m, x, x) }},
		} {
			high, low, from := GP64(), GP64(), GP64()
			MOVBQZX(Mem{Base: s.samples}, high)
			MOVQ(high, low)
			ANDQ(Imm(15), low)
			SHRQ(Imm(4), high)
			MOVQ(middle, from)
			SUBQ(high, from)
			s.count(Mem{Base: from}, coarse)
			INCQ(high)
			IMULQ(stride, high)
			MOVQ(middle, from)
			SUBQ(low, from)
			fine := lane.load(Mem{Base: planes, Index: high, Scale: 1})
			s.count(Mem{Base: from}, fine)
			VMOVDQU(fine, Mem{Base: planes, Index: high, Scale: 1})
		}
		VMOVDQU(coarse, Mem{Base: planes})
		ADDQ(Imm(16), planes)
		INCQ(plus)
		INCQ(minus)
	})
	end()
}

// The layout of type windowCounts.
const (
	windowCoarse = 32  // after as many bytes that stand for counts of 0
	windowFine   = 64  // 16 times 32 bytes
	windowAt     = 576 // 16 times 4 bytes
)

// histogramRow finds the medians of a row of windows.
func histogramRow() {
	avx2.routine("histogramRow", "(dst *byte, channels int, planes *byte, stride, size int, window *byte, n int)",
		"finds the medians of n windows of size columns, each a column further, and writes them channels bytes apart. "+
			"window is a windowCounts that holds the coarse counts of the first size−1 columns.")
	dst, planes, window := arg("dst"), arg("planes"), arg("window")
	size, last := arg("size"), GP64() // of the window: 16 bytes a column
	// Counts go up to 255² and are compared as signed words, so that 2^15 is taken off all of them, and off the rank.
	rankWord := GP64()
	MOVQ(size, rankWord)
	IMULQ(rankWord, rankWord)
	SHRQ(Imm(1), rankWord)
	LEAQ(Mem{Base: rankWord, Disp: 1 - 1<<15}, rankWord)
	rank := avx2.lanes(16, rankWord)
	bias := YMM()
	VPCMPEQW(bias, bias, bias)
	VPSLLW(Imm(15), bias, bias)
	SHLQ(Imm(4), size)
	LEAQ(Mem{Base: size, Disp: -16}, last)
	coarse := avx2.load(Mem{Base: window, Disp: windowCoarse})
	at := GP64() // 16 bytes a window
	XORQ(at, at)

	Label("pixel")
	here, word := GP64(), YMM()
	LEAQ(Mem{Base: planes, Index: at, Scale: 1}, here)
	VPMOVZXBW(Mem{Base: here, Index: last, Scale: 1}, word)
	VPADDW(word, coarse, coarse)
	VMOVDQU(coarse, Mem{Base: window, Disp: windowCoarse})
	less, k := YMM(), GP64()
	VPCMPGTW(coarse, rank, less)
	VPMOVMSKB(less, k.As32())
	POPCNTL(k.As32(), k.As32()) // twice the number of coarse bins below the rank
	below := GP64()
	MOVWQSX(Mem{Base: window, Index: k, Scale: 1, Disp: windowCoarse - 2}, below)

	// The fine counts of bin k are as they were for a window further left.
	plane, fine, counts, behind, from := GP64(), YMM(), GP64(), GP64(), GP64()
	MOVQ(k, counts)
	SHLQ(Imm(4), counts)
	ADDQ(window, counts)
	VMOVDQU(Mem{Base: counts, Disp: windowFine}, fine)
	MOVLQSX(Mem{Base: window, Index: k, Scale: 2, Disp: windowAt}, from)
	MOVL(at.As32(), Mem{Base: window, Index: k, Scale: 2, Disp: windowAt})
	MOVQ(k, plane)
	SHRQ(Imm(1), plane)
	INCQ(plane)
	strideHere := NewParamAddr("stride", 24)
	IMULQ(strideHere, plane)
	ADDQ(planes, plane)
	MOVQ(at, behind)
	SUBQ(from, behind)
	JZ(LabelRef("counted"))
	ADDQ(behind, behind)
	CMPQ(behind, size)
	JGT(LabelRef("recount"))
	Label("slide")
	plus, minus := YMM(), YMM()
	ADDQ(plane, from)
	VPMOVZXBW(Mem{Base: from, Index: size, Scale: 1}, plus)
	VPMOVZXBW(Mem{Base: from}, minus)
	SUBQ(plane, from)
	VPSUBW(minus, plus, plus)
	VPADDW(plus, fine, fine)
	ADDQ(Imm(16), from)
	CMPQ(from, at)
	JLT(LabelRef("slide"))
	VMOVDQU(fine, Mem{Base: counts, Disp: windowFine})
	JMP(LabelRef("counted"))

	Label("recount")
	VMOVDQA(bias, fine)
	until := GP64()
	MOVQ(plane, from)
	ADDQ(at, from)
	MOVQ(from, until)
	ADDQ(size, until)
	Label("column")
	VPMOVZXBW(Mem{Base: from}, plus)
	VPADDW(plus, fine, fine)
	ADDQ(Imm(16), from)
	CMPQ(from, until)
	JLT(LabelRef("column"))
	VMOVDQU(fine, Mem{Base: counts, Disp: windowFine})

	Label("counted")
	// rank − below, from both of which 2^15 is taken off; it is to be taken off the difference again.
	missing := GP64()
	MOVQ(rankWord, missing)
	SUBQ(below, missing)
	SUBQ(I32(1<<15), missing)
	rest := avx2.lanes(16, missing)
	VPCMPGTW(fine, rest, less)
	value := GP64()
	VPMOVMSKB(less, value.As32())
	POPCNTL(value.As32(), value.As32())
	SHRQ(Imm(1), value)
	SHLQ(Imm(3), k)
	ADDQ(k, value)
	MOVB(value.As8(), Mem{Base: dst})
	ADDQ(NewParamAddr("channels", 8), dst)
	VPMOVZXBW(Mem{Base: here}, word)
	VPSUBW(word, coarse, coarse)
	ADDQ(Imm(16), at)
	DECQ(NewParamAddr("n", 48))
	JNZ(LabelRef("pixel"))
	end()
}
