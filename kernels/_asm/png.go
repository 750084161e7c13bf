package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// pngUnfilter undoes PNG's filters in place.
func pngUnfilter() {
	avx2.unfilterUp()
	for _, size := range []int{2, 3, 4, 6, 8} {
		p := pixelSize(size)
		p.sub()
		p.average()
		p.paeth()
	}
}

// unfilterUp adds the row above.
func (w width) unfilterUp() {
	w.routine("unfilterUp", "(row, above *byte, n int)", "adds the n bytes of above to row. n is a multiple of 32, at least that.")
	row, above, n := arg("row"), arg("above"), arg("n")
	SHRQ(Imm(5), n)
	repeat("block", n, func() {
		v := w.load(Mem{Base: row})
		VPADDB(Mem{Base: above}, v, v)
		w.move(v, Mem{Base: row})
		advance(int(w), row, above)
	})
	end()
}

// pixelSize is the number of bytes of a pixel in a PNG's rows. The routines go from pixel to pixel, since each needs the one before: what
// counts is how many instructions there are from that to the result. For pixels of one byte Go's are as few.
type pixelSize int

// routine emits a routine of a filter. first gets registers with what is in row and above before the first pixel; body gets those
// of the filtered pixel and of what is above, and returns the pixel.
func (p pixelSize) routine(name string, first func(left, corner VecVirtual), body func(filtered, up VecVirtual) VecVirtual) {
	lane.routine(fmt.Sprintf("unfilter%s%d", name, int(p)), "(row, above *byte, n int)",
		fmt.Sprintf("does n ≥ 1 pixels of %d bytes. Those before them lie before row and above.%s", int(p), p.behind()))
	row, above, n := arg("row"), arg("above"), arg("n")
	before := -int(p)
	first(p.load(Mem{Base: row, Disp: before}), p.load(Mem{Base: above, Disp: before}))
	filtered := p.load(Mem{Base: row})
	repeat("pixel", n, func() {
		// The store reaches into the next pixel, if a pixel is no power of 2: that is loaded before.
		next := p.load(Mem{Base: row, Disp: int(p)})
		p.store(body(filtered, p.load(Mem{Base: above})), Mem{Base: row})
		VMOVDQA(next, filtered)
		advance(int(p), row, above)
	})
	p.store(filtered, Mem{Base: row})
	end()
}

// behind documents how many bytes behind the pixels there must be.
func (p pixelSize) behind() string {
	return fmt.Sprintf(" %d bytes behind them must be there; they are as they were at the end.", p.reach())
}

// reach is the size of what is loaded and stored.
func (p pixelSize) reach() int {
	switch p {
	case 3:
		return 4
	case 6:
		return 8
	}
	return int(p)
}

func (p pixelSize) load(m Mem) VecVirtual {
	v := XMM()
	switch p.reach() {
	case 2:
		VPXOR(v, v, v)
		VPINSRW(Imm(0), m, v, v)
	case 4:
		VMOVD(m, v)
	default:
		VMOVQ(m, v)
	}
	return v
}

func (p pixelSize) store(v VecVirtual, m Mem) {
	switch p.reach() {
	case 2:
		VPEXTRW(Imm(0), v, m)
	case 4:
		VMOVD(v, m)
	default:
		VMOVQ(v, m)
	}
}

func (p pixelSize) sub() {
	var left VecVirtual
	p.routine("Sub", func(l, _ VecVirtual) { left = l }, func(filtered, _ VecVirtual) VecVirtual {
		VPADDB(filtered, left, left)
		return left
	})
}

// average keeps the complement of the pixel: the complement of the mean, rounded down, is VPAVGB of the complements, which rounds up.
func (p pixelSize) average() {
	left, ones := XMM(), XMM()
	p.routine("Average", func(l, _ VecVirtual) {
		VPCMPEQB(ones, ones, ones)
		VPXOR(l, ones, left)
	}, func(filtered, up VecVirtual) VecVirtual {
		VPXOR(up, ones, up)
		VPAVGB(up, left, left)
		VPSUBB(filtered, left, left)
		out := XMM()
		VPXOR(left, ones, out)
		return out
	})
}

