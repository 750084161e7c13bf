package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// routine begins a routine, whose name is base and the width's; signature is that of the Go function without its name.
func (w width) routine(base, signature string, doc ...string) {
	TEXT(w.name(base), NOSPLIT, "func"+signature)
	Doc(append([]string{w.name(base) + " " + doc[0]}, doc[1:]...)...)
	Pragma("noescape")
}

// end ends it.
func end() {
	VZEROUPPER()
	RET()
}

// arg returns an argument of 64 bits.
func arg(name string) GPVirtual { return Load(Param(name), GP64()).(GPVirtual) }

// repeat emits a loop of count rounds, at least one.
func repeat(label string, count Register, body func()) {
	Label(label)
	body()
	DECQ(count)
	JNZ(LabelRef(label))
}

// each emits a loop of count rounds, which may be none.
func each(label string, count Register, body func()) {
	TESTQ(count, count)
	JZ(LabelRef(label + "Done"))
	repeat(label, count, body)
	Label(label + "Done")
}

// advance moves pointers on.
func advance(bytes int, pointers ...Register) {
	for _, p := range pointers {
		ADDQ(U32(bytes), p)
	}
}

// pointer is an argument that moves on by a number of bytes for every unit of work.
type pointer struct {
	GPVirtual
	step int
}

func param(name string, step int) pointer { return pointer{arg(name), step} }

// at returns the memory at an offset.
func (p pointer) at(disp int) Mem { return Mem{Base: p, Disp: disp} }

// loop works through n units, at least a block of them: block after block, and at last the block that ends with the last unit, of which
// some have been done. Results must not depend on what was done before.
func loop(n Register, block int, body func(), pointers ...pointer) {
	Label("block")
	body()
	for _, p := range pointers {
		advance(block*p.step, p)
	}
	SUBQ(U32(block), n)
	CMPQ(n, U32(block))
	JGE(LabelRef("block"))
	TESTQ(n, n)
	JZ(LabelRef("done"))
	// n−block units back, which is negative.
	back := GP64()
	for _, p := range pointers {
		IMUL3Q(U32(p.step), n, back)
		LEAQ(Mem{Base: p, Index: back, Scale: 1, Disp: -block * p.step}, p)
	}
	MOVQ(U32(block), n)
	JMP(LabelRef("block"))
	Label("done")
	end()
}

// parts works through n bytes, a register's worth at a time. The last is what is left, under a mask, with AVX-512; with AVX2 it
// overlaps the one before, and there is no mask.
func (w width) parts(n Register, body func(at, mask Register)) {
	at := GP64()
	XORQ(at, at)
	left := GP64()
	if w == avx512 {
		mask := K()
		Label("block")
		MOVQ(n, left)
		SUBQ(at, left)
		most := GP64()
		MOVQ(I32(64), most)
		CMPQ(left, most)
		CMOVQGT(most, left)
		firstBytes(left, GP64(), mask)
		body(at, mask)
		ADDQ(Imm(64), at)
		CMPQ(at, n)
		JLT(LabelRef("block"))
		return
	}
	Label("block")
	body(at, nil)
	ADDQ(Imm(32), at)
	MOVQ(n, left)
	SUBQ(at, left)
	JLE(LabelRef("done"))
	CMPQ(left, Imm(32))
	JGE(LabelRef("block"))
	LEAQ(Mem{Base: n, Disp: -32}, at)
	JMP(LabelRef("block"))
	Label("done")
}

// atLeast ends the documentation of a routine of parts.
func (w width) atLeast() string {
	if w == avx512 {
		return ""
	}
	return fmt.Sprintf(" n is at least %d.", w)
}

// squares emits a whole routine on (dst *byte, rows **byte, channels, n int), whose body computes from the nine samples of 3 × 3, row by
// row, what goes to dst.
func (w width) squares(body func(dst Mem, samples []Mem, mask Register)) {
	dst, rows, channels, n := arg("dst"), arg("rows"), arg("channels"), arg("n")
	var starts []Register
	for i := range 3 {
		p := GP64()
		MOVQ(Mem{Base: rows, Disp: 8 * i}, p)
		starts = append(starts, p)
	}
	w.parts(n, func(at, mask Register) {
		second, third := GP64(), GP64()
		LEAQ(Mem{Base: at, Index: channels, Scale: 1}, second)
		LEAQ(Mem{Base: at, Index: channels, Scale: 2}, third)
		var samples []Mem
		for _, start := range starts {
			for _, index := range []Register{at, second, third} {
				samples = append(samples, Mem{Base: start, Index: index, Scale: 1})
			}
		}
		body(Mem{Base: dst, Index: at, Scale: 1}, samples, mask)
	})
	end()
}
