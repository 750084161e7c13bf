package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The layout of type gaussStep.
const (
	stepOffset = 0
	stepEven   = 8
	stepOdd    = 12
	stepSize   = 16
)

const (
	gaussBlock = 96   // samples that the routines work on at least
	gaussUnit  = 192  // the same for columns
	gaussAhead = 4096 // samples; the processor itself does not see that the same part of many rows is read in turn
)

func gauss() {
	for _, channels := range []int{1, 3} {
		gaussPairAVX512(channels)
		gaussPairAVX2(channels)
		gaussRowAVX512(channels)
		gaussRowAVX2(channels)
	}
	avx512.gaussColumns()
	avx2.gaussColumns()
}

// folded returns where in a row the sample stands that is the i-th in folded order.
func folded(i, channels int) int {
	in := i % (2 * channels)
	return i - in + in/2 + in%2*channels
}

// unfolded is the inverse of folded.
func unfolded(s, channels int) int {
	in := s % (2 * channels)
	return s - in + in%channels*2 + in/channels
}

// suffix names the layout of the samples.
func suffix(channels int) string { return map[int]string{1: "Grey", 3: "Colour"}[channels] }

// gaussPairs writes a routine that pairs blocks of samples.
func (w width) gaussPairs(channels int, orders []Mem, block func(pairs, a, b Register, flip VecVirtual, orders []VecVirtual)) {
	w.routine("gaussPair"+suffix(channels), "(pairs, a, b *byte, blocks int)",
		"pairs the samples of rows a and b in folded order, their top bits flipped, 96 a block.")
	pairs, a, b, blocks := arg("pairs"), arg("a"), arg("b"), arg("blocks")
	flip := w.number(0x80808080)
	loaded := w.loads(orders)
	repeat("block", blocks, func() {
		block(pairs, a, b, flip, loaded)
		prefetch(a)
		prefetch(b)
		advance(gaussBlock, a, b)
		advance(2*gaussBlock, pairs)
	})
	end()
}

// prefetch fetches what is ahead of a block of bytes.
func prefetch(p Register) {
	for i := 0; i < gaussBlock; i += 48 {
		PREFETCHT1(Mem{Base: p, Disp: gaussAhead + i})
	}
}

func gaussPairAVX512(channels int) {
	// A register takes 32 pairs, whose samples lie within 64 bytes.
	starts := []int{0, 16, 32}
	var orders []Mem
	for j, start := range starts {
		orders = append(orders, table(fmt.Sprint("pair", suffix(channels), j), places(64, func(i int) int {
			return folded(32*j+i/2, channels) - start + i%2*64
		})))
	}
	avx512.gaussPairs(channels, orders, func(pairs, a, b Register, flip VecVirtual, orders []VecVirtual) {
		for j, start := range starts {
			v := avx512.load(Mem{Base: a, Disp: start})
			VPERMT2B(Mem{Base: b, Disp: start}, orders[j], v)
			VPXORQ(flip, v, v)
			avx512.move(v, Mem{Base: pairs, Disp: 64 * j})
		}
	})
}

// gaussPairAVX2 makes pairs of 16 samples in each half of a register. In colour these are 12, put in order: it writes their 24 bytes of pairs
// as twice 16, the last 8 of which come anew with the next samples, and reads and writes a little more than its blocks.
func gaussPairAVX2(channels int) {
	half := 16
	var orders []Mem
	if channels == 3 {
		half = 12
		orders = append(orders, avx2.constant("pairColour", places(16, func(i int) int {
			if i >= half {
				return none
			}
			return folded(i, channels)
		})...))
	}
	avx2.gaussPairs(channels, orders, func(pairs, a, b Register, flip VecVirtual, orders []VecVirtual) {
		sample := func(p Register, at int) VecVirtual {
			v := YMM()
			if channels == 1 {
				VPXOR(Mem{Base: p, Disp: at}, flip, v)
				return v
			}
			VMOVDQU(Mem{Base: p, Disp: at}, v.AsX())
			VINSERTI128(Imm(1), Mem{Base: p, Disp: at + half}, v, v)
			VPSHUFB(orders[0], v, v)
			VPXOR(flip, v, v)
			return v
		}
		for at := 0; at < gaussBlock; at += 2 * half {
			va, vb := sample(a, at), sample(b, at)
			low, high := YMM(), YMM()
			VPUNPCKLBW(vb, va, low)
			VPUNPCKHBW(vb, va, high)
			VMOVDQU(low.AsX(), Mem{Base: pairs, Disp: 2 * at})
			VMOVDQU(high.AsX(), Mem{Base: pairs, Disp: 2*at + 16})
			VEXTRACTI128(Imm(1), low, Mem{Base: pairs, Disp: 2 * (at + half)})
			VEXTRACTI128(Imm(1), high, Mem{Base: pairs, Disp: 2*(at+half) + 16})
		}
	})
}

// gaussColumns sums up pairs of bytes for two rows at a time.
func (w width) gaussColumns() {
	const registers = 6 // for each row: with AVX2 all 16 are used then
	w.routine("gaussColumns", "(mid *int16, stride int, pairs, steps *byte, count, blocks int)",
		"sums up pairs of samples for two rows of mid that are stride bytes apart, over count steps, 192 samples a block.")
	mid, stride, pairs, steps := arg("mid"), arg("stride"), arg("pairs"), arg("steps")
	count, blocks := arg("count"), arg("blocks")
	part := registers * int(w)
	if part < 2*gaussUnit {
		ADDQ(blocks, blocks)
	}
	repeat("block", blocks, func() {
		even, odd := w.vecs(registers), w.vecs(registers)
		for i := range registers {
			w.xor(even[i], even[i], even[i])
			w.xor(odd[i], odd[i], odd[i])
		}
		w.gaussSteps(steps, count, pairs, registers, func(i int, v, tapsEven, tapsOdd VecVirtual) {
			e := w.vec()
			VPMADDUBSW(v, tapsEven, e)
			VPADDW(e, even[i], even[i])
			VPMADDUBSW(v, tapsOdd, v)
			VPADDW(v, odd[i], odd[i])
		})
		for i := range registers {
			w.move(even[i], Mem{Base: mid, Disp: int(w) * i})
			w.move(odd[i], Mem{Base: mid, Index: stride, Scale: 1, Disp: int(w) * i})
		}
		advance(part, mid, pairs)
	})
	end()
}

