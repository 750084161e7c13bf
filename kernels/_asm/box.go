package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// box writes the running sums of a box filter: along columns in 32-bit lanes, and along rows as prefix sums within a register.
func box() {
	for _, w := range []width{avx2, avx512} {
		w.boxColumns()
		w.boxRow(1)
		w.boxRow(3)
	}
}

func (w width) boxColumns() {
	lanes := int(w) / 4
	w.routine("boxColumns", "(sums *uint32, plus, minus *byte, blocks int)",
		fmt.Sprintf("adds plus − minus to the sums, %d samples a block.", 2*lanes))
	sums, plus, minus, blocks := arg("sums"), arg("plus"), arg("minus"), arg("blocks")
	at := GP64()
	XORQ(at, at)
	each("block", blocks, func() {
		for i := range 2 {
			p, m := w.vec(), w.vec()
			VPMOVZXBD(Mem{Base: plus, Index: at, Scale: 1, Disp: i * lanes}, p)
			VPMOVZXBD(Mem{Base: minus, Index: at, Scale: 1, Disp: i * lanes}, m)
			sum := Mem{Base: sums, Index: at, Scale: 4, Disp: i * int(w)}
			s := w.load(sum)
			VPSUBD(m, p, p)
			VPADDD(p, s, s)
			w.move(s, sum)
		}
		ADDQ(Imm(uint64(2*lanes)), at)
	})
	end()
}

func (w width) boxRow(channels int) {
	lanes := int(w) / 4
	base := fmt.Sprint("boxRow", channels)
	// indices returns which lane goes to each lane.
	indices := func(what string, from func(i int) int) VecVirtual {
		var is []int
		for i := range lanes {
			is = append(is, from(i))
		}
		return w.bytes(base+what, dwords(is...)...)
	}
	w.routine(base, "(dst *byte, front, back, carry *uint32, scale float32, blocks int)",
		fmt.Sprintf("makes running sums of one channel in %d of front − back, times scale and rounded to even, %d samples a block. "+
			"carry holds what is before: the sum for each lane, of its channel.", channels, lanes))
	dst, front, back, carry, blocks := arg("dst"), arg("front"), arg("back"), arg("carry"), arg("blocks")
	scale := w.float("scale")
	before := w.load(Mem{Base: carry})
	last := indices("Carries", func(i int) int { return lanes - channels + i%channels })
	zero := w.zero()
	// How far samples are moved, in turn, and added to make prefix sums of each channel.
	var shifts []int
	for s := channels; s < lanes; s *= 2 {
		shifts = append(shifts, s)
	}
	var places []VecVirtual // with AVX2, which has no instruction for it
	if w == avx2 {
		for _, shift := range shifts {
			places = append(places, indices(fmt.Sprint("Move", shift), func(i int) int { return max(0, i-shift) }))
		}
	}
	each("block", blocks, func() {
		s := w.load(Mem{Base: front})
		VPSUBD(Mem{Base: back}, s, s)
		for i, shift := range shifts {
			moved := w.vec()
			if w == avx512 {
				VALIGND(Imm(uint64(lanes-shift)), zero, s, moved)
			} else {
				VPERMD(s, places[i], moved)
				VPBLENDD(Imm(uint64(1<<shift-1)), zero, moved, moved)
			}
			VPADDD(moved, s, s)
		}
		VPADDD(before, s, s)
		VPERMD(s, last, before)
		VCVTDQ2PS(s, s)
		VMULPS(scale, s, s)
		VCVTPS2DQ(s, s)
		w.storeDwords(s, dst)
		advance(int(w), front, back)
		advance(lanes, dst)
	})
	w.move(before, Mem{Base: carry})
	end()
}
