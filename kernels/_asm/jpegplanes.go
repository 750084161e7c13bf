package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func jpegUpsample() {
	w := avx2
	// nearer3 makes words of 16 bytes, 3 parts of near and 1 of far, at an offset.
	three := func(near, far *pointer, disp int) VecVirtual {
		a := YMM()
		VPMOVZXBW(near.at(disp), a)
		if far == nil {
			return a
		}
		b := YMM()
		VPMOVZXBW(far.at(disp), b)
		VPADDW(a, b, b)
		VPADDW(a, a, a)
		VPADDW(a, b, b)
		return b
	}
	// wide emits the loop of both routines, for 16 samples a time.
	wide := func(near, far *pointer, dst pointer, shift uint64, left, right int) {
		blocks := arg("blocks")
		repeat("block", blocks, func() {
			before, here, after := three(near, far, -1), three(near, far, 0), three(near, far, 1)
			thrice := sumWords(here, here)
			VPADDW(here, thrice, thrice)
			VPADDW(thrice, before, before)
			VPADDW(pairOf(left, left), before, before)
			VPSRLW(Imm(shift), before, before)
			VPADDW(thrice, after, after)
			VPADDW(pairOf(right, right), after, after)
			VPSRLW(Imm(shift), after, after)
			VPSLLW(Imm(8), after, after)
			VPOR(before, after, after)
			w.move(after, dst.at(0))
			ADDQ(Imm(16), near)
			if far != nil {
				ADDQ(Imm(16), far)
			}
			ADDQ(Imm(32), dst)
		})
		end()
	}
	w.routine("upsampleWider", "(dst, src *byte, blocks int)", "writes twice 16 samples for each 16 of src, beside which there is one more on both sides.")
	dst, src := param("dst", 2), param("src", 1)
	wide(&src, nil, dst, 2, 1, 2)
	w.routine("upsampleBoth", "(dst, near, far *byte, blocks int)", "is upsampleWider for 3 parts of near and 1 of far.")
	dst, near, far := param("dst", 2), param("near", 1), param("far", 1)
	wide(&near, &far, dst, 4, 8, 7)
}

// words unpacks the lower or the upper halves of bytes.
func words(v VecVirtual, upper bool) VecVirtual {
	to, zero := YMM(), avx2.zero()
	if upper {
		VPUNPCKHBW(zero, v, to)
	} else {
		VPUNPCKLBW(zero, v, to)
	}
	return to
}

func jpegColour() {
	jpegConvert()
	jpegSplit()
	jpegShrink()
}

// jpegConvert computes with what a constant has beyond whole numbers: 1.402 = 1 + 26345/65536, 1.772 = 2 − 14942/65536.
func jpegConvert() {
	w := avx2
	w.routine("convert", "(dst, y, cb, cr *byte, n int)", "writes the RGB of n ≥ 32 pixels of YCbCr.")
	dst := param("dst", 3)
	ys, cbs, crs := param("y", 1), param("cb", 1), param("cr", 1)
	n := arg("n")
	fraction := func(v VecVirtual, c int) VecVirtual {
		twice := sumWords(v, v)
		VPMULHW(pairOf(c, c), twice, twice)
		VPADDW(pairOf(1, 1), twice, twice)
		VPSRAW(Imm(1), twice, twice)
		return twice
	}
	loop(n, 32, func() {
		y, cb, cr := w.load(ys.at(0)), w.load(cbs.at(0)), w.load(crs.at(0))
		var channels [3][2]VecVirtual
		for i := range 2 {
			upper := i == 1
			luma, b, r := words(y, upper), words(cb, upper), words(cr, upper)
			VPSUBW(pairOf(128, 128), b, b)
			VPSUBW(pairOf(128, 128), r, r)
			red := fraction(r, 26345)
			VPADDW(r, red, red)
			VPADDW(luma, red, red)
			blue := fraction(b, -14942)
			VPADDW(b, blue, blue)
			VPADDW(b, blue, blue)
			VPADDW(luma, blue, blue)
			var halves [2]VecVirtual
			for j := range halves {
				halves[j] = product(unpack(j == 1, b, r), -22554, 18734)
				VPADDD(dwordOf(1<<15), halves[j], halves[j])
				VPSRAD(Imm(16), halves[j], halves[j])
			}
			green := halves[0]
			VPACKSSDW(halves[1], green, green)
			VPSUBW(r, green, green)
			VPADDW(luma, green, green)
			channels[0][i], channels[1][i], channels[2][i] = red, green, blue
		}
		var rgb [3]VecVirtual
		for i, c := range channels {
			VPACKUSWB(c[1], c[0], c[0])
			rgb[i] = c[0]
		}
		w.pixels(rgb, dst)
	}, dst, ys, cbs, crs)
}

