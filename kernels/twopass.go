package kernels

import (
	"encoding/binary"
	"slices"
)

// twoPass is the portable fast path of a Convolution of rank 1 in fixed point: factors that are symmetric, not negative, and add up to
// at most 256, with a shift of 16. It sums columns first, then rows, many samples at a time. A column's sum is at most
// 256·255 < 2^16 and fits a 16-bit lane; a row of them adds up to less than 2^24 and gets lanes of 32 bits.
type twoPass struct {
	column, row taps
	in          Shape
	strip       int    // samples of a row in one go
	pad         int    // samples that the row pass reads beyond a strip, on each side
	sums        []byte // of columns: a wide row
	nothing     []byte // samples of 0, the middle's partner
	even, odd   []uint64
	scratch     []uint64
}

// taps are the weights of a symmetric filter that are not 0, by their distance from the middle.
type taps struct {
	reach     int
	distances []int
	pairs     []pair
}

func fitsTwoPass(weights []int) bool {
	mirrored := slices.Clone(weights)
	slices.Reverse(mirrored)
	return len(weights) > 0 && slices.Equal(weights, mirrored) && slices.Min(weights) >= 0 && total(weights) <= 256
}

func newTaps(weights []int) taps {
	t := taps{reach: len(weights) / 2}
	for d := range t.reach + 1 {
		if w := weights[t.reach+d]; w > 0 {
			t.distances = append(t.distances, d)
			t.pairs = append(t.pairs, pair{weight: uint64(w)})
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
	padded := p.strip + 2*p.pad
	p.sums, p.nothing = make([]byte, padded*wide), make([]byte, padded*wide)
	p.even, p.odd = make([]uint64, padded/wordsz), make([]uint64, padded/wordsz)
	p.scratch = make([]uint64, p.strip/wordsz*wide)
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

// columns sums up src's columns lo−pad to hi+pad, and applies the border rule at their ends.
func (p *twoPass) columns(src [][]byte, lo, hi int) {
	n := p.in.RowBytes()
	from, to := max(0, lo-p.pad), min(n, hi+p.pad)
	width := to - from
	t := &p.column
	for i, d := range t.distances {
		t.pairs[i].a, t.pairs[i].b = at(src[t.reach-d], from, width), at(src[t.reach+d], from, width)
		if d == 0 {
			t.pairs[i].b = at(p.nothing, 0, width)
		}
	}
	count := (width - 1) / wordsz
	even, odd := p.even[:count], p.odd[:count]
	weigh(even, odd, t.pairs)
	sums := p.sums[(from-lo+p.pad)*wide:]
	widen(sums, even, odd)
	for i := count * wordsz; i < width; i++ {
		binary.LittleEndian.PutUint32(sums[i*wide:], uint32(weighOne(i, t.pairs)))
	}
	for i := lo - p.pad; i < 0; i++ {
		p.mirror(i, lo)
	}
	for i := n; i < hi+p.pad; i++ {
		p.mirror(i, lo)
	}
}

// mirror fills in the sum at sample i of the row, which lies beyond its end.
func (p *twoPass) mirror(i, lo int) {
	c := p.in.Channels
	x := (i+p.pad)/c - p.row.reach // pad is a whole number of pixels, so this rounds down for negative i, too
	from := BorderReflect101.At(x, p.in.Width)*c + (i+p.pad)%c
	copy(p.sums[(i-lo+p.pad)*wide:][:wide], p.sums[(from-lo+p.pad)*wide:])
}

// rows sums up the column sums along the row, and rounds.
func (p *twoPass) rows(out []byte) {
	n := (len(out) + wordsz - 1) / wordsz * wordsz * wide
	t := &p.row
	for i, d := range t.distances {
		d *= p.in.Channels
		t.pairs[i].a, t.pairs[i].b = at(p.sums, (p.pad-d)*wide, n), at(p.sums, (p.pad+d)*wide, n)
		if d == 0 {
			t.pairs[i].b = at(p.nothing, 0, n)
		}
	}
	weighWide(out, p.scratch, t.pairs)
}

// unchanged is the fast path of a Convolution by the number 1, with weights of 0 around.
type unchanged struct{ reach int }

// Apply implements Applier.
func (u unchanged) Apply(dst, src [][]byte, _ Rows) {
	for y, out := range dst {
		copy(out, src[y+u.reach])
	}
}
