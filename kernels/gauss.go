package kernels

import "unsafe"

// gauss is twoPass by vector instructions, for weights below 256. Strips of columns are summed up first, then rows of
// those sums. Both passes multiply and add neighbours in pairs, which is what the processor does best:
//
//	source rows ─► pairs of rows (bytes) ─► column sums (int16) ─► rows of bytes
//
// A sample p counts as p−128, a signed byte, and a weight is an unsigned one. As the weights add up to 256 at most, a column's sum lies in
// [−128·256, 127·256] and fits an int16, and so does any part of it. What is missing from a result, its bias, is the same for all.
//
// Samples stand in folded order: of each group of two neighbouring pixels, the first channel of both, then the second channel of both.
// So two column sums of the same channel are one lane of 32 bits, whatever the number of channels. Loaded once, lanes serve the first
// pixels of groups and, with the weights moved by one, the second ones. In the same way row pairs serve two rows of column
// sums. Results are grouped from pixel 0 on; column sums are so, too, or from pixel −1 on, whichever lets the weights of a group's
// first pixel begin with a group.
type gauss struct {
	in          Shape
	column, row gaussTaps
	bias        int32
	lead        int // 1 if groups of column sums begin at pixel −1
	group       int // samples
	groups      int // in a row of column sums
	strip       int // groups whose columns are summed up in one go
	lag         int // groups of column sums that must be there before the first group of results is possible
	pairs       []byte
	pairStride  int     // bytes
	mid         []int16 // two rows of column sums: row.reach groups of the strip before, a strip, and what is mirrored
	midStride   int
	carry       []int16 // the last row.reach groups of each row's column sums
	left, right []mirrored
	code        gaussCode
	stage       [2][gaussBlock + gaussSlack]byte // where a block stands of which a row has only a part
	tail        [gaussBlock]byte                 // the same of a result
}

const (
	gaussBlock  = 96       // samples that the assembly works on in one go
	gaussSlack  = 4        // samples behind the last block that it may read
	gaussUnit   = 192      // the same as gaussBlock, for columns
	gaussRows   = 32       // rows of results that are computed from the same row pairs
	gaussCached = 64 << 10 // samples of the row pairs for a result that should stay in the cache
)

// gaussCode is the assembly for an instruction set and a number of channels.
type gaussCode struct {
	pair    func(pairs, a, b *byte, blocks int)
	columns func(mid *int16, stride int, pairs, steps *byte, count, blocks int)
	row     func(out *byte, mid *int16, steps *byte, count, blocks int, bias int32)
}

// gaussCodes are the assembly by path, for one channel and for three.
var gaussCodes = map[isa][2]gaussCode{
	isaAVX2: {
		{gaussPairGreyAVX2, gaussColumnsAVX2, gaussRowGreyAVX2},
		{gaussPairColourAVX2, gaussColumnsAVX2, gaussRowColourAVX2},
	},
	isaAVX512: {
		{gaussPairGreyAVX512, gaussColumnsAVX512, gaussRowGreyAVX512},
		{gaussPairColourAVX512, gaussColumnsAVX512, gaussRowColourAVX512},
	},
}

// gaussStep are the weights of a pair of samples. The assembly knows its layout.
type gaussStep struct {
	offset int // of the pair, in bytes
	// For a result whose weights begin with the first of the two samples of a pair, and for the next result; in a uint16 or uint32, the
	// first sample's weight in its lower half. A uint16 stands there twice.
	even, odd uint32
}

// gaussTaps are the weights of a symmetric filter.
type gaussTaps struct {
	reach   int // without weights of 0 at the ends
	trimmed int // of these, at each end
	steps   []gaussStep
}

// newGaussTaps gives the weights, in the given number of bits, to pairs of samples that are stride bytes apart.
func newGaussTaps(weights []int, stride int, bits int) gaussTaps {
	trimmed := 0
	for trimmed < len(weights)/2 && weights[trimmed] == 0 {
		trimmed++
	}
	weights = weights[trimmed : len(weights)-trimmed]
	t := gaussTaps{reach: len(weights) / 2, trimmed: trimmed}
	weight := func(i int) uint32 {
		if i < 0 || i >= len(weights) {
			return 0
		}
		return uint32(weights[i])
	}
	for k := range t.reach + 1 {
		s := gaussStep{
			offset: k * stride,
			even:   weight(2*k) | weight(2*k+1)<<bits,
			odd:    weight(2*k-1) | weight(2*k)<<bits,
		}
		if s.even == 0 && s.odd == 0 {
			continue
		}
		if bits == 8 {
			s.even, s.odd = s.even*(1+1<<16), s.odd*(1+1<<16)
		}
		t.steps = append(t.steps, s)
	}
	return t
}

// mirrored is a column sum beyond the row's end, and the one that the border rule puts there: indices of a row of gauss.mid.
type mirrored struct{ to, from int }

