package kernels

import "unsafe"

// bitplaneChunk is how many words one call of assembly takes: it cannot be interrupted.
const bitplaneChunk = 1 << 14

// packLabels makes bits of labels, 64 a word, the first in the lowest bit: of candidates in weak, and of strong pixels in edge.
func packLabels(weak, edge []uint64, labels []byte) {
	pack := cannyPackAVX512
	switch {
	case path >= isaAVX512:
	case path >= isaAVX2:
		pack = cannyPackAVX2
	default:
		packLabelsWords(weak, edge, labels)
		return
	}
	done := 0
	for n := 0; done < len(labels)/64; done += n {
		n = min(bitplaneChunk, len(labels)/64-done)
		pack(&weak[done], &edge[done], at(labels, 64*done, 64*n), n)
	}
	packLabelsWords(weak[done:], edge[done:], labels[64*done:])
}

// packLabelsWords is packLabels in Go, eight labels at a time.
func packLabelsWords(weak, edge []uint64, labels []byte) {
	edge = edge[:len(weak)]
	for i := range weak {
		part := labels[64*i : min(64*(i+1), len(labels))]
		var w, e uint64
		whole := len(part) / wordsz * wordsz
		first := unsafe.SliceData(part)
		for x := 0; x < whole; x += wordsz {
			if eight := load(first, x); eight != 0 {
				w |= gatherBits(eight) << x
				e |= gatherBits(eight>>1) << x
			}
		}
		for x, l := range part[whole:] {
			w |= uint64(l&1) << (whole + x)
			e |= uint64(l>>1) << (whole + x)
		}
		weak[i], edge[i] = w, e
	}
}

// unpackBits makes bytes of bits: 255 or 0.
func unpackBits(dst []byte, edge []uint64) {
	unpack := cannyUnpackAVX512
	switch {
	case path >= isaAVX512:
	case path >= isaAVX2:
		unpack = cannyUnpackAVX2
	default:
		unpackBitsWords(dst, edge)
		return
	}
	done := 0
	for n := 0; done < len(dst)/64; done += n {
		n = min(bitplaneChunk, len(dst)/64-done)
		unpack(at(dst, 64*done, 64*n), &edge[done], n)
	}
	unpackBitsWords(dst[64*done:], edge[done:])
}

// unpackBitsWords is unpackBits in Go, eight bytes at a time.
func unpackBitsWords(dst []byte, edge []uint64) {
	for i, e := range edge {
		part := dst[64*i : min(64*(i+1), len(dst))]
		if e == 0 {
			clear(part)
			continue
		}
		whole := len(part) / wordsz * wordsz
		first := unsafe.SliceData(part)
		for x := 0; x < whole; x += wordsz {
			store(first, x, spreadBits(e>>x))
		}
		for x := whole; x < len(part); x++ {
			part[x] = -byte(e >> x & 1)
		}
	}
}

// gatherBits returns the lowest bit of each byte, the first byte's in bit 0: the multiplication adds shifted copies so that
// each of these bits lands in the highest byte.
func gatherBits(bytes uint64) uint64 { return (bytes & 0x0101010101010101) * 0x0102040810204080 >> 56 }

// spreadBits is its inverse for the lowest eight bits, with bytes of 255.
func spreadBits(b uint64) uint64 {
	each := (b & 0xff) * 0x0101010101010101 & 0x8040201008040201 // bit i in byte i
	return (each + 0x7f7f7f7f7f7f7f7f) >> 7 & 0x0101010101010101 * 0xff
}
