package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// matrix multiplies pixels by one: 8 at a time with AVX2, 16 with AVX-512.
func matrix() {
	transformAVX2()
	transformAVX512()
}

// redGreen gives for each byte of 32-bit lanes, one a pixel, the place of red in the lower half and of green in the upper one.
func redGreen(i int) int { return []int{i / 4 * 3, none, i/4*3 + 1, none}[i%4] }

// blueOne gives the place of blue for the lower half.
func blueOne(i int) int { return []int{i/4*3 + 2, none, none, none}[i%4] }

// weightPairs loads the matrix: for each result the weights of red and green, and of blue and the 1 beside it.
func (w width) weightPairs(m Register) (weights [3][2]VecVirtual) {
	for i := range weights {
		for j := range weights[i] {
			weights[i][j] = w.vec()
			VPBROADCASTD(Mem{Base: m, Disp: 8*i + 4*j}, weights[i][j])
		}
	}
	return weights
}

// results computes the three results of each pixel, as 32-bit lanes.
func (w width) results(weights [3][2]VecVirtual, rg, b1 VecVirtual) (rs [3]VecVirtual) {
	for i := range rs {
		rs[i] = w.vec()
		other := w.vec()
		VPMADDWD(weights[i][0], rg, rs[i])
		VPMADDWD(weights[i][1], b1, other)
		VPADDD(other, rs[i], rs[i])
		VPSRAD(Imm(10), rs[i], rs[i])
	}
	return rs
}

func transformAVX2() {
	// In each half of a register there are four pixels.
	half := func(f func(int) int) func(int) int { return func(i int) int { return f(i % 16) } }
	rgTable := table("transformRedGreen2", places(32, half(redGreen)))
	bTable := table("transformBlue2", places(32, half(blueOne)))
	// Four reds, four greens, four blues, and those again.
	order := table("transformOrder2", places(32, half(func(i int) int {
		if i >= 12 {
			return none
		}
		return i%3*4 + i/3
	})))
	w := avx2
	w.routine("transform", "(dst, src *byte, m *[3][4]int16, blocks int)",
		"multiplies pixels by the matrix m: 8 pixels a block. It reads and writes 4 bytes beyond the last.")
	dst, src := arg("dst"), arg("src")
	weights := w.weightPairs(arg("m"))
	blocks := arg("blocks")
	one := w.vec()
	VPCMPEQD(one, one, one)
	VPSRLD(Imm(31), one, one)
	VPSLLD(Imm(16), one, one)
	place := w.load(order)
	each("block", blocks, func() {
		pixels := w.vec()
		VMOVDQU(Mem{Base: src}, pixels.AsX())
		VINSERTI128(Imm(1), Mem{Base: src, Disp: 12}, pixels, pixels)
		rg, b1 := w.vec(), w.vec()
		VPSHUFB(rgTable, pixels, rg)
		VPSHUFB(bTable, pixels, b1)
		VPOR(one, b1, b1)
		rs := w.results(weights, rg, b1)
		VPACKSSDW(rs[1], rs[0], rs[0])
		VPACKSSDW(rs[2], rs[2], rs[2])
		VPACKUSWB(rs[2], rs[0], rs[0])
		VPSHUFB(place, rs[0], rs[0])
		VMOVDQU(rs[0].AsX(), Mem{Base: dst})
		VEXTRACTI128(Imm(1), rs[0], rs[0].AsX())
		VMOVDQU(rs[0].AsX(), Mem{Base: dst, Disp: 12})
		advance(24, src, dst)
	})
	end()
}

func transformAVX512() {
	rgTable := table("transformRedGreen5", places(64, func(i int) int { return redGreen(i) &^ none }))
	bTable := table("transformBlue5", places(64, func(i int) int { return blueOne(i) &^ none }))
	// In each quarter of a register there are four reds, four greens, four blues, and those again.
	order := table("transformOrder5", places(64, func(i int) int {
		pixel := i / 3
		return pixel/4*16 + i%3*4 + pixel%4
	}))
	w := avx512
	w.routine("transform", "(dst, src *byte, m *[3][4]int16, n int)", "multiplies pixels by the matrix m: n bytes of them.")
	dst, src := arg("dst"), arg("src")
	weights := w.weightPairs(arg("m"))
	n := arg("n")
	one := w.vec()
	VPTERNLOGD(Imm(0xff), one, one, one)
	VPSRLD(Imm(31), one, one)
	VPSLLD(Imm(16), one, one)
	redGreen, blue, places := w.load(rgTable), w.load(bTable), w.load(order)
	bits := GP64()
	lower, lowest, part := K(), K(), K()
	MOVQ(U64(0x5555555555555555), bits)
	KMOVQ(bits, lower)
	MOVQ(U64(0x1111111111111111), bits)
	KMOVQ(bits, lowest)
	MOVQ(U64(1<<48-1), bits)
	KMOVQ(bits, part)

	Label("block")
	CMPQ(n, Imm(48))
	JGE(LabelRef("whole"))
	TESTQ(n, n)
	JZ(LabelRef("done"))
	firstBytes(n, bits, part)
	MOVQ(U64(48), n)
	Label("whole")
	pixels, rg, b1 := w.vec(), w.vec(), w.vec()
	w.loadPart(Mem{Base: src}, part, pixels)
	VPERMB_Z(pixels, redGreen, lower, rg)
	VPERMB_Z(pixels, blue, lowest, b1)
	VPORD(one, b1, b1)
	rs := w.results(weights, rg, b1)
	VPACKSSDW(rs[1], rs[0], rs[0])
	VPACKSSDW(rs[2], rs[2], rs[2])
	VPACKUSWB(rs[2], rs[0], rs[0])
	VPERMB(rs[0], places, rs[0])
	w.storePart(rs[0], part, Mem{Base: dst})
	advance(48, src, dst)
	SUBQ(Imm(48), n)
	JMP(LabelRef("block"))
	Label("done")
	end()
}
