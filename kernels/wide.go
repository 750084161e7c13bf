package kernels

// A wide row holds samples of 32 bits each, little-endian, so that a word holds two.
const wide = 4 // bytes

// widen writes the sums in the 16-bit lanes of even and odd to a wide row, in order.
func widen(row []byte, even, odd []uint64) {
	const lane = 0xffff // the low bits
	to := at(row, 0, len(even)*wordsz*wide)
	odd = odd[:len(even)]
	for i, e := range even {
		o := odd[i]
		x := i * wordsz * wide
		store(to, x, e&lane|o&lane<<32)
		store(to, x+8, e>>16&lane|o>>16&lane<<32)
		store(to, x+16, e>>32&lane|o>>32&lane<<32)
		store(to, x+24, e>>48|o>>48<<32)
	}
}

// weighWide sums up wide rows and rounds: out = (Σ weight·(a+b) + 2^15) >> 16, which must fit a byte. All pointers must be good for
// as many samples as fill the words of out, the last one included; sums is scratch of four words for each.
func weighWide(out []byte, sums []uint64, pairs []pair) {
	sums = sums[:(len(out)+wordsz-1)/wordsz*wide]
	if len(pairs)%2 == 1 {
		weighWidePair(sums, pairs[0])
		pairs = pairs[1:]
	} else {
		clear(sums)
	}
	for ; len(pairs) > 0; pairs = pairs[2:] {
		addTwoWidePairs(sums, pairs[0], pairs[1])
	}
	whole := len(out) / wordsz
	to := at(out, 0, len(out))
	for i := range whole {
		store(to, i*wordsz, roundWide(sums[4*i:4*i+4:4*i+4]))
	}
	if rest := out[whole*wordsz:]; len(rest) > 0 {
		last := roundWide(sums[4*whole:])
		for i := range rest {
			rest[i] = byte(last >> (8 * i))
		}
	}
}

// roundWide returns the eight results of four words of sums.
func roundWide(sums []uint64) uint64 {
	const half, bytes = 1<<15 | 1<<47, 0xff | 0xff<<32
	a, b := (sums[0]+half)>>16&bytes, (sums[1]+half)>>16&bytes
	c, d := (sums[2]+half)>>16&bytes, (sums[3]+half)>>16&bytes
	// Results 0 and 1 are 32 bits apart, 2 and 3 too, two bytes further up.
	ab, cd := a|b<<16, c|d<<16
	return uint64(uint32(ab|ab>>24)) | (cd|cd>>24)<<32
}

//go:noinline
func weighWidePair(sums []uint64, p pair) {
	for i := range sums {
		sums[i] = (load(p.a, i*wordsz) + load(p.b, i*wordsz)) * p.weight
	}
}

// addTwoWidePairs adds two pairs, so that the sums go through memory half as often.
//
//go:noinline
func addTwoWidePairs(sums []uint64, p, q pair) {
	for i := range sums {
		x := i * wordsz
		sums[i] += (load(p.a, x)+load(p.b, x))*p.weight + (load(q.a, x)+load(q.b, x))*q.weight
	}
}
