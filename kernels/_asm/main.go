// Command _asm writes the assembly of package kernels. Run it by 'go generate ./kernels'; its output is committed, so that
// users need neither it nor avo.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

func main() {
	weigh()
	Generate()
}

// weigh writes taps.sum for blocks of 32 bytes. The sums stay in registers over all pairs; even and odd samples are in 16-bit
// lanes, as in the Go loop.
func weigh() {
	TEXT("weighAVX2", NOSPLIT, "func(even, odd *uint64, middle *byte, a, b **byte, weights *uint64, pairs int, w uint64, blocks int)")
	Doc("weighAVX2 adds up weighted bytes: middle[i]·w + Σ weights[j]·(a[j][i] + b[j][i]), 32 bytes a block.")
	Pragma("noescape")
	even, odd := Load(Param("even"), GP64()), Load(Param("odd"), GP64())
	middle := Load(Param("middle"), GP64())
	a, b := Load(Param("a"), GP64()), Load(Param("b"), GP64())
	weights := Load(Param("weights"), GP64())
	pairs := Load(Param("pairs"), GP64())
	blocks := Load(Param("blocks"), GP64())
	mask, w := YMM(), YMM()
	VPCMPEQW(mask, mask, mask)
	VPSRLW(Imm(8), mask, mask)
	x := XMM()
	wide := Load(Param("w"), GP64())
	MOVQ(wide, x)
	VPBROADCASTW(x, w)
	at := GP64()
	XORQ(at, at)

	Label("block")
	TESTQ(blocks, blocks)
	JZ(LabelRef("done"))
	e, o := YMM(), YMM()
	m := YMM()
	VMOVDQU(Mem{Base: middle, Index: at, Scale: 1}, m)
	VPAND(mask, m, e)
	VPSRLW(Imm(8), m, o)
	VPMULLW(w, e, e)
	VPMULLW(w, o, o)
	j := GP64()
	XORQ(j, j)
	Label("pair")
	CMPQ(j, pairs)
	JGE(LabelRef("store"))
	p, q := GP64(), GP64()
	MOVQ(Mem{Base: a, Index: j, Scale: 8}, p)
	MOVQ(Mem{Base: b, Index: j, Scale: 8}, q)
	tap := YMM()
	VPBROADCASTW(Mem{Base: weights, Index: j, Scale: 8}, tap)
	va, vb := YMM(), YMM()
	VMOVDQU(Mem{Base: p, Index: at, Scale: 1}, va)
	VMOVDQU(Mem{Base: q, Index: at, Scale: 1}, vb)
	ea, eb := YMM(), YMM()
	VPAND(mask, va, ea)
	VPAND(mask, vb, eb)
	VPADDW(eb, ea, ea)
	VPSRLW(Imm(8), va, va)
	VPSRLW(Imm(8), vb, vb)
	VPADDW(vb, va, va)
	VPMULLW(tap, ea, ea)
	VPMULLW(tap, va, va)
	VPADDW(ea, e, e)
	VPADDW(va, o, o)
	INCQ(j)
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
