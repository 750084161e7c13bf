package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// width is the size in bytes of the vectors that a routine works with. Its methods return registers, and emit instructions, of that size:
// those that are called otherwise in AVX-512, and those that are often wanted. All others avo has by name.
type width int

const (
	lane   width = 16 // in which AVX2 shuffles bytes
	avx2   width = 32
	avx512 width = 64
)

// name returns the routine's name for this width.
func (w width) name(base string) string {
	if w == avx512 {
		return base + "AVX512"
	}
	return base + "AVX2"
}

// vec returns a new register.
func (w width) vec() VecVirtual {
	switch w {
	case lane:
		return XMM()
	case avx2:
		return YMM()
	default:
		return ZMM()
	}
}

// vecs returns n new registers.
func (w width) vecs(n int) (vs []VecVirtual) {
	for range n {
		vs = append(vs, w.vec())
	}
	return vs
}

// load returns a new register with what is at m.
func (w width) load(m Mem) VecVirtual {
	v := w.vec()
	w.move(m, v)
	return v
}

// loads is load for some memory each.
func (w width) loads(ms []Mem) (vs []VecVirtual) {
	for _, m := range ms {
		vs = append(vs, w.load(m))
	}
	return vs
}

// move copies a whole register from or to memory.
func (w width) move(from, to Op) {
	if w == avx512 {
		VMOVDQU64(from, to)
	} else {
		VMOVDQU(from, to)
	}
}

// copy returns a new register with what is in v.
func (w width) copy(v VecVirtual) VecVirtual {
	to := w.vec()
	if w == avx512 {
		VMOVDQA64(v, to)
	} else {
		VMOVDQA(v, to)
	}
	return to
}

// loadPart and storePart copy what the mask says, with AVX-512: what it leaves out is not touched, nor is it an error that it is not
// there. With AVX2, which has no such masks, they copy whole registers.
func (w width) loadPart(m Mem, mask Register, v Register) {
	if w == avx512 {
		VMOVDQU8_Z(m, mask, v)
	} else {
		VMOVDQU(m, v)
	}
}

func (w width) storePart(v Register, mask Register, m Mem) {
	if w == avx512 {
		VMOVDQU8(v, mask, m)
	} else {
		VMOVDQU(v, m)
	}
}

// firstBytes sets the mask of the first n ≤ 64 bytes of a register. bits is a register for what is on the way.
func firstBytes(n, bits Register, mask Register) {
	MOVQ(I64(-1), bits)
	BZHIQ(n, bits, bits)
	KMOVQ(bits, mask)
}

func (w width) xor(a, b, to Op) {
	if w == avx512 {
		VPXORQ(a, b, to)
	} else {
		VPXOR(a, b, to)
	}
}

func (w width) and(a, b, to Op) {
	if w == avx512 {
		VPANDQ(a, b, to)
	} else {
		VPAND(a, b, to)
	}
}

func (w width) or(a, b, to Op) {
	if w == avx512 {
		VPORQ(a, b, to)
	} else {
		VPOR(a, b, to)
	}
}

// zero returns a new register of zeros.
func (w width) zero() VecVirtual {
	v := w.vec()
	w.xor(v, v, v)
	return v
}

// lanes returns a register with n in all lanes of 8, 16 or 32 bits.
func (w width) lanes(bits int, n GPVirtual) VecVirtual {
	x, v := XMM(), w.vec()
	VMOVD(n.As32(), x)
	switch bits {
	case 8:
		VPBROADCASTB(x, v)
	case 16:
		VPBROADCASTW(x, v)
	default:
		VPBROADCASTD(x, v)
	}
	return v
}

// number is lanes of 32 bits for a constant.
func (w width) number(n uint32) VecVirtual {
	r := GP32()
	MOVL(U32(n), r)
	return w.lanes(32, r)
}

// float returns a register with the float32 argument of that name in all lanes.
func (w width) float(name string) VecVirtual {
	a, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	v := w.vec()
	VBROADCASTSS(a.Addr, v)
	return v
}

// bytes returns a register with the pattern of bytes again and again.
func (w width) bytes(name string, pattern ...byte) VecVirtual {
	return w.load(w.constant(name, pattern...))
}

// constant returns memory that holds the pattern again and again, a vector long.
func (w width) constant(name string, pattern ...byte) Mem {
	return table(w.name(name), bytes.Repeat(pattern, int(w)/len(pattern)))
}

// tables are the constants of the family by name.
var tables = make(map[string]Mem)

// table returns memory that holds the bytes. The same name always holds the same.
func table(name string, b []byte) Mem {
	m, ok := tables[name]
	if !ok {
		m = GLOBL(name, RODATA|NOPTR)
		for i, v := range b {
			DATA(i, U8(v))
		}
		tables[name] = m
	}
	return m
}

// none is the place, in a shuffle of bytes, of one that is to be 0.
const none = 0x80

// places returns n bytes for a table, by their place.
func places(n int, f func(i int) int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(f(i))
	}
	return b
}

// dwords returns numbers as 32-bit little-endian bytes.
func dwords(vs ...int) (b []byte) {
	for _, v := range vs {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	return b
}

// floatBytes returns a float32's bytes.
func floatBytes(v float32) []byte { return binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)) }

// raw emits an instruction that avo does not know: the last operand is read and written.
func raw(opcode string, ops ...Op) {
	Instruction(&ir.Instruction{Opcode: opcode, Operands: ops, Inputs: ops, Outputs: ops[len(ops)-1:]})
}

// shuffles gathers bytes within each 16-byte lane: byte p is byte from(p) of the lanes of the three parts side by side.
func (w width) shuffles(name string, parts [3]Op, from func(p int) int) VecVirtual {
	var out VecVirtual
	for i, part := range parts {
		index, any := make([]byte, 16), false
		for p := range index {
			index[p] = none
			if f := from(p); f/16 == i {
				index[p], any = byte(f%16), true
			}
		}
		if !any {
			continue
		}
		v := w.vec()
		VPSHUFB(w.constant(fmt.Sprint(name, "from", i), index...), part, v)
		if out != nil {
			VPOR(v, out, v)
		}
		out = v
	}
	return out
}

// packDwords makes bytes of four vectors of 32-bit lanes, in the first; the 16-byte lanes hold those of each vector's in turn.
func (w width) packDwords(q [4]VecVirtual) {
	VPACKUSDW(q[1], q[0], q[0])
	VPACKUSDW(q[3], q[2], q[2])
	VPACKUSWB(q[2], q[0], q[0])
}

// storeDwords stores 32-bit lanes as bytes.
func (w width) storeDwords(v VecVirtual, dst Register) {
	if w == avx512 {
		VPMOVDB(v, Mem{Base: dst})
		return
	}
	half := XMM()
	VEXTRACTI128(Imm(1), v, half)
	VPACKUSDW(half, v.AsX(), half)
	VPACKUSWB(half, half, half)
	VMOVQ(half, Mem{Base: dst})
}
