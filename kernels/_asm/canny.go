package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// canny writes the local part of Canny's edge detector, for blocks of 64 pixels. kernels/edges.go tells how gradients are laid out.
func canny() {
	for _, l2 := range []bool{false, true} {
		name := ""
		if l2 {
			name = "L2"
		}
		avx2.cannyGradients("cannyGradients"+name, l2)
		avx512.cannyGradients("cannyGradients"+name, l2)
		cannyLabelsAVX2("cannyLabels"+name, l2)
		cannyLabelsAVX512("cannyLabels"+name, l2)
	}
	for _, w := range []width{avx2, avx512} {
		w.cannyPack()
		w.cannyUnpack()
	}
}

const cannyPixels = 64 // of a block

// The parts of a block's gradients.
const (
	cannyEvenX = 0
	cannyOddX  = cannyPixels
	cannyEvenY = 2 * cannyPixels
	cannyOddY  = 3 * cannyPixels
	cannyParts = 4 * cannyPixels
)

// Predicates of VPCMPUW and VPCMPUD.
const (
	cannyLE = 2
	cannyGE = 5
	cannyGT = 6
)

// words returns a register with n in all 16-bit lanes.
func (w width) words(n uint16) VecVirtual { return w.number(uint32(n) | uint32(n)<<16) }

// magnitudes returns a register with an argument in all lanes of the size of a magnitude.
func (w width) magnitudes(name string, l2 bool) VecVirtual {
	return w.lanes(8*magnitudeSize(l2), arg(name))
}

// magnitudeSize returns how many bytes a magnitude has.
func magnitudeSize(l2 bool) int {
	if l2 {
		return 4
	}
	return 2
}

// cannyGradients writes the gradients of blocks, in vectors of the given number of bytes, which hold as many pixels.
//
// Loading the samples from one left of a pixel and from one right of it, and taking the low and the high bytes of 16-bit lanes,
// gives four vectors: the left and right neighbours of the even pixels, which are the odd ones, and those of the odd pixels.
func (w width) cannyGradients(base string, l2 bool) {
	w.routine(base, "(even, odd, parts, active, above, here, below *byte, low, blocks int)",
		"computes the gradients of blocks of 64 pixels; above, here and below point to the samples left of the first.",
		"parts is written where a magnitude exceeds low, and active tells where.")
	even, odd, parts, active := arg("even"), arg("odd"), arg("parts"), arg("active")
	above, here, below := arg("above"), arg("here"), arg("below")
	low, blocks := w.magnitudes("low", l2), arg("blocks")
	lowBytes, twiceLow, twiceHigh := w.words(0x00ff), w.words(0x0002), w.words(0x0200)

	each("block", blocks, func() {
		MOVB(U8(0), Mem{Base: active})
		for at := 0; at < cannyPixels; at += int(w) {
			// [0] and [1] are the low and high bytes of the load to the left, [2] and [3] of that to the right.
			split := func(base Register) (v [4]VecVirtual) {
				for i := range 2 {
					all := w.load(Mem{Base: base, Disp: at + 2*i})
					v[2*i], v[2*i+1] = w.vec(), w.vec()
					w.and(lowBytes, all, v[2*i])
					VPSRLW(Imm(8), all, v[2*i+1])
				}
				return v
			}
			double := func(base Register) (v [4]VecVirtual) {
				for i := range 2 {
					all := w.load(Mem{Base: base, Disp: at + 2*i})
					v[2*i], v[2*i+1] = w.vec(), w.vec()
					VPMADDUBSW(twiceLow, all, v[2*i])
					VPMADDUBSW(twiceHigh, all, v[2*i+1])
				}
				return v
			}
			a, b, h := split(above), split(below), double(here)
			var dx, dy [2]VecVirtual
			for i := range dx { // even, odd
				dx[i] = w.vec()
				VPSUBW(h[i], h[i+2], dx[i])
				for _, v := range [][4]VecVirtual{a, b} {
					VPADDW(v[i+2], dx[i], dx[i])
					VPSUBW(v[i], dx[i], dx[i])
				}
			}
			for i := range b {
				VPSUBW(a[i], b[i], b[i])
			}
			for i := range dy {
				dy[i] = w.vec()
				VPADDW(b[1], b[2], dy[i])
			}
			VPADDW(b[0], dy[0], dy[0])
			VPADDW(b[1], dy[0], dy[0])
			VPADDW(b[2], dy[1], dy[1])
			VPADDW(b[3], dy[1], dy[1])
			var mags []VecVirtual
			for i, plane := range []Register{even, odd} {
				if l2 {
					for j, m := range w.cannySquares(dx[i], dy[i]) {
						w.move(m, Mem{Base: plane, Disp: at*2 + int(w)*j})
						mags = append(mags, m)
					}
					continue
				}
				ax, m := w.vec(), w.vec()
				VPABSW(dx[i], ax)
				VPABSW(dy[i], m)
				VPADDW(ax, m, m)
				w.move(m, Mem{Base: plane, Disp: at})
				mags = append(mags, m)
			}
			next := LabelRef("next" + string(rune('0'+at/32)))
			w.cannyAny(l2, mags, low, next)
			MOVB(U8(1), Mem{Base: active})
			for i, v := range []VecVirtual{dx[0], dx[1], dy[0], dy[1]} {
				w.move(v, Mem{Base: parts, Disp: at + i*cannyPixels})
			}
			Label(string(next))
		}
		advance(cannyPixels, above, here, below)
		advance(cannyPixels/2*magnitudeSize(l2), even, odd)
		advance(cannyParts, parts)
		INCQ(active)
	})
	end()
}

