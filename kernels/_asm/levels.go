package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// levels finds the lowest and the highest byte of a row. The last block overlaps the one before.
func levels() {
	avx2.extremes()
	avx512.extremes()
}

func (w width) extremes() {
	w.routine("extremes", "(row *byte, n int) (lowest, highest int)",
		fmt.Sprintf("returns the lowest and the highest of n bytes, at least %d.", w))
	row, n := arg("row"), arg("n")
	last := GP64()
	LEAQ(Mem{Base: row, Index: n, Scale: 1, Disp: -int(w)}, last)
	low := w.load(Mem{Base: last})
	high := w.copy(low)
	Label("block")
	CMPQ(row, last)
	JAE(LabelRef("done"))
	v := w.load(Mem{Base: row})
	VPMINUB(v, low, low)
	VPMAXUB(v, high, high)
	ADDQ(Imm(uint64(w)), row)
	JMP(LabelRef("block"))
	Label("done")
	half := w.vec()
	if w == avx512 {
		VEXTRACTI64X4(Imm(1), low, half.AsY())
		VPMINUB(half.AsY(), low.AsY(), low.AsY())
		VEXTRACTI64X4(Imm(1), high, half.AsY())
		VPMAXUB(half.AsY(), high.AsY(), high.AsY())
	}
	VEXTRACTI128(Imm(1), low.AsY(), half.AsX())
	VPMINUB(half.AsX(), low.AsX(), low.AsX())
	VEXTRACTI128(Imm(1), high.AsY(), half.AsX())
	VPMAXUB(half.AsX(), high.AsX(), high.AsX())

	ones := XMM()
	VPCMPEQB(ones, ones, ones)
	VPXOR(ones, high.AsX(), high.AsX()) // the highest is the complement's lowest
	result := GP64()
	for i, x := range []Register{low.AsX(), high.AsX()} {
		VPSRLW(Imm(8), x, half.AsX())
		VPMINUB(half.AsX(), x, x)
		VPHMINPOSUW(x, x)
		VMOVQ(x, result)
		MOVWQZX(result.As16(), result)
		if i == 1 {
			XORQ(Imm(255), result)
		}
		Store(result, ReturnIndex(i))
	}
	end()
}
