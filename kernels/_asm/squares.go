package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// minmaxColumns takes the least or greatest samples of squares of some rows in one go: of each column first, kept in registers, and of
// these at the distances of the square's columns.
func minmaxColumns(size int, base, what string, combine func(a, b, to Op)) {
	w := avx512
	w.routine(base, "(dst *byte, rows **byte, channels, n int)", fmt.Sprintf(
		"takes the %s samples of n squares, from %d rows that begin at the first square's first column; columns are channels bytes apart.", what, size))
	dst, rows, channels, n := arg("dst"), arg("rows"), arg("channels"), arg("n")
	var starts []Register
	for i := range size {
		p := GP64()
		MOVQ(Mem{Base: rows, Disp: 8 * i}, p)
		starts = append(starts, p)
	}
	// Column k of all squares is byte k·channels on, in two registers side by side.
	step := w.lanes(8, channels)
	columns := []VecVirtual{w.load(table("squaresFirst", places(64, func(i int) int { return i })))}
	for range size - 1 {
		next := w.vec()
		VPADDB(step, columns[len(columns)-1], next)
		columns = append(columns, next)
	}
	left := GP64() // bytes of the rows, less those that have been loaded
	IMUL3Q(U32(size-1), channels, left)
	ADDQ(n, left)
	at, mask := GP64(), K()
	XORQ(at, at)
	part := func(bytes Register) { // sets the mask of so many bytes, from 0 to 64
		some, zero := GP64(), GP64()
		MOVQ(I32(64), some)
		CMPQ(bytes, some)
		CMOVQLT(bytes, some)
		XORQ(zero, zero)
		CMPQ(some, zero)
		CMOVQLT(zero, some)
		firstBytes(some, zero, mask)
	}
	load := func(disp int) VecVirtual {
		part(left)
		found, v := w.vec(), w.vec()
		for i, start := range starts {
			m := Mem{Base: start, Index: at, Scale: 1, Disp: disp}
			if i == 0 {
				w.loadPart(m, mask, found)
				continue
			}
			w.loadPart(m, mask, v)
			combine(v, found, found)
		}
		SUBQ(Imm(64), left)
		return found
	}
	here := load(0)
	Label("block")
	next, out := load(64), w.copy(here)
	for _, column := range columns[1:] {
		v := w.copy(column)
		VPERMI2B(next, here, v)
		combine(v, out, out)
	}
	part(n)
	w.storePart(out, mask, Mem{Base: dst, Index: at, Scale: 1})
	VMOVDQA64(next, here)
	ADDQ(Imm(64), at)
	SUBQ(Imm(64), n)
	JG(LabelRef("block"))
	end()
}