// cannySquares returns dx²+dy² in lanes of 32 bits, in order.
func (w width) cannySquares(dx, dy VecVirtual) []VecVirtual {
	pairs := w.vecs(2)
	if w == avx512 {
		// The order of 16-bit lanes that pairs those of two registers: the lower half of the pairs, then the upper.
		order := table("cannyPairs", places(128, func(i int) int {
			if i%2 == 1 {
				return 0
			}
			return i/4 + i%4/2*32
		}))
		for i := range pairs {
			w.move(order.Offset(64*i), pairs[i])
			VPERMI2W(dy, dx, pairs[i])
			VPMADDWD(pairs[i], pairs[i], pairs[i])
		}
		return pairs
	}
	VPUNPCKLWD(dy, dx, pairs[0])
	VPUNPCKHWD(dy, dx, pairs[1])
	VPMADDWD(pairs[0], pairs[0], pairs[0])
	VPMADDWD(pairs[1], pairs[1], pairs[1])
	// Unpacking works in halves of a register.
	out := []VecVirtual{YMM(), YMM()}
	VPERM2I128(Imm(0x20), pairs[1], pairs[0], out[0])
	VPERM2I128(Imm(0x31), pairs[1], pairs[0], out[1])
	return out
}

// cannyAny jumps to the label unless one of the magnitudes exceeds low.
func (w width) cannyAny(l2 bool, mags []VecVirtual, low VecVirtual, none LabelRef) {
	most := mags[0]
	for _, m := range mags[1:] {
		both := w.vec()
		if l2 {
			VPMAXSD(m, most, both)
		} else {
			VPMAXSW(m, most, both)
		}
		most = both
	}
	if w == avx512 {
		k := K()
		if l2 {
			VPCMPUD(Imm(cannyGT), low, most, k)
		} else {
			VPCMPUW(Imm(cannyGT), low, most, k)
		}
		KORTESTD(k, k)
	} else {
		over := YMM()
		if l2 {
			VPCMPGTD(low, most, over)
		} else {
			VPCMPGTW(low, most, over)
		}
		VPTEST(over, over)
	}
	JZ(none)
}

// cannyRows are the registers of labelling.
type cannyRows struct {
	dst, parts, active, blocks Register
	here, above, below         [2]Register // even, odd
	at                         Register    // in all planes
	size                       int         // of a magnitude in bytes
}

