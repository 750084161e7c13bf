package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// taps sums up pairs of weighted rows of bytes in 16-bit lanes. Bytes of a pair are interleaved within 16-byte lanes, multiplied and
// added; packing the sums undoes the interleaving.
func taps() {
	for _, w := range []width{avx2, avx512} {
		w.taps("taps", "saturate(Σ weight·sample + delta)", false)
		w.taps("tapsAbs", "saturate(|Σ weight·sample + delta|)", true)
	}
}

func (w width) taps(base, what string, abs bool) {
	w.routine(base, "(dst, pairs *byte, count, n, delta int)",
		"writes "+what+" over count pairs for n ≥ two vectors' samples. pairs points to the first pair, whose weight holds",
		"two signed bytes. No sum of some of the products and delta exceeds 16 bits.")
	dst, pairs, count, n := arg("dst"), arg("pairs"), arg("count"), arg("n")
	delta := w.lanes(16, arg("delta"))
	const vectors = 2
	block := vectors * int(w)
	at, last := GP64(), GP64()
	XORQ(at, at)
	LEAQ(Mem{Base: n, Disp: -block}, last)

	Label("block")
	var low, high [vectors]VecVirtual
	for i := range vectors {
		low[i], high[i] = w.copy(delta), w.copy(delta)
	}
	pair, left := GP64(), GP64()
	MOVQ(pairs, pair)
	MOVQ(count, left)
	repeat("pair", left, func() {
		a, b, weights := GP64(), GP64(), w.vec()
		MOVQ(Mem{Base: pair, Disp: pairA}, a)
		MOVQ(Mem{Base: pair, Disp: pairB}, b)
		VPBROADCASTW(Mem{Base: pair, Disp: pairWeight}, weights)
		for i := range vectors {
			va := w.load(Mem{Base: a, Index: at, Scale: 1, Disp: i * int(w)})
			vb := w.load(Mem{Base: b, Index: at, Scale: 1, Disp: i * int(w)})
			for _, half := range []struct {
				unpack func(...Op)
				sum    VecVirtual
			}{{VPUNPCKLBW, low[i]}, {VPUNPCKHBW, high[i]}} {
				v := w.vec()
				half.unpack(vb, va, v)
				VPMADDUBSW(weights, v, v)
				VPADDW(v, half.sum, half.sum)
			}
		}
		ADDQ(Imm(pairSize), pair)
	})
	for i := range vectors {
		if abs {
			VPABSW(low[i], low[i])
			VPABSW(high[i], high[i])
		}
		VPACKUSWB(high[i], low[i], low[i])
		w.move(low[i], Mem{Base: dst, Index: at, Scale: 1, Disp: i * int(w)})
	}
	CMPQ(at, last)
	JGE(LabelRef("done"))
	ADDQ(U32(block), at)
	CMPQ(at, last)
	JLE(LabelRef("block"))
	MOVQ(last, at) // the last block ends with the last sample
	JMP(LabelRef("block"))
	Label("done")
	end()
}
