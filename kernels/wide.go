package kernels

import "unsafe"

// A wide row holds samples of 32 bits each, little-endian, so that a word holds two.
const wide = 4 // bytes

// widen writes the sums in the 16-bit lanes of even and odd to a wide row, in order.
func widen(row []byte, even, odd []uint64) {
	odd = odd[:len(even)]
	row = row[:len(even)*wordsz*wide]
	const block, lane = 4, 0xffff // words; the low bits
	if blocks := len(even) / block; path == "avx2" && blocks > 0 {
		widenAVX2(&row[0], &even[0], &odd[0], blocks)
		even, odd, row = even[blocks*block:], odd[blocks*block:], row[blocks*block*wordsz*wide:]
	}
	for i, e := range even {
		o := odd[i]
		putWord(row, 0, e&lane|o&lane<<32)
		putWord(row, 8, e>>16&lane|o>>16&lane<<32)
		putWord(row, 16, e>>32&lane|o>>32&lane<<32)
		putWord(row, 24, e>>48|o>>48<<32)
		row = row[wordsz*wide:]
	}
}

// weighWide sums up wide rows and rounds: out = (Σ weight·(a+b) + 2^15) >> 16, which must fit a byte. All pointers must be good for
// as many samples as fill the words of out, the last one included; sums is scratch of four words for each.
func weighWide(out []byte, sums []uint64, pairs []pair) {
	const block = 32 // samples
	done := 0
	if blocks := len(out) / block; path == "avx2" && blocks > 0 {
		done = blocks * block
		weighWideAVX2(&out[0], (*byte)(unsafe.Pointer(unsafe.SliceData(pairs))), len(pairs), blocks)
	}
	weighWideWords(out[done:], sums, done*wide, pairs)
}

// weighWideWords is weighWide in Go for the samples from byte x of the wide rows on.
func weighWideWords(out []byte, sums []uint64, x int, pairs []pair) {
	sums = sums[:(len(out)+wordsz-1)/wordsz*wide]
	clear(sums)
	for ; len(pairs) >= 2; pairs = pairs[2:] {
		weighTwoWidePairs(sums, pairs[0].from(x), pairs[1].from(x))
	}
	if len(pairs) == 1 {
		weighWidePair(sums, pairs[0].from(x))
	}
	for ; len(sums) >= 4; sums = sums[4:] {
		result := round(sums[0]) | round(sums[1])<<16 | round(sums[2])<<32 | round(sums[3])<<48
		if len(out) < wordsz {
			for i := range out {
				out[i] = byte(result >> (8 * i))
			}
			return
		}
		putWord(out, 0, result)
		out = out[wordsz:]
	}
}

// round returns the two results of a word of sums in its lowest bytes.
func round(sums uint64) uint64 {
	const half, bytes = 1<<15 | 1<<47, 0xff | 0xff<<32
	r := (sums + half) >> 16 & bytes
	return (r | r>>24) & 0xffff
}

//go:noinline
func weighWidePair(sums []uint64, p pair) {
	for i := range sums {
		sums[i] += (load(p.a, i*wordsz) + load(p.b, i*wordsz)) * p.weight
	}
}

// weighTwoWidePairs sends the sums through memory half as often as weighWidePair.
//
//go:noinline
func weighTwoWidePairs(sums []uint64, p, q pair) {
	for i := range sums {
		x := i * wordsz
		sums[i] += (load(p.a, x)+load(p.b, x))*p.weight + (load(q.a, x)+load(q.b, x))*q.weight
	}
}