// jpegSplit is the way back.
func jpegSplit() {
	w := avx2
	w.routine("split", "(y, cb, cr, src *byte, n int)", "writes the YCbCr of n ≥ 32 pixels of RGB.")
	ys, cbs, crs := param("y", 1), param("cb", 1), param("cr", 1)
	src := param("src", 3)
	n := arg("n")
	loop(n, 32, func() {
		rgb := w.planes(src)
		var out [3][2]VecVirtual
		for i := range 2 {
			r, g, b := words(rgb[0], i == 1), words(rgb[1], i == 1), words(rgb[2], i == 1)
			var halves [3][2]VecVirtual
			for j := range 2 {
				rg, bg := unpack(j == 1, r, g), unpack(j == 1, b, g)
				finish := func(v VecVirtual) VecVirtual {
					VPSRLD(Imm(16), v, v)
					return v
				}
				y := sum(product(rg, 19595, 19235), product(bg, 7471, 19235))
				VPADDD(dwordOf(1<<15), y, y)
				// What is subtracted may be 32768 times a sample, which is negative as a word.
				chroma := func(of VecVirtual, a, b int, other VecVirtual, c, d int) VecVirtual {
					v := w.load(dwordOf(128<<16 + 1<<15 - 1))
					VPSUBD(product(of, a, b), v, v)
					VPSUBD(product(other, c, d), v, v)
					return v
				}
				halves[0][j] = finish(y)
				halves[1][j] = finish(chroma(rg, 11059, 21709, bg, -32768, 0))
				halves[2][j] = finish(chroma(rg, -32768, 27439, bg, 5329, 0))
			}
			for c := range out {
				VPACKUSDW(halves[c][1], halves[c][0], halves[c][0])
				out[c][i] = halves[c][0]
			}
		}
		for c, dst := range []pointer{ys, cbs, crs} {
			VPACKUSWB(out[c][1], out[c][0], out[c][0])
			w.move(out[c][0], dst.at(0))
		}
	}, ys, cbs, crs, src)
}

// jpegShrink makes means of squares, whose halves are rounded down and up in turn.
func jpegShrink() {
	w := avx2
	w.routine("shrink", "(dst, upper, lower *byte, blocks int)", "writes 16 means of 2 × 2 samples for each 32 of both rows.")
	dst, upper, lower, blocks := arg("dst"), param("upper", 1), param("lower", 1), arg("blocks")
	ones := w.bytes("ones", 1)
	repeat("block", blocks, func() {
		a, b := YMM(), YMM()
		VPMADDUBSW(ones, w.load(upper.at(0)), a)
		VPMADDUBSW(ones, w.load(lower.at(0)), b)
		VPADDW(b, a, a)
		VPADDW(pairOf(1, 2), a, a)
		VPSRLW(Imm(2), a, a)
		VPACKUSWB(a, a, a)
		VPERMQ(Imm(8), a, a)
		VMOVDQU(a.AsX(), Mem{Base: dst})
		advance(32, upper, lower)
		ADDQ(Imm(16), dst)
	})
	end()
}
