package kernels

import (
	"slices"
	"unsafe"
)

// twoPass is the fast path of a Convolution of rank 1 in fixed point: factors that are symmetric, not negative, and add up to
// at most 256, with a shift of 16. It sums columns first, then rows, eight samples at a time.
//
// A column's sum is at most 256·255 < 2^16, so it fits a 16-bit lane. Its high and low byte then go through the row pass apart,
// as two rows of bytes, and with H and L their sums the result is (256·H + L + 2^15) >> 16 = (H + (L>>8) + 128) >> 8, because
// the bits that L>>8 drops cannot carry. It fits, too: 256·H + L is at most 256·65280, so H + (L>>8) + 128 < 2^16.
type twoPass struct {
	column, row taps
	in          Shape
	strip       int // bytes of a row in one go
	pad         int // bytes that the row pass reads beyond a strip, on each side
	high, low   []byte
	// Sums in lanes: of columns or of high bytes, and of low bytes.
	even, odd, evenLow, oddLow []uint64
	a, b                       [][]byte
}

// taps are the weights of a symmetric filter: of the middle, and of the pairs at the same distance from it.
type taps struct {
	reach   int
	middle  uint64
	pairs   []int    // their distances; those of weight 0 are left out
	weights []uint64 // of the pairs
	a, b    []*byte  // scratch for sum: where their samples begin
}

func fitsTwoPass(weights []int) bool {
	mirrored := slices.Clone(weights)
	slices.Reverse(mirrored)
	return len(weights) > 0 && slices.Equal(weights, mirrored) && slices.Min(weights) >= 0 && total(weights) <= 256
}

func newTaps(weights []int) taps {
	t := taps{reach: len(weights) / 2}
	t.middle = uint64(weights[t.reach])
	for d := 1; d <= t.reach; d++ {
		if w := weights[t.reach+d]; w > 0 {
			t.pairs = append(t.pairs, d)
			t.weights = append(t.weights, uint64(w))
		}
	}
	t.a, t.b = make([]*byte, len(t.pairs)), make([]*byte, len(t.pairs))
	return t
}

func newTwoPass(column, row []int, in Shape) *twoPass {
	p := &twoPass{column: newTaps(column), row: newTaps(row), in: in}
	p.pad = p.row.reach * in.Channels
	// A strip must hold whole words and whole pixels, and the pad should be a small part of it.
	const unit = 24
	p.strip = (max(4096, 4*p.pad)/unit + 1) * unit
	p.strip = min(p.strip, (in.RowBytes()/unit+1)*unit)
	plane := p.strip + 2*p.pad + wordsz
	p.high, p.low = make([]byte, plane), make([]byte, plane)
	for _, s := range []*[]uint64{&p.even, &p.odd, &p.evenLow, &p.oddLow} {
		*s = make([]uint64, plane/wordsz+1)
	}
	pairs := max(len(p.column.pairs), len(p.row.pairs))
	p.a, p.b = make([][]byte, pairs), make([][]byte, pairs)
	return p
}

// Apply implements Applier. Strips are the outer loop, so that the source rows of all out rows stay in the cache.
func (p *twoPass) Apply(dst, src [][]byte, _ Rows) {
	n := p.in.RowBytes()
	for lo := 0; lo < n; lo += p.strip {
		hi := min(lo+p.strip, n)
		for y, out := range dst {
			p.columns(src[y:y+2*p.column.reach+1], lo, hi)
			p.rows(out[lo:hi])
		}
	}
}

// columns sums src's columns lo−pad to hi+pad into the planes of high and low bytes, and applies the border rule at their ends.
func (p *twoPass) columns(src [][]byte, lo, hi int) {
	n := p.in.RowBytes()
	from, to := max(0, lo-p.pad), min(n, hi+p.pad)
	at := from - (lo - p.pad) // in the planes
	t := &p.column
	for i, d := range t.pairs {
		p.a[i], p.b[i] = src[t.reach-d][from:to], src[t.reach+d][from:to]
	}
	middle := src[t.reach][from:to]
	count := len(middle) / wordsz
	t.sum(p.even[:count], p.odd[:count], middle, p.a, p.b)
	high, low := words(p.high[at:])[:count], words(p.low[at:])[:count]
	for i, e := range p.even[:count] {
		o := p.odd[i]
		high[i] = e>>8&lanes | o&^lanes
		low[i] = e&lanes | o&lanes<<8
	}
	for i := count * wordsz; i < len(middle); i++ {
		s := t.middle * uint64(middle[i])
		for j, w := range t.weights {
			s += w * (uint64(p.a[j][i]) + uint64(p.b[j][i]))
		}
		p.high[at+i], p.low[at+i] = byte(s>>8), byte(s)
	}
	for i := lo - p.pad; i < 0; i++ {
		p.mirror(i, lo)
	}
	for i := n; i < hi+p.pad; i++ {
		p.mirror(i, lo)
	}
}

