package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func pointwise() {
	for _, w := range []width{avx2, avx512} {
		w.invert()
		w.keep()
	}
	avx2.invertFar()
	lookUpAVX2()
	linearAVX2()
	lookUpAVX512()
}

// invert flips all bits.
func (w width) invert() {
	w.routine("invert", "(dst, src *byte, n int)", "writes 255 − v for each of the n bytes of src, at least a vector.")
	dst, src := param("dst", 1), param("src", 1)
	n := arg("n")
	all := w.bytes("all", 0xff)
	loop(n, int(w), func() {
		v := w.vec()
		w.xor(src.at(0), all, v)
		w.move(v, dst.at(0))
	}, dst, src)
}

// invertFar stores past the cache what is aligned to a cache line, and the first and the last 64 bytes in the plain way.
func (w width) invertFar() {
	w.routine("invertFar", "(dst, src *byte, n int)", "is invert for n ≥ 256 bytes that nobody reads soon: it stores them past the cache.")
	dst, src := param("dst", 1), param("src", 1)
	n := arg("n")
	all := w.bytes("all", 0xff)
	const size = 64
	line := func(store func(from, to Op)) {
		for at := 0; at < size; at += int(w) {
			v := w.vec()
			w.xor(src.at(at), all, v)
			store(v, dst.at(at))
		}
	}
	forward := func(by Op) {
		ADDQ(by, dst)
		ADDQ(by, src)
		SUBQ(by, n)
	}
	line(w.move)
	skip := GP64()
	MOVQ(dst, skip)
	NEGQ(skip)
	ANDQ(Imm(size-1), skip)
	forward(skip)
	Label("line")
	line(func(from, to Op) { VMOVNTDQ(from, to) })
	forward(Imm(size))
	CMPQ(n, Imm(size))
	JGE(LabelRef("line"))
	SUBQ(Imm(size), n)
	forward(n) // back to the last 64 bytes
	line(w.move)
	SFENCE()
	end()
}

// keep masks with a pattern of three vectors.
func (w width) keep() {
	w.routine("keep", "(dst, src *byte, n int, mask *byte)",
		"masks src with three vectors of mask, again and again. n is a multiple of 3, at least three vectors' bytes.")
	dst, src := param("dst", 1), param("src", 1)
	n := arg("n")
	mask := param("mask", 0)
	var masks [3]VecVirtual
	for i := range masks {
		masks[i] = w.load(mask.at(i * int(w)))
	}
	loop(n, len(masks)*int(w), func() {
		for i, m := range masks {
			v := w.vec()
			w.and(src.at(i*int(w)), m, v)
			w.move(v, dst.at(i*int(w)))
		}
	}, dst, src)
}

// lookUpAVX512 has the table in four registers.
func lookUpAVX512() {
	w := avx512
	w.routine("lookUp", "(dst, src *byte, n int, table *[256]byte)", "replaces n ≥ 64 bytes by their entries in the table.")
	dst, src := param("dst", 1), param("src", 1)
	n := arg("n")
	t := w.loadTable(param("table", 0), 0)
	loop(n, int(w), func() {
		w.move(lookUpIn(t, w.load(src.at(0))), dst.at(0))
	}, dst, src)
}

// loadTable loads the 256 bytes at an offset.
func (w width) loadTable(p pointer, disp int) (t [4]VecVirtual) {
	for i := range t {
		t[i] = w.load(p.at(disp + i*int(w)))
	}
	return t
}

// lookUpIn returns the entries for the bytes of v: the lower and the upper half of the table, chosen by the top bit.
func lookUpIn(t [4]VecVirtual, v VecVirtual) VecVirtual {
	upper := K()
	VPMOVB2M(v, upper)
	low, high := avx512.copy(v), avx512.copy(v)
	VPERMI2B(t[1], t[0], low)
	VPERMI2B(t[3], t[2], high)
	VMOVDQU8(high, upper, low)
	return low
}

// lookUpAVX2 asks each 16 entries of the table in turn. A shuffle takes the lower four bits, and gives 0 where the top bit is set.
// In the lower half of the table, x − 16·i has it set if x lies before the i-th 16 entries or in the upper half, as the subtraction
// saturates. All others are given the i-th entries xor the ones before, so that the right ones are left in the end. The upper half
// does the same for x − 128.
func lookUpAVX2() {
	w := avx2
	w.routine("lookUp", "(dst, src *byte, n int, table *[256]byte)",
		"replaces n ≥ 128 bytes by their entries in the table, of which each 16 but the first and the ninth are given xor those before them.")
	dst, src := param("dst", 1), param("src", 1)
	n := arg("n")
	t := param("table", 0)
	sixteen := w.bytes("sixteen", 16)
	top := w.bytes("top", 0x80)
	const vectors = 4
	loop(n, vectors*int(w), func() {
		var out [vectors]VecVirtual
		for i := range out {
			out[i] = w.zero()
		}
		for half := range 2 {
			var x [vectors]VecVirtual
			for i := range x {
				x[i] = w.load(src.at(i * int(w)))
				if half == 1 {
					VPXOR(top, x[i], x[i])
				}
			}
			for part := range 8 {
				entries := YMM()
				VBROADCASTI128(t.at(128*half+16*part), entries)
				for i := range x {
					found := YMM()
					VPSHUFB(x[i], entries, found)
					VPXOR(found, out[i], out[i])
					if part < 7 {
						VPSUBSB(sixteen, x[i], x[i])
					}
				}
			}
		}
		for i := range out {
			w.move(out[i], dst.at(i*int(w)))
		}
	}, dst, src)
}

// linearAVX2 computes in float32 with a fused multiply-add, like OpenCV.
func linearAVX2() {
	w := avx2
	w.routine("linear", "(dst, src *byte, n int, alpha, beta float32)", "writes |alpha·v + beta|, rounded half to even and saturated, for n ≥ 32 bytes.")
	dst, src := param("dst", 1), param("src", 1)
	n := arg("n")
	a, b := w.float("alpha"), w.float("beta")
	positive := w.bytes("linearPositive", 0xff, 0xff, 0xff, 0x7f)
	order := w.load(w.constant("linearOrder", dwords(0, 4, 1, 5, 2, 6, 3, 7)...))
	loop(n, 32, func() {
		var q [4]VecVirtual
		for i := range q {
			q[i] = YMM()
			VPMOVZXBD(src.at(8*i), q[i])
			VCVTDQ2PS(q[i], q[i])
			VFMADD213PS(b, a, q[i])
			VPAND(positive, q[i], q[i])
			VCVTPS2DQ(q[i], q[i])
		}
		VPACKSSDW(q[1], q[0], q[0]) // to 32767 at most, else the next would take it for negative
		VPACKSSDW(q[3], q[2], q[2])
		VPACKUSWB(q[2], q[0], q[0])
		VPERMD(q[0], order, q[0])
		w.move(q[0], dst.at(0))
	}, dst, src)
}