// cannyLabels begins the labelling of blocks.
func (w width) cannyLabels(base string, l2 bool) cannyRows {
	w.routine(base, "(dst, even, odd, evenAbove, oddAbove, evenBelow, oddBelow, parts, active *byte, low, high, blocks int)",
		"labels blocks of 64 pixels: non-maximum suppression, then 1 for what exceeds low and 2 for what exceeds high.")
	r := cannyRows{size: magnitudeSize(l2)}
	r.dst, r.parts, r.active = arg("dst"), arg("parts"), arg("active")
	r.here = [2]Register{arg("even"), arg("odd")}
	r.above = [2]Register{arg("evenAbove"), arg("oddAbove")}
	r.below = [2]Register{arg("evenBelow"), arg("oddBelow")}
	r.blocks = arg("blocks")
	r.at = GP64()
	XORQ(r.at, r.at)
	return r
}

// gradient loads dx and dy of the pixels of a parity, offset bytes into the block.
func (r *cannyRows) gradient(w width, parity, offset int) (dx, dy VecVirtual) {
	dx = w.load(Mem{Base: r.parts, Disp: cannyEvenX + parity*(cannyOddX-cannyEvenX) + offset})
	dy = w.load(Mem{Base: r.parts, Disp: cannyEvenY + parity*(cannyOddY-cannyEvenY) + offset})
	return dx, dy
}

// each emits the loop over blocks: quiet writes the labels of one without gradients, and active of any other.
func (r *cannyRows) each(quiet, active func()) {
	each("block", r.blocks, func() {
		CMPB(Mem{Base: r.active}, Imm(0))
		JNE(LabelRef("active"))
		quiet()
		JMP(LabelRef("next"))
		Label("active")
		active()
		Label("next")
		advance(cannyPixels/2*r.size, r.at)
		advance(cannyPixels, r.dst)
		advance(cannyParts, r.parts)
		INCQ(r.active)
	})
	end()
}

// neighbours returns where the neighbours of the pixels of a parity stand in the given row's planes, offset bytes into the block.
func (r *cannyRows) neighbours(row [2]Register, parity, offset int) (left, own, right Mem) {
	left = Mem{Base: row[1-parity], Index: r.at, Scale: 1, Disp: offset + (parity-1)*r.size}
	own = Mem{Base: row[parity], Index: r.at, Scale: 1, Disp: offset}
	right = Mem{Base: row[1-parity], Index: r.at, Scale: 1, Disp: offset + parity*r.size}
	return left, own, right
}

// The decision between horizontal, diagonal and vertical neighbours: with q = ⌊|dx|·tan 22.5°⌋, the tangent in 15-bit fixed point,
// a gradient is flat if |dy| ≤ q and steep if |dy| > q + 2|dx|, for whole numbers |dy| are in these relations to q if they
// are to the product (which is whole only for dx = 0, and then |dy| decides just as well: a magnitude of 0 is nowhere a peak).
// VPMULHUW, the upper half of a product of 16 bits, takes 2|dx|.
const cannyTan = 13573

// cannySlopes returns |dy|, q and q + 2|dx|, and dx xor dy, whose sign tells which diagonal it is.
func (w width) cannySlopes(tan, dx, dy VecVirtual) (ay, q, steep, signs VecVirtual) {
	ax := w.vec()
	ay, q, steep, signs = w.vec(), w.vec(), w.vec(), w.vec()
	VPABSW(dx, ax)
	VPABSW(dy, ay)
	VPADDW(ax, ax, ax)
	VPMULHUW(tan, ax, q)
	VPADDW(ax, q, steep)
	w.xor(dx, dy, signs)
	return ay, q, steep, signs
}

