package kernels

import (
	"slices"
	"unsafe"
)

// binomial is the fast path of the two smallest Gaussian kernels, whose weights are binomial coefficients: with 1 2 1 the sums of 3 × 3
// samples need 12 bits, with 1 4 6 4 1 those of 5 × 5 need 16, so that a lane of 16 bits is enough. Sums along the rows go through
// stages that each add what they are given to what they were given in the row above: two stages make 1 2 1 of it, four 1 4 6 4 1.
type binomial struct {
	in    Shape
	reach int    // in pixels: 1 or 2
	state []byte // what the stages were given in the row above, for a strip
	code  binomialCode
	words func(dst, src [][]byte, x, step, blocks int)
	// Near the left and the right edge the rows stand here, with what the border rule puts beyond their ends.
	src, dst [][]byte
}

const (
	binomialBlock = 64  // samples
	binomialStrip = 200 // blocks whose state stays in the cache
	binomialRows  = 32  // of results, in one go
)

// binomialCode is the assembly for a size and an instruction set: for the rows above the first result's lowest, for one row of results,
// and for four.
type binomialCode struct {
	start, one, four func(dst, src *[]byte, state *byte, x, step, blocks, dstAhead, srcAhead int)
}

// binomialReach returns the reach of the filter in pixels, or 0 if its weights, in 8-bit fixed point, are not binomial.
func binomialReach(column, row []int) int {
	for _, weights := range [][]int{{64, 128, 64}, {16, 64, 96, 64, 16}} {
		if slices.Equal(column, weights) && slices.Equal(row, weights) {
			return len(weights) / 2
		}
	}
	return 0
}

func newBinomial(reach int, in Shape) *binomial {
	side := 2 * reach * in.Channels
	p := &binomial{
		in: in, reach: reach,
		state: make([]byte, binomialStrip*binomialBlock*4*reach),
		src:   makeRows(Shape{binomialBlock + side, binomialRows + 2*reach, 1}),
		dst:   makeRows(Shape{binomialBlock + side, binomialRows, 1}),
	}
	p.words, p.code = binomial5Words, binomialCode{binomial5StartAVX2, binomial5OneAVX2, binomial5FourAVX2}
	switch {
	case reach == 1 && path >= isaAVX512:
		p.words, p.code = binomial3Words, binomialCode{binomial3StartAVX512, binomial3OneAVX512, binomial3FourAVX512}
	case reach == 1:
		p.words, p.code = binomial3Words, binomialCode{binomial3StartAVX2, binomial3OneAVX2, binomial3FourAVX2}
	case path >= isaAVX512:
		p.code = binomialCode{binomial5StartAVX512, binomial5OneAVX512, binomial5FourAVX512}
	}
	return p
}

// Apply implements Applier.
func (p *binomial) Apply(dst, src [][]byte, _ Rows) {
	n, side := p.in.RowBytes(), p.reach*p.in.Channels
	for ; len(dst) > 0; dst, src = dst[min(binomialRows, len(dst)):], src[min(binomialRows, len(dst)):] {
		dst, src := dst[:min(binomialRows, len(dst))], src[:min(binomialRows, len(dst))+2*p.reach]
		p.edge(dst, src, 0)
		x := binomialBlock
		if blocks := (n - side - x) / binomialBlock; blocks > 0 {
			p.columns(dst, src, x, blocks)
			x += blocks * binomialBlock
		}
		for x < n {
			p.edge(dst, src, x)
			x += binomialBlock
		}
	}
}

// edge computes a block of samples from x on, of which those beyond the row's end do not matter.
func (p *binomial) edge(dst, src [][]byte, x int) {
	n, c := p.in.RowBytes(), p.in.Channels
	side := p.reach * c
	first, end := x-side, x+binomialBlock+side
	for y, row := range src {
		stage := p.src[y]
		copy(stage[max(0, -first):], row[max(0, first):min(n, end)])
		for i := first; i < 0; i++ {
			stage[i-first] = row[p.mirrored(i)]
		}
		for i := n; i < min(n+side, end); i++ {
			stage[i-first] = row[p.mirrored(i)]
		}
	}
	p.columns(p.dst[:len(dst)], p.src[:len(src)], side, 1)
	for y, row := range dst {
		copy(row[x:], p.dst[y][side:][:binomialBlock])
	}
}

