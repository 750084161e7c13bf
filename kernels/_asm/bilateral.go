package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The layout of type bilateralTap.
const (
	tapOffset = 0
	tapWeight = 8
	tapSize   = 16
)

// bilateral writes the weighted sums of a bilateral filter and their quotients, in float32, eight or sixteen pixels at a time.
func bilateral() {
	for _, channels := range []int{1, 3} {
		avx2.bilateralRow(channels)
		avx512.bilateralRow(channels)
	}
}

func (w width) bilateralRow(channels int) {
	lanes := int(w) / 4
	base := fmt.Sprint("bilateral", channels)
	w.routine(base, "(dst, middle, first *byte, stride int, taps *byte, count int, colour *float32, blocks int)",
		fmt.Sprintf("filters blocks of %d pixels of %d channels, whose planes are stride bytes apart. middle points to the pixels, "+
			"first to where the taps' offsets begin. It may write 4 bytes more.", lanes, channels))
	dst, middle, first, stride := arg("dst"), arg("middle"), arg("first"), arg("stride")
	taps, count, colour, blocks := arg("taps"), arg("count"), arg("colour"), arg("blocks")

	repeat("block", blocks, func() {
		var here, sums []VecVirtual
		p := GP64()
		MOVQ(middle, p)
		for range channels {
			v := w.vec()
			VPMOVZXBD(Mem{Base: p}, v)
			ADDQ(stride, p)
			here = append(here, v)
		}
		for range channels + 1 {
			sums = append(sums, w.zero())
		}
		weights := sums[channels]
		tap, left := GP64(), GP64()
		MOVQ(taps, tap)
		MOVQ(count, left)
		repeat("tap", left, func() {
			MOVQ(Mem{Base: tap, Disp: tapOffset}, p)
			ADDQ(first, p)
			var values []VecVirtual
			distance := w.vec()
			for c := range channels {
				v, d := w.vec(), w.vec()
				VPMOVZXBD(Mem{Base: p}, v)
				ADDQ(stride, p)
				VPSUBD(here[c], v, d)
				VPABSD(d, d)
				if c == 0 {
					distance = d
				} else {
					VPADDD(d, distance, distance)
				}
				VCVTDQ2PS(v, v)
				values = append(values, v)
			}
			weight, space := w.vec(), w.vec()
			if w == avx512 {
				all := K()
				KXNORW(all, all, all)
				VGATHERDPS(Mem{Base: colour, Index: distance, Scale: 4}, all, weight)
			} else {
				all := w.vec()
				VPCMPEQD(all, all, all)
				VGATHERDPS(all, Mem{Base: colour, Index: distance, Scale: 4}, weight)
			}
			VBROADCASTSS(Mem{Base: tap, Disp: tapWeight}, space)
			VMULPS(space, weight, weight)
			VADDPS(weight, weights, weights)
			for c, v := range values {
				VFMADD231PS(v, weight, sums[c])
			}
			ADDQ(Imm(tapSize), tap)
		})

		if channels == 1 {
			VDIVPS(weights, sums[0], sums[0])
		} else {
			one := w.number(math.Float32bits(1))
			VDIVPS(weights, one, weights)
			for _, s := range sums[:channels] {
				VMULPS(weights, s, s)
			}
		}
		for _, s := range sums[:channels] {
			VCVTPS2DQ(s, s)
		}
		w.storePixels(sums[:channels], dst)
		advance(lanes, middle, first)
		advance(lanes*channels, dst)
	})
	end()
}

// storePixels writes the low bytes of each lane, those of a pixel's channels side by side.
func (w width) storePixels(values []VecVirtual, dst Register) {
	v := values[0]
	if len(values) == 1 {
		w.storeDwords(v, dst)
		return
	}
	for i, other := range values[1:] {
		VPSLLD(Imm(uint64(8*(i+1))), other, other)
		w.or(other, v, v)
	}
	order := func(i int) int { return i/3*4 + i%3 } // of 32-bit lanes, three bytes each are left
	high := w.vec()
	if w == avx512 {
		where := w.load(table("pixels", places(64, order))) // what comes after 48 bytes is of no use
		VPERMB(v, where, v)
		VMOVDQU8(v.AsY(), Mem{Base: dst})
		VEXTRACTI64X4(Imm(1), v, high.AsY())
		VMOVDQU8(high.AsX(), Mem{Base: dst, Disp: 32})
		return
	}
	where := w.bytes("pixels", places(16, func(i int) int {
		if i >= 12 {
			return none
		}
		return order(i)
	})...)
	VPSHUFB(where, v, v)
	VEXTRACTI128(Imm(1), v, high.AsX())
	VMOVDQU(v.AsX(), Mem{Base: dst})
	VMOVDQU(high.AsX(), Mem{Base: dst, Disp: 12})
}
