package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The transforms of package jpeg work on two blocks at a time, one in each half of the vectors. Their rotations are sums of two products,
// of numbers in pairs of words.

// Constants of the transforms, times 2^13.
const (
	fix0298 = 2446
	fix0390 = 3196
	fix0541 = 4433
	fix0765 = 6270
	fix0899 = 7373
	fix1175 = 9633
	fix1501 = 12299
	fix1847 = 15137
	fix1961 = 16069
	fix2053 = 16819
	fix2562 = 20995
	fix3072 = 25172
)

// pairOf returns memory that holds a pair of words again and again.
func pairOf(a, b int) Mem {
	return avx2.constant(fmt.Sprintf("pair%dand%d", a&0xffff, b&0xffff), byte(a), byte(a>>8), byte(b), byte(b>>8))
}

// dwordOf returns memory that holds a double word again and again.
func dwordOf(n int) Mem { return avx2.constant(fmt.Sprint("dword", n), dwords(n)...) }

// unpack makes pairs of words of the lower or the upper halves of both 16-byte lanes of two vectors.
func unpack(upper bool, a VecVirtual, b Op) VecVirtual {
	v := YMM()
	if upper {
		VPUNPCKHWD(b, a, v)
	} else {
		VPUNPCKLWD(b, a, v)
	}
	return v
}

func product(v VecVirtual, a, b int) VecVirtual {
	p := YMM()
	VPMADDWD(pairOf(a, b), v, p)
	return p
}

func sum(a, b VecVirtual) VecVirtual {
	v := YMM()
	VPADDD(b, a, v)
	return v
}

func difference(a, b VecVirtual) VecVirtual {
	v := YMM()
	VPSUBD(b, a, v)
	return v
}

// sumWords and differenceWords are those of words.
func sumWords(a VecVirtual, b Op) VecVirtual {
	v := YMM()
	VPADDW(b, a, v)
	return v
}

func differenceWords(a VecVirtual, b Op) VecVirtual {
	v := YMM()
	VPSUBW(b, a, v)
	return v
}

// scratch is memory for eight vectors.
func scratch() (ms [8]Mem) {
	all := AllocLocal(8 * 32)
	for i := range ms {
		ms[i] = all.Offset(32 * i)
	}
	return ms
}

// transpose exchanges rows and columns of 8 × 8 words in each 16-byte lane.
func transpose(in [8]VecVirtual) (out [8]VecVirtual) {
	for i := range 4 {
		out[2*i], out[2*i+1] = unpack(false, in[2*i], in[2*i+1]), unpack(true, in[2*i], in[2*i+1])
	}
	// Now 01L 01H 23L 23H 45L 45H 67L 67H.
	var quads [8]VecVirtual
	for i := range 4 {
		// Of columns 0, 1; 2, 3; 4, 5; 6, 7: the first four rows, and the last four.
		at, upper := i/2, i%2 == 1
		for j := range 2 {
			a, b, v := out[4*j+at], out[4*j+at+2], YMM()
			if upper {
				VPUNPCKHDQ(b, a, v)
			} else {
				VPUNPCKLDQ(b, a, v)
			}
			quads[2*i+j] = v
		}
	}
	for i := range 4 {
		a, b := YMM(), YMM()
		VPUNPCKLQDQ(quads[2*i+1], quads[2*i], a)
		VPUNPCKHQDQ(quads[2*i+1], quads[2*i], b)
		out[2*i], out[2*i+1] = a, b
	}
	return out
}

