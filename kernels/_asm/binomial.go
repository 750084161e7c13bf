package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func binomial() {
	for _, size := range []int{3, 5} {
		for _, w := range []width{avx512, avx2} {
			w.binomialRows(size, "Start", size-1, false)
			w.binomialRows(size, "One", 1, true)
			w.binomialRows(size, "Four", 4, true)
		}
	}
}

// binomialRows goes along some rows together, a register of bytes at a time. It sums up along each row, in 16-bit lanes of even and of odd
// bytes. Down the column each of size−1 stages adds its input to that of the row before, which is the stage's state.
func (w width) binomialRows(size int, kind string, rows int, output bool) {
	const (
		sliceSize = 24
		block     = 64
	)
	base := fmt.Sprintf("binomial%d%s", size, kind)
	doc := []string{
		fmt.Sprintf("makes the state for the first of these: src are the %d rows above it. dst and what is ahead are not used.", rows),
	}
	if output {
		doc = []string{
			fmt.Sprintf("sums up %d × %d samples, whose columns are step bytes apart, into the samples from x on of %d rows of dst,",
				size, size, rows),
			"64 a block. src are the lowest rows of each sum; state is what the row above left. What lies so many bytes ahead of the",
			"rows is fetched into the cache.",
		}
	}
	w.routine(base, "(dst, src *[]byte, state *byte, x, step, blocks, dstAhead, srcAhead int)", doc...)
	src, state, x, step := arg("src"), arg("state"), arg("x"), arg("step")
	// starts returns where the samples begin in each of some slices.
	starts := func(slices Register) (ps []Register) {
		for i := range rows {
			p := GP64()
			MOVQ(Mem{Base: slices, Disp: sliceSize * i}, p)
			ADDQ(x, p)
			ps = append(ps, p)
		}
		return ps
	}
	var to []Register
	if output {
		to = starts(arg("dst"))
	}
	for range size / 2 { // to the first sample that is summed up
		SUBQ(step, x)
	}
	from := starts(src)
	step3 := GP64()
	LEAQ(Mem{Base: step, Index: step, Scale: 2}, step3)
	blocks := arg("blocks")
	if w < block {
		ADDQ(blocks, blocks)
	}

	constant := func(lane uint16, register bool) Op {
		if register {
			return w.number(uint32(lane) | uint32(lane)<<16)
		}
		return w.constant(fmt.Sprint(base, "_", lane), byte(lane), byte(lane>>8))
	}
	// With AVX2, 5 × 5 samples need nearly all registers.
	spare := w == avx512 || size == 3
	middle, shift, half := uint16(2), uint64(4), uint16(8)
	if size == 5 {
		middle, shift, half = 6, 8, 128
	}
	low, high, round := constant(0xff, true), constant(0xff00, spare), constant(half, spare)
	evenMiddle, oddMiddle := constant(middle, spare), constant(middle<<8, spare)

	repeat("block", blocks, func() {
		var even, odd []VecVirtual
		for i := range size - 1 {
			even = append(even, w.load(Mem{Base: state, Disp: 2 * i * int(w)}))
			odd = append(odd, w.load(Mem{Base: state, Disp: (2*i + 1) * int(w)}))
		}
		var dstAhead, srcAhead Register
		if output {
			dstAhead, srcAhead = arg("dstAhead"), arg("srcAhead")
		}
		for i, p := range from {
			sample := func(i int) VecVirtual {
				return w.load([]Mem{
					{Base: p}, {Base: p, Index: step, Scale: 1}, {Base: p, Index: step, Scale: 2},
					{Base: p, Index: step3, Scale: 1}, {Base: p, Index: step, Scale: 4},
				}[i])
			}
			// split adds sample i to the sums.
			split := func(i int, e, o VecVirtual) {
				v, e1 := sample(i), w.vec()
				w.and(low, v, e1)
				VPSRLW(Imm(8), v, v)
				VPADDW(e1, e, e)
				VPADDW(v, o, o)
			}
			e, o := w.vec(), w.vec()
			v := sample(size / 2)
			VPMADDUBSW(evenMiddle, v, e)
			VPMADDUBSW(oddMiddle, v, o)
			if size == 5 { // weights of 4
				e4, o4, v := w.vec(), w.vec(), sample(1)
				w.and(low, v, e4)
				VPSRLW(Imm(8), v, o4)
				split(3, e4, o4)
				VPSLLW(Imm(2), e4, e4)
				VPSLLW(Imm(2), o4, o4)
				VPADDW(e4, e, e)
				VPADDW(o4, o, o)
			}
			split(0, e, o)
			split(size-1, e, o)
			for i := range even {
				// The register of the old state takes the sum, and the one of the stage's input is the new state.
				VPADDW(e, even[i], even[i])
				VPADDW(o, odd[i], odd[i])
				e, even[i] = even[i], e
				o, odd[i] = odd[i], o
			}
			if !output {
				continue
			}
			VPADDW(round, e, e)
			VPADDW(round, o, o)
			VPSRLW(Imm(shift), e, e)
			if shift < 8 {
				VPSLLW(Imm(8-shift), o, o)
			}
			if w == avx512 { // e | high & o
				VPTERNLOGD(Imm(0xf8), high, o, e)
			} else {
				VPAND(high, o, o)
				VPOR(o, e, e)
			}
			w.move(e, Mem{Base: to[i]})
			PREFETCHT1(Mem{Base: to[i], Index: dstAhead, Scale: 1})
			PREFETCHT1(Mem{Base: p, Index: srcAhead, Scale: 1})
		}
		for i := range even {
			w.move(even[i], Mem{Base: state, Disp: 2 * i * int(w)})
			w.move(odd[i], Mem{Base: state, Disp: (2*i + 1) * int(w)})
		}
		advance(int(w), append(from, to...)...)
		advance(2*int(w)*len(even), state)
	})
	end()
}
