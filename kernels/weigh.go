package kernels

import "unsafe"

// pair is two rows of samples, from the bytes a and b on, that have the same weight in a sum.
type pair struct {
	a, b   *byte
	weight uint64
}

// weigh sums up rows of samples: Σ weight·(a+b) over the pairs, eight samples a word, samples 0, 2, 4, 6 in the 16-bit lanes of
// even and 1, 3, 5, 7 in those of odd. No sum may exceed 16 bits. All pointers must be good for 8·len(even)+1 bytes.
func weigh(even, odd []uint64, pairs []pair) {
	const block = 4 // words
	blocks := 0
	if path >= isaAVX2 {
		blocks = len(even) / block
	}
	if blocks > 0 {
		weighAVX2(&even[0], &odd[0], (*byte)(unsafe.Pointer(unsafe.SliceData(pairs))), len(pairs), blocks)
	}
	weighWords(even[blocks*block:], odd[blocks*block:], blocks*block*wordsz, pairs)
}

// weighWords is weigh in Go for the samples from byte x on. With E the sum of the even samples, each in its lane, and O of the
// odd ones, whole words add up to E + O<<8 (modulo 2^64, so carries between lanes on the way are harmless). That saves
// masking the even samples; at the end O<<8 is subtracted.
func weighWords(even, odd []uint64, x int, pairs []pair) {
	if len(pairs)%2 == 1 {
		weighPair(even, odd, pairs[0].from(x))
		pairs = pairs[1:]
	} else {
		clear(even)
		clear(odd)
	}
	for ; len(pairs) > 0; pairs = pairs[2:] {
		addTwoPairs(even, odd, pairs[0].from(x), pairs[1].from(x))
	}
	odd = odd[:len(even)]
	for i, o := range odd {
		even[i] -= o << 8
	}
}

// from returns the pair's samples from byte x on.
func (p pair) from(x int) pair {
	return pair{(*byte)(unsafe.Add(unsafe.Pointer(p.a), x)), (*byte)(unsafe.Add(unsafe.Pointer(p.b), x)), p.weight}
}

// The loops stand in functions of their own because the compiler runs out of registers when they share one.

//go:noinline
func weighPair(even, odd []uint64, p pair) {
	odd = odd[:len(even)]
	for i := range even {
		even[i] = (load(p.a, i*wordsz) + load(p.b, i*wordsz)) * p.weight
		odd[i] = (load(p.a, i*wordsz+1)&lanes + load(p.b, i*wordsz+1)&lanes) * p.weight
	}
}

// addTwoPairs adds two pairs, so that the sums go through memory half as often.
//
//go:noinline
func addTwoPairs(even, odd []uint64, p, q pair) {
	odd = odd[:len(even)]
	for i := range even {
		x := i * wordsz
		even[i] += (load(p.a, x)+load(p.b, x))*p.weight + (load(q.a, x)+load(q.b, x))*q.weight
		odd[i] += (load(p.a, x+1)&lanes+load(p.b, x+1)&lanes)*p.weight + (load(q.a, x+1)&lanes+load(q.b, x+1)&lanes)*q.weight
	}
}

// weighOne sums up sample i.
func weighOne(i int, pairs []pair) (sum uint64) {
	for _, p := range pairs {
		sum += p.weight * (uint64(*(*byte)(unsafe.Add(unsafe.Pointer(p.a), i))) + uint64(*(*byte)(unsafe.Add(unsafe.Pointer(p.b), i))))
	}
	return sum
}