// inverse emits one dimension of the inverse transform: of eight vectors of words in memory, eight vectors of words, shifted right.
// upper is memory for what is on the way.
func inverse(in, upper [8]Mem, shift int) (out [8]VecVirtual) {
	load := func(i int) VecVirtual { return avx2.load(in[i]) }
	for _, high := range []bool{true, false} {
		var even, odd [4]VecVirtual
		x2 := unpack(high, load(2), in[6])
		c, d := product(x2, fix0541+fix0765, fix0541), product(x2, fix0541, fix0541-fix1847)
		x0 := load(0)
		zero := avx2.zero()
		a, b := unpack(high, zero, sumWords(x0, in[4])), unpack(high, zero, differenceWords(x0, in[4]))
		for _, v := range []VecVirtual{a, b} {
			VPSRAD(Imm(3), v, v) // from 16 bits up to 13
			VPADDD(dwordOf(1<<(shift-1)), v, v)
		}
		even = [4]VecVirtual{sum(a, c), sum(b, d), difference(b, d), difference(a, c)}

		s, t := sumWords(load(3), in[7]), sumWords(load(1), in[5])
		both := unpack(high, s, t)
		e, f := product(both, fix1175-fix1961, fix1175), product(both, fix1175, fix1175-fix0390)
		x17 := unpack(high, load(1), in[7])
		odd[0] = sum(product(x17, fix1501-fix0899, -fix0899), f)
		odd[3] = sum(product(x17, -fix0899, fix0298-fix0899), e)
		x35 := unpack(high, load(3), in[5])
		odd[1] = sum(product(x35, fix3072-fix2562, -fix2562), e)
		odd[2] = sum(product(x35, -fix2562, fix2053-fix2562), f)
		for i := range 4 {
			out[i], out[7-i] = sum(even[i], odd[i]), difference(even[i], odd[i])
			for _, j := range []int{i, 7 - i} {
				VPSRAD(Imm(uint64(shift)), out[j], out[j])
				if high {
					avx2.move(out[j], upper[j])
				} else {
					VPACKSSDW(upper[j], out[j], out[j])
				}
			}
		}
	}
	return out
}

func jpegIDCT() {
	w := avx2
	w.routine("idctPair", "(dst *byte, stride int, blocks, quant *int16)",
		"transforms two blocks of coefficients, multiplied by those of quant, to 8 rows of 16 samples.")
	dst, stride := arg("dst"), arg("stride")
	blocks, quant := param("blocks", 0), param("quant", 0)
	in, upper := scratch(), scratch()
	for i := range 8 {
		v, q := YMM(), YMM()
		VMOVDQU(blocks.at(16*i), v.AsX())
		VINSERTI128(Imm(1), blocks.at(128+16*i), v, v)
		VBROADCASTI128(quant.at(16*i), q)
		VPMULLW(q, v, v)
		w.move(v, in[i])
	}
	for i, v := range transpose(inverse(in, upper, 11)) {
		w.move(v, in[i])
	}
	columns := inverse(in, upper, 18)
	// Bytes of columns i and i+4.
	offset := w.constant("offset128", 128)
	var bytes [4]VecVirtual
	for i := range bytes {
		bytes[i] = YMM()
		VPACKSSWB(columns[i+4], columns[i], bytes[i])
		VPADDB(offset, bytes[i], bytes[i])
	}
	half := func(a, b VecVirtual) (low, high VecVirtual) {
		low, high = YMM(), YMM()
		VPUNPCKLBW(b, a, low)
		VPUNPCKHBW(b, a, high)
		return low, high
	}
	c01, c45 := half(bytes[0], bytes[1])
	c23, c67 := half(bytes[2], bytes[3])
	for i := range 2 {
		left, right := unpack(i == 1, c01, c23), unpack(i == 1, c45, c67) // of four rows
		for j := range 2 {
			v := YMM()
			if j == 0 {
				VPUNPCKLDQ(right, left, v)
			} else {
				VPUNPCKHDQ(right, left, v)
			}
			VPERMQ(Imm(0xd8), v, v)
			VMOVDQU(v.AsX(), Mem{Base: dst})
			VEXTRACTI128(Imm(1), v, Mem{Base: dst, Index: stride, Scale: 1})
			LEAQ(Mem{Base: dst, Index: stride, Scale: 2}, dst)
		}
	}
	end()
}

