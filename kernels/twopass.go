package kernels

import "slices"

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
	reach  int
	middle uint64
	pairs  []tapPair // zero weights are left out
}

type tapPair struct {
	distance int
	weight   uint64
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
			t.pairs = append(t.pairs, tapPair{d, uint64(w)})
		}
	}
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
	t := p.column
	for i, pair := range t.pairs {
		p.a[i], p.b[i] = src[t.reach-pair.distance][from:to], src[t.reach+pair.distance][from:to]
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
		for j, pair := range t.pairs {
			s += pair.weight * (uint64(p.a[j][i]) + uint64(p.b[j][i]))
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
	for i, pair := range p.row.pairs {
		d := pair.distance * p.in.Channels
		p.a[i], p.b[i] = plane[p.pad-d:p.pad-d+n], plane[p.pad+d:p.pad+d+n]
	}
	p.row.sum(even, odd, plane[p.pad:p.pad+n], p.a, p.b)
}

// sum adds up whole words of weighted samples: the middle, and a[i] and b[i] for every pair. Two pairs at a time, so
// that the sums go through memory half as often.
func (t taps) sum(even, odd []uint64, middle []byte, a, b [][]byte) {
	odd = odd[:len(even)]
	w := t.middle
	m := words(middle)[:len(even)]
	for i := range even {
		even[i] = (m[i] & lanes) * w
		odd[i] = (m[i] >> 8 & lanes) * w
	}
	pairs := t.pairs
	for ; len(pairs) > 1; pairs, a, b = pairs[2:], a[2:], b[2:] {
		w0, w1 := pairs[0].weight, pairs[1].weight
		a0, b0 := words(a[0])[:len(even)], words(b[0])[:len(even)]
		a1, b1 := words(a[1])[:len(even)], words(b[1])[:len(even)]
		for i := range even {
			p, q, r, s := a0[i], b0[i], a1[i], b1[i]
			even[i] += (p&lanes+q&lanes)*w0 + (r&lanes+s&lanes)*w1
			odd[i] += (p>>8&lanes+q>>8&lanes)*w0 + (r>>8&lanes+s>>8&lanes)*w1
		}
	}
	if len(pairs) > 0 {
		w0 := pairs[0].weight
		a0, b0 := words(a[0])[:len(even)], words(b[0])[:len(even)]
		for i := range even {
			p, q := a0[i], b0[i]
			even[i] += (p&lanes + q&lanes) * w0
			odd[i] += (p>>8&lanes + q>>8&lanes) * w0
		}
	}
}