func cannyLabelsAVX512(base string, l2 bool) {
	w := avx512
	r := w.cannyLabels(base, l2)
	low, high := w.magnitudes("low", l2), w.magnitudes("high", l2)
	tan, zero := w.words(cannyTan), w.zero()
	candidate := [2]VecVirtual{w.words(0x0001), w.words(0x0100)}
	strong := [2]VecVirtual{w.words(0x0002), w.words(0x0200)}
	compare := func(predicate uint64, limit Op, v VecVirtual, mask, to Op) {
		if l2 {
			VPCMPUD(Imm(predicate), limit, v, mask, to)
		} else {
			VPCMPUW(Imm(predicate), limit, v, mask, to)
		}
	}

	r.each(func() { w.move(zero, Mem{Base: r.dst}) }, func() {
		var labels [2]VecVirtual
		for parity := range 2 {
			dx, dy := r.gradient(w, parity, 0)
			ay, q, limit, signs := w.cannySlopes(tan, dx, dy)
			flat, steep, falling, rising, other := K(), K(), K(), K(), K()
			VPCMPUW(Imm(cannyLE), q, ay, flat)
			VPCMPUW(Imm(cannyGT), limit, ay, steep)
			VPMOVW2M(signs, falling)
			KORD(flat, steep, other)
			KANDND(falling, other, falling)
			KORD(falling, other, other)
			KNOTD(other, rising)

			// Lanes of 32 bits take two rounds, the second with the masks' upper halves.
			var peaks, strongs []Op
			for half := range r.size / 2 {
				left, own, right := r.neighbours(r.here, parity, 64*half)
				aboveLeft, above, aboveRight := r.neighbours(r.above, parity, 64*half)
				belowLeft, below, belowRight := r.neighbours(r.below, parity, 64*half)
				m := w.load(own)
				peak := K()
				for i, c := range []struct {
					mask          Register
					before, after Mem
					predicate     uint64
				}{
					{flat, left, right, cannyGE}, {steep, above, below, cannyGE},
					{falling, aboveRight, belowLeft, cannyGT}, {rising, aboveLeft, belowRight, cannyGT},
				} {
					k := K()
					if half == 1 {
						KSHIFTRD(Imm(16), c.mask, c.mask)
					}
					compare(cannyGT, c.before, m, c.mask, k)
					if i == 0 {
						compare(c.predicate, c.after, m, k, peak)
						continue
					}
					compare(c.predicate, c.after, m, k, k)
					KORD(k, peak, peak)
				}
				compare(cannyGT, low, m, peak, peak)
				k := K()
				compare(cannyGT, high, m, peak, k)
				peaks, strongs = append(peaks, peak), append(strongs, k)
			}
			if l2 {
				KUNPCKWD(peaks[0], peaks[1], peaks[0])
				KUNPCKWD(strongs[0], strongs[1], strongs[0])
			}
			labels[parity] = w.vec()
			VMOVDQU16_Z(candidate[parity], peaks[0], labels[parity])
			VMOVDQU16(strong[parity], strongs[0], labels[parity])
		}
		w.or(labels[0], labels[1], labels[0])
		w.move(labels[0], Mem{Base: r.dst})
	})
}

func cannyLabelsAVX2(base string, l2 bool) {
	w := avx2
	r := w.cannyLabels(base, l2)
	low, high := w.magnitudes("low", l2), w.magnitudes("high", l2)
	tan, all := w.words(cannyTan), w.vec()
	VPCMPEQW(all, all, all)
	greater := func(limit, v, to Op) {
		if l2 {
			VPCMPGTD(limit, v, to)
		} else {
			VPCMPGTW(limit, v, to)
		}
	}

	quiet := func() {
		zero := w.zero()
		w.move(zero, Mem{Base: r.dst})
		w.move(zero, Mem{Base: r.dst, Disp: 32})
	}
	r.each(quiet, func() {
		for at := 0; at < cannyPixels; at += 32 {
			var labels [2]VecVirtual
			for parity := range 2 {
				dx, dy := r.gradient(w, parity, at)
				ay, q, limit, falling := w.cannySlopes(tan, dx, dy)
				sloping, steep, loose := w.vec(), w.vec(), w.vec()
				VPCMPGTW(q, ay, sloping)
				VPCMPGTW(limit, ay, steep)
				VPSRAW(Imm(15), falling, falling)
				VPANDN(sloping, steep, loose)
				VPXOR(all, loose, loose)

				// Lanes of 32 bits take two rounds, each with half of the masks' lanes.
				var sums []VecVirtual
				for half := range r.size / 2 {
					offset := at*r.size/2 + 32*half
					left, own, right := r.neighbours(r.here, parity, offset)
					aboveLeft, above, aboveRight := r.neighbours(r.above, parity, offset)
					belowLeft, below, belowRight := r.neighbours(r.below, parity, offset)
					lanes := func(mask VecVirtual) VecVirtual {
						if !l2 {
							return mask
						}
						x, wide := mask.AsX(), w.vec()
						if half == 1 {
							high := XMM()
							VEXTRACTI128(Imm(1), mask, high)
							x = high
						}
						VPMOVSXWD(x, wide)
						return wide
					}
					before, after := w.load(aboveLeft), w.load(belowRight)
					mask := lanes(falling)
					VPBLENDVB(mask, aboveRight, before, before)
					VPBLENDVB(mask, belowLeft, after, after)
					mask = lanes(steep)
					VPBLENDVB(mask, above, before, before)
					VPBLENDVB(mask, below, after, after)
					mask = lanes(sloping)
					b := w.load(left)
					VPBLENDVB(mask, before, b, before)
					w.move(right, b)
					VPBLENDVB(mask, after, b, after)
					// Across a flat or a steep gradient equal magnitudes are allowed on one side: m ≥ n is m > n − 1.
					mask = lanes(loose)
					if l2 {
						VPADDD(mask, after, after)
					} else {
						VPADDW(mask, after, after)
					}
					m, strong := w.load(own), w.vec()
					greater(before, m, before)
					greater(after, m, after)
					VPAND(before, after, after)
					greater(low, m, before)
					VPAND(before, after, after)
					greater(high, m, strong)
					VPAND(after, strong, strong)
					// A mask is −1.
					if l2 {
						VPADDD(after, strong, strong)
					} else {
						VPADDW(after, strong, strong)
					}
					sums = append(sums, strong)
				}
				if l2 {
					VPACKSSDW(sums[1], sums[0], sums[0])
					VPERMQ(Imm(0xd8), sums[0], sums[0])
				}
				labels[parity] = w.vec()
				VPABSW(sums[0], labels[parity])
			}
			VPSLLW(Imm(8), labels[1], labels[1])
			VPOR(labels[0], labels[1], labels[0])
			w.move(labels[0], Mem{Base: r.dst, Disp: at})
		}
	})
}