// mirror fills in the sample at byte i of the row, which lies beyond its end.
func (p *twoPass) mirror(i, lo int) {
	c := p.in.Channels
	x := (i+p.pad)/c - p.row.reach // pad is a whole number of pixels, so this rounds down for negative i, too
	from := BorderReflect101.At(x, p.in.Width)*c + (i+p.pad)%c
	at, mirrored := i-lo+p.pad, from-lo+p.pad
	p.high[at], p.low[at] = p.high[mirrored], p.low[mirrored]
}

// rows sums the planes along the row, and rounds.
func (p *twoPass) rows(out []byte) {
	count := (len(out) + wordsz - 1) / wordsz
	p.alongRow(p.even[:count], p.odd[:count], p.high)
	p.alongRow(p.evenLow[:count], p.oddLow[:count], p.low)
	const half = 128 * ones
	d := words(out)
	for i := range d {
		e := p.even[i] + p.evenLow[i]>>8&lanes + half
		o := p.odd[i] + p.oddLow[i]>>8&lanes + half
		d[i] = e>>8&lanes | o&^lanes
	}
	if rest := out[len(d)*wordsz:]; len(rest) > 0 {
		i := len(d)
		e := p.even[i] + p.evenLow[i]>>8&lanes + half
		o := p.odd[i] + p.oddLow[i]>>8&lanes + half
		var last [wordsz]byte
		words(last[:])[0] = e>>8&lanes | o&^lanes
		copy(rest, last[:])
	}
}

func (p *twoPass) alongRow(even, odd []uint64, plane []byte) {
	n := len(even) * wordsz
	for i, d := range p.row.pairs {
		d *= p.in.Channels
		p.a[i], p.b[i] = plane[p.pad-d:p.pad-d+n], plane[p.pad+d:p.pad+d+n]
	}
	p.row.sum(even, odd, plane[p.pad:p.pad+n], p.a, p.b)
}

// sum adds up whole words of weighted samples: the middle, and a[i] and b[i] for every pair.
func (t *taps) sum(even, odd []uint64, middle []byte, a, b [][]byte) {
	const block = 4 // words
	n := 0
	if path == "avx2" && len(even) >= block {
		n = len(even) / block * block
		for i := range t.pairs {
			t.a[i], t.b[i] = unsafe.SliceData(a[i]), unsafe.SliceData(b[i])
		}
		weighAVX2(&even[0], &odd[0], &middle[0], unsafe.SliceData(t.a), unsafe.SliceData(t.b), unsafe.SliceData(t.weights),
			len(t.pairs), t.middle, n/block)
	}
	even, odd = even[n:], odd[n:]
	rest := func(samples []byte) []uint64 { return words(samples[n*wordsz:])[:len(even)] }
	weighMiddle(even, odd, rest(middle), t.middle)
	i := 0
	for ; i+1 < len(t.pairs); i += 2 {
		weighTwoPairs(even, odd, rest(a[i]), rest(b[i]), rest(a[i+1]), rest(b[i+1]), t.weights[i], t.weights[i+1])
	}
	if i < len(t.pairs) {
		weighPair(even, odd, rest(a[i]), rest(b[i]), t.weights[i])
	}
}

// The loops stand in functions of their own because the compiler runs out of registers when they share one.

//go:noinline
func weighMiddle(even, odd, m []uint64, w uint64) {
	odd, m = odd[:len(even)], m[:len(even)]
	for i := range even {
		even[i] = (m[i] & lanes) * w
		odd[i] = (m[i] >> 8 & lanes) * w
	}
}

//go:noinline
func weighPair(even, odd, a, b []uint64, w uint64) {
	odd, a, b = odd[:len(even)], a[:len(even)], b[:len(even)]
	for i := range even {
		p, q := a[i], b[i]
		even[i] += (p&lanes + q&lanes) * w
		odd[i] += (p>>8&lanes + q>>8&lanes) * w
	}
}

// weighTwoPairs sends the sums through memory half as often as weighPair.
//
//go:noinline
func weighTwoPairs(even, odd, a0, b0, a1, b1 []uint64, w0, w1 uint64) {
	odd, a0, b0, a1, b1 = odd[:len(even)], a0[:len(even)], b0[:len(even)], a1[:len(even)], b1[:len(even)]
	for i := range even {
		p, q := a0[i], b0[i]
		e := (p&lanes + q&lanes) * w0
		o := (p>>8&lanes + q>>8&lanes) * w0
		p, q = a1[i], b1[i]
		even[i] += e + (p&lanes+q&lanes)*w1
		odd[i] += o + (p>>8&lanes+q>>8&lanes)*w1
	}
}