// paeth works with 16 bits a sample. With lo and hi for the lesser and the greater of left and up, and t for 3·corner − left − up, what
// is predicted is hi if t ≤ lo, else lo if hi ≤ t, else corner.
func (p pixelSize) paeth() {
	left, corner := XMM(), XMM()
	p.routine("Paeth", func(l, c VecVirtual) {
		VPMOVZXBW(l, left)
		VPMOVZXBW(c, corner)
	}, func(filtered, up VecVirtual) VecVirtual {
		b, d, t, lo, hi, middle := XMM(), XMM(), XMM(), XMM(), XMM(), XMM()
		VPMOVZXBW(up, b)
		VPMOVZXBW(filtered, d)
		VPADDW(corner, corner, t)
		VPADDW(corner, t, t)
		VPSUBW(b, t, t)
		VPSUBW(left, t, t)
		VPMINSW(b, left, lo)
		VPMAXSW(b, left, hi)
		VPCMPGTW(t, hi, middle)
		VPBLENDVB(middle, corner, lo, middle)
		VPCMPGTW(lo, t, left)
		VPBLENDVB(left, middle, hi, left)
		VPADDB(d, left, left)
		VMOVDQA(b, corner)
		out := XMM()
		VPACKUSWB(left, left, out)
		return out
	})
}

// pngFilter filters rows, and tells which filter suits one.
func pngFilter() {
	avx2.filterSums()
	for kind := 1; kind <= 4; kind++ {
		avx2.filter(kind)
	}
}

var filterNames = []string{"None", "Sub", "Up", "Average", "Paeth"}

// neighbours are what the filters predict a sample from.
type neighbours struct {
	left, up, corner VecVirtual
	low7, one        VecVirtual // constants
}

// residue returns what the filter of that kind makes of samples.
func (w width) residue(kind int, samples VecVirtual, n neighbours) VecVirtual {
	out := w.vec()
	switch kind {
	case 0:
		return samples
	case 1:
		VPSUBB(n.left, samples, out)
	case 2:
		VPSUBB(n.up, samples, out)
	case 3:
		odd, mean := w.vec(), w.vec()
		VPAVGB(n.left, n.up, mean)
		VPXOR(n.left, n.up, odd)
		VPAND(n.one, odd, odd)
		VPSUBB(odd, mean, mean)
		VPSUBB(mean, samples, out)
	case 4:
		VPSUBB(w.paeth(n), samples, out)
	}
	return out
}

// paeth predicts with 8 bits a sample. With lo and hi for the lesser and the greater of left and up, that is hi if 2·(corner − lo) ≤ hi −
// corner, else lo if 2·(hi − corner) ≤ corner − lo, else corner, where no difference is below 0.
func (w width) paeth(n neighbours) VecVirtual {
	lo, hi, below, over := w.vec(), w.vec(), w.vec(), w.vec()
	VPMINUB(n.left, n.up, lo)
	VPMAXUB(n.left, n.up, hi)
	VPSUBUSB(lo, n.corner, below)
	VPSUBUSB(n.corner, hi, over)
	atMostHalf := func(a, b VecVirtual) VecVirtual {
		half := w.vec()
		VPSRLW(Imm(1), b, half)
		VPAND(n.low7, half, half)
		VPMINUB(a, half, half)
		VPCMPEQB(a, half, half)
		return half
	}
	out := w.vec()
	VPBLENDVB(atMostHalf(over, below), lo, n.corner, out)
	VPBLENDVB(atMostHalf(below, over), hi, out, out)
	return out
}

// neighbourhood loads what is around row and above.
func (w width) neighbourhood(row, above, leftRow, leftAbove Register, constants neighbours) neighbours {
	constants.left, constants.up, constants.corner = w.load(Mem{Base: leftRow}), w.load(Mem{Base: above}), w.load(Mem{Base: leftAbove})
	return constants
}

func (w width) filterConstants() neighbours {
	return neighbours{low7: w.bytes("low7", 0x7f), one: w.bytes("one", 1)}
}

