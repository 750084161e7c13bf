package main

import (
	"fmt"
	"slices"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// median writes the medians of small squares, by sorting networks on bytes: first each column of the square is sorted, once for
// all squares that it is part of, then the columns are merged as far as the median needs it.
func median() {
	for _, w := range []width{avx2, avx512} {
		for _, size := range []int{3, 5, 7} {
			w.sortRows(size)
			w.mergeColumns(size)
		}
		w.medianOfRows()
	}
	slideColumns()
	histogramRow()
}

// registers are all of the width.
func (w width) registers() []Register {
	if w == avx512 {
		return []Register{
			Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15,
			Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23, Z24, Z25, Z26, Z27, Z28, Z29, Z30, Z31,
		}
	}
	return []Register{Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15}
}

// schedule returns what writes the steps, and how many registers' worth of memory it spills to. Inputs are loaded when they are
// needed; when registers run out, the value that is needed last makes room and is spilled, unless it is an input (Belady). done
// takes each result in its register.
func (w width) schedule(
	ss []networkStep, inputs int, results []int, input func(value int, r Register), done func(i int, r Register),
) (write func(spill Mem), spills int) {
	uses := map[int][]int{} // by value: the steps that read it
	for i, s := range ss {
		uses[s.a] = append(uses[s.a], i)
		uses[s.b] = append(uses[s.b], i)
	}
	for i, r := range results {
		uses[r] = append(uses[r], len(ss)+i)
	}
	var code []func(spill Mem)
	held, slots := map[int]Register{}, map[int]int{}
	free := slices.Clone(w.registers())
	release := func(value, now int) {
		for len(uses[value]) > 0 && uses[value][0] <= now {
			uses[value] = uses[value][1:]
		}
		if r, ok := held[value]; ok && len(uses[value]) == 0 {
			free = append(free, r)
			delete(held, value)
		}
	}
	take := func(keep ...int) Register {
		if len(free) == 0 {
			last := -1
			for value := range held {
				later := last < 0 || uses[value][0] > uses[last][0] || uses[value][0] == uses[last][0] && value > last
				if later && !slices.Contains(keep, value) {
					last = value
				}
			}
			r := held[last]
			if _, saved := slots[last]; last >= inputs && !saved {
				slot := spills
				slots[last] = slot
				code = append(code, func(spill Mem) { w.move(r, spill.Offset(slot*int(w))) })
				spills++
			}
			free = append(free, r)
			delete(held, last)
		}
		r := free[0]
		free = free[1:]
		return r
	}
	need := func(value int, keep ...int) Register {
		if r, ok := held[value]; ok {
			return r
		}
		r := take(keep...)
		if value < inputs {
			code = append(code, func(Mem) { input(value, r) })
		} else {
			slot := slots[value]
			code = append(code, func(spill Mem) { w.move(spill.Offset(slot*int(w)), r) })
		}
		held[value] = r
		return r
	}
	for i, s := range ss {
		a := need(s.a, s.b)
		b := need(s.b, s.a)
		// What is read here for the last time makes room for the result.
		release(s.a, i)
		release(s.b, i)
		out := take(s.a, s.b)
		held[s.out] = out
		code = append(code, func(Mem) {
			if s.greater {
				VPMAXUB(b, a, out)
			} else {
				VPMINUB(b, a, out)
			}
		})
	}
	for i, value := range results {
		r := need(value)
		code = append(code, func(Mem) { done(i, r) })
		release(value, len(ss)+i)
	}
	return func(spill Mem) {
		for _, c := range code {
			c(spill)
		}
	}, spills
}

const (
	rankStride  = 2112 // how many bytes the ranks of sorted columns are apart
	medianSpill = 1024 // bytes behind the ranks that are free for registers' contents
)

// sortRows sorts size bytes, one of each row, and writes them to as many rows.
func (w width) sortRows(size int) {
	w.routine(fmt.Sprintf("sort%dRows", size), "(dst *byte, rows **byte, n int)",
		fmt.Sprintf("sorts the samples of %d rows at each of n places: the least go to dst, the next %d bytes further.%s",
			size, rankStride, w.atLeast()))
	dst, rows, n := arg("dst"), arg("rows"), arg("n")
	var all []int
	for i := range size {
		all = append(all, i)
	}
	ss, results := networkSteps(smallSorters[size], size, all)
	w.parts(n, func(at, mask Register) {
		load := func(value int, r Register) {
			p := GP64()
			MOVQ(Mem{Base: rows, Disp: 8 * value}, p)
			w.loadPart(Mem{Base: p, Index: at, Scale: 1}, mask, r)
		}
		write, _ := w.schedule(ss, size, results, load, func(i int, r Register) {
			w.storePart(r, mask, Mem{Base: dst, Index: at, Scale: 1, Disp: i * rankStride})
		})
		write(Mem{})
	})
	end()
}

// mergeColumns finds the medians of squares of sorted columns.
func (w width) mergeColumns(size int) {
	es, wire := medianNetwork(size)
	ss, results := networkSteps(es, size*size, []int{wire})
	w.routine(fmt.Sprint("median", size), "(dst, columns *byte, channels, n int)",
		fmt.Sprintf("finds the medians of squares whose columns are sorted: the ranks are %d bytes apart, and the next column of a square "+
			"is channels bytes further. It reads whole registers, and writes up to %d bytes behind the ranks.%s",
			rankStride, medianSpill, w.atLeast()))
	dst, first, channels, n := arg("dst"), arg("columns"), arg("channels"), arg("n")
	columns := []Register{first}
	for i := range size - 1 {
		next := GP64()
		LEAQ(Mem{Base: columns[i], Index: channels, Scale: 1}, next)
		columns = append(columns, next)
	}
	w.parts(n, func(at, mask Register) {
		load := func(value int, r Register) {
			w.move(Mem{Base: columns[value%size], Index: at, Scale: 1, Disp: value / size * rankStride}, r)
		}
		write, spills := w.schedule(ss, size*size, results, load, func(_ int, r Register) {
			w.storePart(r, mask, Mem{Base: dst, Index: at, Scale: 1})
		})
		write(Mem{Base: first, Disp: size * rankStride})
		if spills*int(w) > medianSpill {
			panic("there is no room for what is spilled")
		}
	})
	end()
}

// medianOfRows finds the medians of squares of three rows in one go. It sorts every column three times over, which is less work
// than to write and read them.
func (w width) medianOfRows() {
	const size = 3
	var es []networkExchange
	for column := range size {
		for _, e := range smallSorters[size] {
			es = append(es, networkExchange{e.lo*size + column, e.hi*size + column})
		}
	}
	merge, wire := medianNetwork(size)
	ss, results := networkSteps(append(es, merge...), size*size, []int{wire})
	w.routine("medianOf3Rows", "(dst *byte, rows **byte, channels, n int)",
		"finds n medians of squares, from three rows that begin at the first square's first column; columns are channels bytes apart."+w.atLeast())
	w.squares(func(dst Mem, samples []Mem, mask Register) {
		load := func(value int, r Register) { w.loadPart(samples[value], mask, r) }
		write, _ := w.schedule(ss, size*size, results, load, func(_ int, r Register) { w.storePart(r, mask, dst) })
		write(Mem{})
	})
}