// gaussSteps emits a loop over the steps: sum adds up the i-th register of what is at a step's offset from src, with its taps.
func (w width) gaussSteps(steps, count, src Register, registers int, sum func(i int, v, tapsEven, tapsOdd VecVirtual)) {
	step, left := GP64(), GP64()
	MOVQ(steps, step)
	MOVQ(count, left)
	repeat("step", left, func() {
		offset := GP64()
		MOVQ(Mem{Base: step, Disp: stepOffset}, offset)
		tapsEven, tapsOdd := w.vec(), w.vec()
		VPBROADCASTD(Mem{Base: step, Disp: stepEven}, tapsEven)
		VPBROADCASTD(Mem{Base: step, Disp: stepOdd}, tapsOdd)
		for i := range registers {
			sum(i, w.load(Mem{Base: src, Index: offset, Scale: 1, Disp: int(w) * i}), tapsEven, tapsOdd)
		}
		ADDQ(Imm(stepSize), step)
	})
}

// gaussRow writes a routine that sums up blocks of pairs of columns, even and odd pixels, in registers of 32-bit lanes. finish writes
// them out.
func (w width) gaussRow(channels int, orders []Mem, finish func(out Register, even, odd, orders []VecVirtual)) {
	w.routine("gaussRow"+suffix(channels), "(out *byte, mid *int16, steps *byte, count, blocks int, bias int32)",
		"sums up pairs of columns over count steps, adds bias and writes the upper halves of the sums, which must be bytes,",
		"in the order of pixels, 96 samples a block.")
	out, mid, steps, count, blocks := arg("out"), arg("mid"), arg("steps"), arg("count"), arg("blocks")
	bias := Load(Param("bias"), GP32()).(GPVirtual)
	loaded := w.loads(orders)
	repeat("block", blocks, func() {
		even, odd := []VecVirtual{w.lanes(32, bias)}, []VecVirtual{}
		for len(even)*int(w) < 2*gaussBlock {
			even = append(even, w.copy(even[0]))
		}
		for range even {
			odd = append(odd, w.copy(even[0]))
		}
		w.gaussSteps(steps, count, mid, len(even), func(i int, v, tapsEven, tapsOdd VecVirtual) {
			if w == avx512 {
				raw("VPDPWSSD", tapsEven, v, even[i])
				raw("VPDPWSSD", tapsOdd, v, odd[i])
				return
			}
			e := w.vec()
			VPMADDWD(v, tapsEven, e)
			VPADDD(e, even[i], even[i])
			VPMADDWD(v, tapsOdd, v)
			VPADDD(v, odd[i], odd[i])
		})
		finish(out, even, odd, loaded)
		advance(gaussBlock, out)
		advance(2*gaussBlock, mid)
	})
	end()
}

func gaussRowAVX512(channels int) {
	orders := []Mem{table("join"+suffix(channels), places(64, func(i int) int { return i%32/2*4 + 2 + i%2*64 }))}
	if channels > 1 {
		orders = append(orders,
			table("first"+suffix(channels), places(64, func(i int) int { return unfolded(i, channels) })),
			table("second"+suffix(channels), places(64, func(i int) int { return unfolded(64+i%32, channels) })))
	}
	avx512.gaussRow(channels, orders, func(out Register, e, o, orders []VecVirtual) {
		// The third byte of each sum, even and odd in turn, in folded order.
		for i := range e {
			VPERMT2B(o[i], orders[0], e[i])
		}
		VINSERTI64X4(Imm(1), e[1].AsY(), e[0], e[0])
		if channels > 1 {
			rest := avx512.copy(e[0])
			VPERMT2B(e[2], orders[1], e[0])
			VPERMT2B(e[2], orders[2], rest)
			e[2] = rest
		}
		avx512.move(e[0], Mem{Base: out})
		VMOVDQU(e[2].AsY(), Mem{Base: out, Disp: 64})
		prefetch(out)
	})
}

func gaussRowAVX2(channels int) {
	avx2.gaussRow(channels, nil, func(out Register, e, o, _ []VecVirtual) {
		for i := range e {
			VPSRLD(Imm(16), e[i], e[i])
			VPBLENDW(Imm(0xaa), o[i], e[i], e[i])
		}
		for half := range 2 {
			e := e[3*half:]
			VPACKUSWB(e[1], e[0], e[0])
			VPERMQ(Imm(0b11011000), e[0], e[0])
			high := XMM()
			VEXTRACTI128(Imm(1), e[2], high)
			last := XMM()
			VPACKUSWB(high, e[2].AsX(), last)
			if channels == 1 {
				VMOVDQU(e[0], Mem{Base: out, Disp: 48 * half})
				VMOVDQU(last, Mem{Base: out, Disp: 48*half + 32})
				continue
			}
			second := XMM()
			VEXTRACTI128(Imm(1), e[0], second)
			for i := range 3 {
				v := lane.shuffles(fmt.Sprint("unfold", i), [3]Op{e[0].AsX(), second, last}, func(p int) int { return unfolded(16*i+p, channels) })
				VMOVDQU(v, Mem{Base: out, Disp: 48*half + 16*i})
			}
		}
	})
}