func (w width) cannyPack() {
	w.routine("cannyPack", "(weak, edge *uint64, labels *byte, words int)", "packs labels to bits, 64 a word: 1 to weak and 2 to edge.")
	weak, edge, labels, words := arg("weak"), arg("edge"), arg("labels"), arg("words")
	var one, two VecVirtual
	if w == avx512 {
		one, two = w.words(0x0101), w.words(0x0202)
	}
	each("word", words, func() {
		for at := 0; at < cannyPixels; at += int(w) {
			v := w.load(Mem{Base: labels, Disp: at})
			for _, plane := range []struct {
				to    Register
				mask  VecVirtual
				shift uint64 // from the label's bit to a byte's highest
			}{{weak, one, 7}, {edge, two, 6}} {
				if w == avx512 {
					k := K()
					VPTESTMB(plane.mask, v, k)
					KMOVQ(k, Mem{Base: plane.to})
					continue
				}
				shifted, bits := w.vec(), GP32()
				VPSLLW(Imm(plane.shift), v, shifted)
				VPMOVMSKB(shifted, bits)
				MOVL(bits, Mem{Base: plane.to, Disp: at / 8})
			}
		}
		advance(8, weak, edge)
		advance(cannyPixels, labels)
	})
	end()
}

func (w width) cannyUnpack() {
	w.routine("cannyUnpack", "(dst *byte, edge *uint64, words int)", "unpacks bits, 64 a word, to bytes of 0 and 255.")
	dst, edge, words := arg("dst"), arg("edge"), arg("words")
	var order, mask VecVirtual
	if w == avx2 {
		order = w.load(table("cannySpread", places(32, func(i int) int { return i / 8 })))
		mask = w.bytes("cannyBit", 1, 2, 4, 8, 16, 32, 64, 128)
	}
	each("word", words, func() {
		for at := 0; at < cannyPixels; at += int(w) {
			v := w.vec()
			if w == avx512 {
				k := K()
				KMOVQ(Mem{Base: edge}, k)
				VPMOVM2B(k, v)
			} else {
				VPBROADCASTD(Mem{Base: edge, Disp: at / 8}, v)
				VPSHUFB(order, v, v)
				VPAND(mask, v, v)
				VPCMPEQB(mask, v, v)
			}
			w.move(v, Mem{Base: dst, Disp: at})
		}
		advance(8, edge)
		advance(cannyPixels, dst)
	})
	end()
}
