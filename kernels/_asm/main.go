// Command _asm writes the assembly of package kernels. Run it by 'go generate ./kernels'; its output is committed, so that
// users need neither it nor avo.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	weigh()
	widen()
	weighWide()
	Generate()
}

// The layout of type pair.
const (
	pairA      = 0
	pairB      = 8
	pairWeight = 16
	pairSize   = 24
)

// weigh writes the sums for blocks of 32 bytes. They stay in registers over all pairs.
func weigh() {
	TEXT("weighAVX2", NOSPLIT, "func(even, odd *uint64, pairs *byte, count, blocks int)")
	Doc("weighAVX2 sums up count pairs: Σ weight·(a+b), 32 bytes a block. pairs points to the first pair.")
	Pragma("noescape")
	even, odd := Load(Param("even"), GP64()), Load(Param("odd"), GP64())
	pairs := Load(Param("pairs"), GP64())
	count := Load(Param("count"), GP64())
	blocks := Load(Param("blocks"), GP64())
	mask := YMM()
	VPCMPEQW(mask, mask, mask)
	VPSRLW(Imm(8), mask, mask)
	at := GP64()
	XORQ(at, at)

	Label("block")
	TESTQ(blocks, blocks)
	JZ(LabelRef("done"))
	e, o := YMM(), YMM()
	VPXOR(e, e, e)
	VPXOR(o, o, o)
	pair, left := GP64(), GP64()
	MOVQ(pairs, pair)
	MOVQ(count, left)
	Label("pair")
	TESTQ(left, left)
	JZ(LabelRef("store"))
	a, b, w := GP64(), GP64(), YMM()
	MOVQ(Mem{Base: pair, Disp: pairA}, a)
	MOVQ(Mem{Base: pair, Disp: pairB}, b)
	VPBROADCASTW(Mem{Base: pair, Disp: pairWeight}, w)
	va, vb := YMM(), YMM()
	VMOVDQU(Mem{Base: a, Index: at, Scale: 1}, va)
	VMOVDQU(Mem{Base: b, Index: at, Scale: 1}, vb)
	ea, eb := YMM(), YMM()
	VPAND(mask, va, ea)
	VPAND(mask, vb, eb)
	VPADDW(eb, ea, ea)
	VPSRLW(Imm(8), va, va)
	VPSRLW(Imm(8), vb, vb)
	VPADDW(vb, va, va)
	VPMULLW(w, ea, ea)
	VPMULLW(w, va, va)
	VPADDW(ea, e, e)
	VPADDW(va, o, o)
	ADDQ(Imm(pairSize), pair)
	DECQ(left)
	JMP(LabelRef("pair"))
	Label("store")
	VMOVDQU(e, Mem{Base: even, Index: at, Scale: 1})
	VMOVDQU(o, Mem{Base: odd, Index: at, Scale: 1})
	ADDQ(Imm(32), at)
	DECQ(blocks)
	JMP(LabelRef("block"))
	Label("done")
	VZEROUPPER()
	RET()
}

// widen writes the interleaving of even and odd 16-bit lanes as lanes of 32 bits, 32 samples a block.
func widen() {
	TEXT("widenAVX2", NOSPLIT, "func(row *byte, even, odd *uint64, blocks int)")
	Doc("widenAVX2 writes the 16-bit lanes of even and odd in turn as 32-bit lanes, 32 samples a block.")
	Pragma("noescape")
	row := Load(Param("row"), GP64())
	even, odd := Load(Param("even"), GP64()), Load(Param("odd"), GP64())
	blocks := Load(Param("blocks"), GP64())
	Label("block")
	TESTQ(blocks, blocks)
	JZ(LabelRef("done"))
	e, o := YMM(), YMM()
	VMOVDQU(Mem{Base: even}, e)
	VMOVDQU(Mem{Base: odd}, o)
	// Unpacking works in halves of a register: samples 0–7 and 16–23, and samples 8–15 and 24–31.
	first, second := YMM(), YMM()
	VPUNPCKLWD(o, e, first)
	VPUNPCKHWD(o, e, second)
	for i, lanes := range []VecVirtual{first, second} {
		out := YMM()
		VPMOVZXWD(lanes.AsX(), out)
		VMOVDQU(out, Mem{Base: row, Disp: 32 * i})
		high := XMM()
		VEXTRACTI128(Imm(1), lanes, high)
		out = YMM()
		VPMOVZXWD(high, out)
		VMOVDQU(out, Mem{Base: row, Disp: 64 + 32*i})
	}
	ADDQ(Imm(32), even)
	ADDQ(Imm(32), odd)
	ADDQ(Imm(128), row)
	DECQ(blocks)
	JMP(LabelRef("block"))
	Label("done")
	VZEROUPPER()
	RET()
}

// weighWide writes the sums of 32-bit lanes for blocks of 32 samples, rounded to bytes.
func weighWide() {
	order := GLOBL("packed", RODATA|NOPTR)
	for i, from := range []U32{0, 4, 1, 5, 2, 6, 3, 7} {
		DATA(4*i, from)
	}
	TEXT("weighWideAVX2", NOSPLIT, "func(out, pairs *byte, count, blocks int)")
	Doc("weighWideAVX2 sums up count pairs: out = (Σ weight·(a+b) + 2^15) >> 16, 32 samples a block. pairs points to the first pair.")
	Pragma("noescape")
	out := Load(Param("out"), GP64())
	pairs := Load(Param("pairs"), GP64())
	count := Load(Param("count"), GP64())
	blocks := Load(Param("blocks"), GP64())
	half, unshuffle := YMM(), YMM()
	VPCMPEQD(half, half, half)
	VPSRLD(Imm(31), half, half)
	VPSLLD(Imm(15), half, half)
	VMOVDQU(order, unshuffle)
	at := GP64()
	XORQ(at, at)

	Label("block")
	TESTQ(blocks, blocks)
	JZ(LabelRef("done"))
	sums := []VecVirtual{YMM(), YMM(), YMM(), YMM()}
	for _, s := range sums {
		VMOVDQA(half, s)
	}
	pair, left := GP64(), GP64()
	MOVQ(pairs, pair)
	MOVQ(count, left)
	Label("pair")
	TESTQ(left, left)
	JZ(LabelRef("store"))
	a, b, w := GP64(), GP64(), YMM()
	MOVQ(Mem{Base: pair, Disp: pairA}, a)
	MOVQ(Mem{Base: pair, Disp: pairB}, b)
	VPBROADCASTD(Mem{Base: pair, Disp: pairWeight}, w)
	for i, s := range sums {
		v := YMM()
		VMOVDQU(Mem{Base: a, Index: at, Scale: 4, Disp: 32 * i}, v)
		VPADDD(Mem{Base: b, Index: at, Scale: 4, Disp: 32 * i}, v, v)
		VPMULLD(w, v, v)
		VPADDD(v, s, s)
	}
	ADDQ(Imm(pairSize), pair)
	DECQ(left)
	JMP(LabelRef("pair"))
	Label("store")
	for _, s := range sums {
		VPSRLD(Imm(16), s, s)
	}
	// Packing works in halves of a register, too.
	VPACKUSDW(sums[1], sums[0], sums[0])
	VPACKUSDW(sums[3], sums[2], sums[2])
	VPACKUSWB(sums[2], sums[0], sums[0])
	VPERMD(sums[0], unshuffle, sums[0])
	VMOVDQU(sums[0], Mem{Base: out, Index: at, Scale: 1})
	ADDQ(Imm(32), at)
	DECQ(blocks)
	JMP(LabelRef("block"))
	Label("done")
	VZEROUPPER()
	RET()
}