// forward emits one dimension of the forward transform of eight vectors of words in memory. The first pass leaves two bits more, which the
// second takes away.
func forward(in, upper [8]Mem, second bool) (out [8]VecVirtual) {
	shift := 11
	if second {
		shift = 15
	}
	var sums [4]VecVirtual
	for i := range sums {
		v := avx2.load(in[i])
		sums[i] = sumWords(v, in[7-i])
		avx2.move(differenceWords(v, in[7-i]), in[7-i]) // 7−i now is the difference
	}
	plain := func(v VecVirtual) VecVirtual {
		if second {
			VPADDW(pairOf(2, 2), v, v)
			VPSRAW(Imm(2), v, v)
		} else {
			VPSLLW(Imm(2), v, v)
		}
		return v
	}
	// rotate makes words of two sums of products with each pair.
	rotate := func(a, b VecVirtual, c, d int) VecVirtual {
		var halves [2]VecVirtual
		for i := range halves {
			halves[i] = product(unpack(i == 1, a, b), c, d)
			VPADDD(dwordOf(1<<(shift-1)), halves[i], halves[i])
			VPSRAD(Imm(uint64(shift)), halves[i], halves[i])
		}
		VPACKSSDW(halves[1], halves[0], halves[0])
		return halves[0]
	}
	t10, t13 := sumWords(sums[0], sums[3]), differenceWords(sums[0], sums[3])
	t11, t12 := sumWords(sums[1], sums[2]), differenceWords(sums[1], sums[2])
	out[0], out[4] = plain(sumWords(t10, t11)), plain(differenceWords(t10, t11))
	out[2] = rotate(t13, t12, fix0541+fix0765, fix0541)
	out[6] = rotate(t13, t12, fix0541, fix0541-fix1847)
	for _, i := range []int{0, 2, 4, 6} {
		avx2.move(out[i], upper[i])
	}
	t4, t5, t6, t7 := avx2.load(in[4]), avx2.load(in[5]), avx2.load(in[6]), avx2.load(in[7])
	z3, z4 := sumWords(t4, t6), sumWords(t5, t7)
	for _, high := range []bool{true, false} {
		both := unpack(high, z3, z4)
		e, f := product(both, fix1175-fix1961, fix1175), product(both, fix1175, fix1175-fix0390)
		for _, v := range []VecVirtual{e, f} {
			VPADDD(dwordOf(1<<(shift-1)), v, v)
		}
		t47, t56 := unpack(high, t4, t7), unpack(high, t5, t6)
		results := [8]VecVirtual{
			7: sum(product(t47, fix0298-fix0899, -fix0899), e),
			1: sum(product(t47, -fix0899, fix1501-fix0899), f),
			5: sum(product(t56, fix2053-fix2562, -fix2562), f),
			3: sum(product(t56, -fix2562, fix3072-fix2562), e),
		}
		for _, i := range []int{1, 3, 5, 7} {
			VPSRAD(Imm(uint64(shift)), results[i], results[i])
			if high {
				avx2.move(results[i], in[i])
			} else {
				VPACKSSDW(in[i], results[i], results[i])
				out[i] = results[i]
			}
		}
	}
	for _, i := range []int{0, 2, 4, 6} {
		out[i] = avx2.load(upper[i])
	}
	return out
}

func jpegFDCT() {
	w := avx2
	w.routine("fdctPair", "(blocks *int16, zeros *[4]uint32, src *byte, stride int, divisors *[3][64]uint16)",
		"transforms 8 rows of 16 samples to two blocks of coefficients, rounded quotients by what the table divides by:",
		"half the divisor, its reciprocal, and a power of two by which that is too large. zeros has a bit for each coefficient that is",
		"zero, of two rows of the one block, then of the other, in turn.")
	zeros := param("zeros", 0)
	blocks, src, stride := param("blocks", 0), arg("src"), arg("stride")
	divisors := param("divisors", 0)
	in, upper := scratch(), scratch()
	offset := pairOf(128, 128)
	var rows [8]VecVirtual
	for i := range rows {
		rows[i] = YMM()
		// The samples of one block go to one half.
		VPMOVZXBW(Mem{Base: src}, rows[i])
		VPSUBW(offset, rows[i], rows[i])
		ADDQ(stride, src)
	}
	for i, v := range transpose(rows) {
		w.move(v, in[i])
	}
	for i, v := range transpose(forward(in, upper, false)) {
		w.move(v, in[i])
	}
	for i, v := range forward(in, upper, true) {
		size, q := YMM(), YMM()
		VPABSW(v, size)
		VBROADCASTI128(divisors.at(16*i), q)
		VPADDW(q, size, size)
		for _, at := range []int{128, 256} {
			VBROADCASTI128(divisors.at(at+16*i), q)
			VPMULHUW(q, size, size)
		}
		VPSIGNW(v, size, size)
		VMOVDQU(size.AsX(), blocks.at(16*i))
		VEXTRACTI128(Imm(1), size, blocks.at(128+16*i))
		if i%2 == 0 {
			w.move(size, in[i])
			continue
		}
		mask := GP32()
		VPACKSSWB(size, w.load(in[i-1]), size)
		VPCMPEQB(w.zero(), size, size)
		VPMOVMSKB(size, mask)
		MOVL(mask, zeros.at(2*i-2))
	}
	end()
}