// newGauss returns the filter by the instructions of an isa that gaussCodes has.
func newGauss(column, row []int, in Shape, by isa) *gauss {
	p := &gauss{in: in, code: gaussCodes[by][in.Channels/2], group: 2 * in.Channels}
	p.bias = int32(128*total(column)*total(row) + 1<<15)

	strip := min(max(gaussCached/(len(column)/2+2), 1), in.RowBytes()+p.group)
	strip = (strip + gaussUnit - 1) / gaussUnit * gaussUnit
	p.strip = strip / p.group
	p.pairStride = 2*strip + 64
	p.column = newGaussTaps(column, p.pairStride, 8)
	p.row = newGaussTaps(row, 2*p.group, 16)

	reach := p.row.reach
	p.lead = reach % 2
	p.groups = (in.Width + p.lead + 1) / 2
	p.lag = (reach + p.lead) / 2
	p.pairs = make([]byte, (gaussRows/2+p.column.reach)*p.pairStride)
	p.midStride = (2*reach+1)*p.group + strip + gaussBlock
	p.mid = make([]int16, 2*p.midStride)
	p.carry = make([]int16, gaussRows*reach*p.group)
	last := (p.groups - 1) / p.strip * p.strip // the group that the last strip begins with
	for x := -reach; x < 0; x++ {
		p.left = p.mirror(p.left, x, min(last, p.lag/p.strip*p.strip))
	}
	for x := in.Width; x < in.Width+reach; x++ {
		p.right = p.mirror(p.right, x, last)
	}
	return p
}

// mirror appends pixel x, which lies beyond the row's end, to what is mirrored in the strip from the group first on.
func (p *gauss) mirror(list []mirrored, x, first int) []mirrored {
	for c := range p.in.Channels {
		index := func(x int) int {
			x += p.lead
			return ((x>>1)-first+p.row.reach)*p.group + 2*c + x&1
		}
		list = append(list, mirrored{index(x), index(BorderReflect101.At(x, p.in.Width))})
	}
	return list
}

// Apply implements Applier.
func (p *gauss) Apply(dst, src [][]byte, _ Rows) {
	src = src[p.column.trimmed:]
	for y := 0; y < len(dst); y += gaussRows {
		for first := 0; first < p.groups; first += p.strip {
			p.applyStrip(dst[y:min(y+gaussRows, len(dst))], src[y:], first)
		}
	}
}

// applyStrip sums up the columns of a strip from the group first on, and the rows of all results that are possible then.
func (p *gauss) applyStrip(dst, src [][]byte, first int) {
	reach := p.row.reach
	end := min(first+p.strip, p.groups)
	lo, hi := max(0, first-p.lag)*p.group, max(0, end-p.lag)*p.group // of the results
	if end == p.groups {
		hi = p.in.RowBytes()
	}
	blocks := ((end-first)*p.group + gaussUnit - 1) / gaussUnit
	paired := 0
	for y := 0; y < len(dst); y += 2 {
		for ; paired <= y/2+p.column.reach; paired++ {
			// If the number of rows is odd, the last row's partner does not matter.
			p.pairRows(paired, src[2*paired], src[min(2*paired+1, len(src)-1)], first, end)
		}
		p.code.columns(&p.mid[reach*p.group], 2*p.midStride, &p.pairs[y/2*p.pairStride], gaussSteps(p.column.steps), len(p.column.steps), blocks)
		for i := y; i < min(y+2, len(dst)); i++ {
			mid := p.mid[(i-y)*p.midStride:][:p.midStride]
			carry := p.carry[i*reach*p.group:][:reach*p.group]
			copy(mid, carry)
			if first <= p.lag && p.lag < end || end == p.groups && end <= p.lag {
				mirror(mid, p.left)
			}
			if end == p.groups {
				mirror(mid, p.right)
			}
			copy(carry, mid[(end-first)*p.group:])
			if lo < hi {
				p.sumRow(dst[i][lo:hi], mid[lo-(first-p.lag)*p.group:])
			}
		}
	}
}

// mirror applies the border rule to a row of column sums.
func mirror(mid []int16, list []mirrored) {
	for _, m := range list {
		mid[m.to] = mid[m.from]
	}
}

// pairRows makes the row pair of the number i from the groups first to end of a and b.
func (p *gauss) pairRows(i int, a, b []byte, first, end int) {
	n := len(a)
	from := first*p.group - p.lead*p.in.Channels
	to := p.pairs[i*p.pairStride:][:p.pairStride]
	blocks := ((end-first)*p.group + gaussBlock - 1) / gaussBlock
	done := 0
	if from < 0 {
		p.pairBlock(to, a, b, from)
		done = 1
	}
	if whole := min(blocks, (n-gaussSlack-from)/gaussBlock); whole > done {
		x := from + done*gaussBlock
		p.code.pair(&to[done*2*gaussBlock], &a[x], &b[x], whole-done)
		done = whole
	}
	for ; done < blocks; done++ {
		p.pairBlock(to[done*2*gaussBlock:], a, b, from+done*gaussBlock)
	}
}

// pairBlock pairs a block from sample x of the rows on, of which a part may lie outside. What is paired there does not matter.
func (p *gauss) pairBlock(to, a, b []byte, x int) {
	lo, hi := max(0, x), min(x+gaussBlock, len(a))
	if lo < hi {
		copy(p.stage[0][lo-x:], a[lo:hi])
		copy(p.stage[1][lo-x:], b[lo:hi])
	}
	p.code.pair(&to[0], &p.stage[0][0], &p.stage[1][0], 1)
}

// sumRow sums up a row of column sums.
func (p *gauss) sumRow(out []byte, mid []int16) {
	steps, count := gaussSteps(p.row.steps), len(p.row.steps)
	blocks := len(out) / gaussBlock
	if blocks > 0 {
		p.code.row(&out[0], &mid[0], steps, count, blocks, p.bias)
	}
	if rest := out[blocks*gaussBlock:]; len(rest) > 0 {
		p.code.row(&p.tail[0], &mid[blocks*gaussBlock], steps, count, 1, p.bias)
		copy(rest, p.tail[:])
	}
}

func gaussSteps(steps []gaussStep) *byte { return (*byte)(unsafe.Pointer(unsafe.SliceData(steps))) }