// filterSums adds up the residues of all filters, side by side.
func (w width) filterSums() {
	w.routine("filterSums", "(row, above *byte, size, n int, sums *[5]uint64)",
		"adds to sums, for each filter, the residues of n bytes of row, taken as signed, without their signs. What is",
		"before row and above lies size bytes before. n is a multiple of 32, at least that.")
	row, above, size, n, sums := arg("row"), arg("above"), arg("size"), arg("n"), arg("sums")
	leftRow, leftAbove := GP64(), GP64()
	MOVQ(row, leftRow)
	SUBQ(size, leftRow)
	MOVQ(above, leftAbove)
	SUBQ(size, leftAbove)
	SHRQ(Imm(5), n)
	constants := w.filterConstants()
	zero := w.zero()
	var totals []VecVirtual
	for range filterNames {
		totals = append(totals, w.zero())
	}
	repeat("block", n, func() {
		around := w.neighbourhood(row, above, leftRow, leftAbove, constants)
		samples := w.load(Mem{Base: row})
		for kind := range filterNames {
			v := w.vec()
			VPABSB(w.residue(kind, samples, around), v)
			VPSADBW(zero, v, v)
			VPADDQ(v, totals[kind], totals[kind])
		}
		advance(int(w), row, above, leftRow, leftAbove)
	})
	for kind, t := range totals {
		half, sum := XMM(), GP64()
		VEXTRACTI128(Imm(1), t, half)
		VPADDQ(t.AsX(), half, half)
		other := XMM()
		VPSHUFD(Imm(0b1110), half, other)
		VPADDQ(other, half, half)
		VMOVQ(half, sum)
		ADDQ(sum, Mem{Base: sums, Disp: 8 * kind})
	}
	end()
}

// filter writes the residues of one.
func (w width) filter(kind int) {
	w.routine("filter"+filterNames[kind], "(dst, row, above *byte, size, n int)",
		"filters n bytes of row. What is before row and above lies size bytes before. n is a multiple of 32, at least that.")
	dst, row, above, size, n := arg("dst"), arg("row"), arg("above"), arg("size"), arg("n")
	leftRow, leftAbove := GP64(), GP64()
	MOVQ(row, leftRow)
	SUBQ(size, leftRow)
	MOVQ(above, leftAbove)
	SUBQ(size, leftAbove)
	SHRQ(Imm(5), n)
	constants := w.filterConstants()
	repeat("block", n, func() {
		samples := w.load(Mem{Base: row})
		w.move(w.residue(kind, samples, w.neighbourhood(row, above, leftRow, leftAbove, constants)), Mem{Base: dst})
		advance(int(w), dst, row, above, leftRow, leftAbove)
	})
	end()
}

// pngAdler adds up Adler-32.
func pngAdler() {
	w := avx2
	w.routine("adler", "(p *byte, n int, sums *[2]uint32)",
		"adds n bytes to the two sums of Adler-32, which are below 65521 and afterwards are not reduced. n is a multiple of 32 and at most 5536.")
	p, n, sums := arg("p"), arg("n"), arg("sums")
	weights := w.load(table("adlerWeights", places(32, func(i int) int { return 32 - i })))
	ones := w.load(w.constant("adlerOnes", 1, 0))
	zero := w.zero()
	// The second sum is that of the first ones: 32 times what the first is before each block, and the weighted bytes of the block.
	low, before, high := w.zero(), w.zero(), w.zero()
	blocks := GP64()
	MOVQ(n, blocks)
	SHRQ(Imm(5), blocks)
	repeat("block", blocks, func() {
		v, weighted := w.load(Mem{Base: p}), w.vec()
		VPADDD(low, before, before)
		VPMADDUBSW(weights, v, weighted)
		VPMADDWD(ones, weighted, weighted)
		VPADDD(weighted, high, high)
		VPSADBW(zero, v, v)
		VPADDD(v, low, low)
		advance(int(w), p)
	})
	VPSLLD(Imm(5), before, before)
	VPADDD(before, high, high)
	total := func(v VecVirtual) GPVirtual {
		half, other, sum := XMM(), XMM(), GP32()
		VEXTRACTI128(Imm(1), v, half)
		VPADDD(v.AsX(), half, half)
		VPSHUFD(Imm(0b1110), half, other)
		VPADDD(other, half, half)
		VPSHUFD(Imm(0b1), half, other)
		VPADDD(other, half, half)
		VMOVD(half, sum)
		return sum
	}
	first := GP32()
	MOVL(Mem{Base: sums}, first)
	product := GP32()
	MOVL(first, product)
	IMULL(n.As32(), product)
	ADDL(total(high), product)
	ADDL(product, Mem{Base: sums, Disp: 4})
	ADDL(total(low), first)
	MOVL(first, Mem{Base: sums})
	end()
}