// mirrored returns the sample that the border rule puts in the place of sample i, which lies up to reach pixels beyond the row's end.
func (p *binomial) mirrored(i int) int {
	c := p.in.Channels
	x := (i+p.reach*c)/c - p.reach // rounded down for negative i, too
	return BorderReflect101.At(x, p.in.Width)*c + i - x*c
}

// columns computes blocks of samples from x on, where no sum reaches beyond a row's end.
func (p *binomial) columns(dst, src [][]byte, x, blocks int) {
	rows, step := len(dst), p.in.Channels
	if path < isaAVX2 {
		p.words(dst, src, x, step, blocks)
		return
	}
	for ; blocks > 0; blocks -= binomialStrip {
		n := min(blocks, binomialStrip)
		p.code.start(nil, &src[0], &p.state[0], x, step, n, 0, 0)
		src := src[2*p.reach:]
		y := 0
		for ; y+4 <= rows; y += 4 {
			p.code.four(&dst[y], &src[y], &p.state[0], x, step, n, fourBelow(dst, y), fourBelow(src, y))
		}
		for ; y < rows; y++ {
			p.code.one(&dst[y], &src[y], &p.state[0], x, step, n, 0, 0)
		}
		x += n * binomialBlock
	}
}

// fourBelow returns how many bytes lie between row y and the fourth one below. The processor itself does not see that rows are read
// and written four at a time. Where there are no more rows, those that come in the next call are likely to lie as far away.
func fourBelow(rows [][]byte, y int) int {
	if y+4 >= len(rows) {
		y -= 4
	}
	if y < 0 {
		return 0
	}
	return int(uintptr(unsafe.Pointer(&rows[y+4][0])) - uintptr(unsafe.Pointer(&rows[y][0])))
}

// binomial3Words is columns in Go. Whole words add up to E + O<<8, with E the sums of the even samples, each in its lane, and O those of
// the odd ones, whatever is carried from lane to lane on the way.
func binomial3Words(dst, src [][]byte, x, step, blocks int) {
	const half = 8 * ones
	src = src[:len(dst)+2]
	for from := x - step; from < x-step+blocks*binomialBlock; from += wordsz {
		var even0, even1, odd0, odd1 uint64
		for y, row := range src {
			p := at(row, from, wordsz+2*step)
			a, b, c := load(p, 0), load(p, step), load(p, 2*step)
			odd := a>>8&lanes + b>>8&lanes*2 + c>>8&lanes
			even := a + 2*b + c - odd<<8
			even, even0 = even+even0, even
			odd, odd0 = odd+odd0, odd
			even, even1 = even+even1, even
			odd, odd1 = odd+odd1, odd
			if y >= 2 {
				store(at(dst[y-2], from+step, wordsz), 0, interleave((even+half)>>4, (odd+half)>>4))
			}
		}
	}
}

// binomial5Words is the same for 5 × 5 samples.
func binomial5Words(dst, src [][]byte, x, step, blocks int) {
	const half = 128 * ones
	src = src[:len(dst)+4]
	for from := x - 2*step; from < x-2*step+blocks*binomialBlock; from += wordsz {
		var even0, even1, even2, even3, odd0, odd1, odd2, odd3 uint64
		for y, row := range src {
			p := at(row, from, wordsz+4*step)
			a, b, c, d, e := load(p, 0), load(p, step), load(p, 2*step), load(p, 3*step), load(p, 4*step)
			odd := a>>8&lanes + e>>8&lanes + (b>>8&lanes+d>>8&lanes)*4 + c>>8&lanes*6
			even := a + e + (b+d)*4 + c*6 - odd<<8
			even, even0 = even+even0, even
			odd, odd0 = odd+odd0, odd
			even, even1 = even+even1, even
			odd, odd1 = odd+odd1, odd
			even, even2 = even+even2, even
			odd, odd2 = odd+odd2, odd
			even, even3 = even+even3, even
			odd, odd3 = odd+odd3, odd
			if y >= 4 {
				store(at(dst[y-4], from+2*step, wordsz), 0, (even+half)>>8&lanes|(odd+half)&^lanes)
			}
		}
	}
}
