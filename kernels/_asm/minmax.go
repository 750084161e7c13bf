package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// minmax writes what takes the least or greatest of several rows, byte by byte. In AVX2 the last block overlaps the one before,
// which does no harm where dst is a row: what is done twice is the same as once.
func minmax() {
	for _, least := range []bool{true, false} {
		name, what := "max", "greatest"
		if least {
			name, what = "min", "least"
		}
		combine := func(a, b, to Op) {
			if least {
				VPMINUB(a, b, to)
			} else {
				VPMAXUB(a, b, to)
			}
		}
		for _, w := range []width{avx2, avx512} {
			w.minmaxRows(name+"Rows", what, combine)
		}
		avx2.minmaxSquares(name+"Of3Rows", what, combine)
		for _, size := range []int{3, 5, 7} {
			minmaxColumns(size, fmt.Sprint(name, "Of", size, "Rows"), what, combine)
		}
	}
}

// minmaxSquares takes the least or greatest samples of squares of three rows in one go.
func (w width) minmaxSquares(base, what string, combine func(a, b, to Op)) {
	w.routine(base, "(dst *byte, rows **byte, channels, n int)",
		fmt.Sprintf("takes the %s samples of n squares, from three rows that begin at the first square's first column; "+
			"columns are channels bytes apart.%s", what, w.atLeast()))
	w.squares(func(dst Mem, samples []Mem, mask Register) {
		found, v := w.vec(), w.vec()
		for i, m := range samples {
			if i == 0 {
				w.loadPart(m, mask, found)
				continue
			}
			w.loadPart(m, mask, v)
			combine(v, found, found)
		}
		w.storePart(found, mask, dst)
	})
}

func (w width) minmaxRows(base, what string, combine func(a, b, to Op)) {
	if w == avx512 {
		w.routine(base, "(dst *byte, rows **byte, count, n int)", "takes the "+what+" of count rows for each of n bytes.")
	} else {
		w.routine(base, "(dst *byte, rows **byte, count, n int)", "takes the "+what+" of count rows for each of n ≥ 32 bytes. dst may be "+
			"the first of them, and overlaps no other.")
	}
	dst, rows, count, n := arg("dst"), arg("rows"), arg("count"), arg("n")
	at, next := GP64(), GP64()
	XORQ(at, at)
	for _, vectors := range []int{4, 1} {
		label := map[int]string{4: "four", 1: "one"}[vectors]
		Label(label)
		LEAQ(Mem{Base: at, Disp: int(w) * vectors}, next)
		CMPQ(next, n)
		JGT(LabelRef(label + "Done"))
		vs := w.vecs(vectors)
		w.minmaxBlock(label, rows, count, at, vs, func(m Mem, v VecVirtual) { w.move(m, v) }, func(m Mem, v VecVirtual) { combine(m, v, v) })
		for i, v := range vs {
			w.move(v, Mem{Base: dst, Index: at, Scale: 1, Disp: int(w) * i})
		}
		MOVQ(next, at)
		JMP(LabelRef(label))
		Label(label + "Done")
	}
	CMPQ(at, n)
	JEQ(LabelRef("done"))
	if w == avx512 {
		left, mask := GP64(), K()
		MOVQ(n, left)
		SUBQ(at, left)
		firstBytes(left, GP64(), mask)
		rest := w.vec()
		load := func(m Mem, v VecVirtual) { w.loadPart(m, mask, v) }
		w.minmaxBlock("tail", rows, count, at, []VecVirtual{rest}, load, func(m Mem, v VecVirtual) {
			other := w.vec()
			load(m, other)
			combine(other, v, v)
		})
		w.storePart(rest, mask, Mem{Base: dst, Index: at, Scale: 1})
	} else {
		LEAQ(Mem{Base: n, Disp: -int(w)}, at)
		JMP(LabelRef("one"))
	}
	Label("done")
	end()
}

// minmaxBlock takes the bytes after at of all rows into registers. Each of the blocks has a label of its own.
func (w width) minmaxBlock(label string, rows, count, at Register, vs []VecVirtual, load, combine func(m Mem, v VecVirtual)) {
	row, left, p := GP64(), GP64(), GP64()
	MOVQ(rows, row)
	MOVQ(count, left)
	ofAll := func(do func(m Mem, v VecVirtual)) {
		MOVQ(Mem{Base: row}, p)
		for i, v := range vs {
			do(Mem{Base: p, Index: at, Scale: 1, Disp: int(w) * i}, v)
		}
	}
	ofAll(load)
	JMP(LabelRef(label + "Next"))
	Label(label + "Row")
	ofAll(combine)
	Label(label + "Next")
	ADDQ(Imm(8), row)
	DECQ(left)
	JNZ(LabelRef(label + "Row"))
}
