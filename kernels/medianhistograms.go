package kernels

import "unsafe"

// medianHistograms is the fast path of large medians, in constant time per sample: the algorithm of Perreault and Hébert
// (2007). Every column has a histogram of the samples that are in the squares of a row; from one row to the next it loses a
// sample and gains one. The histogram of a square is the sum of its columns', which loses one and gains one from a sample to
// the next. Coarse histograms of the samples' upper four bits say which of 16 fine ones is needed; it is brought up to date
// only then.
//
// All histograms are cumulative, so that the median's bin is found by one comparison of a vector, and so that they are still sums.
// A column has at most 255 samples and its counts are bytes.
type medianHistograms struct {
	size   int
	in     Shape
	pixels int // of a row in one go
	strips []columnHistograms
	kept   bool // each strip has histograms of its own, which are good for row next, else all take turns with the same
	next   int
	plus   []byte
	zeros  []byte
	window windowCounts
}

const (
	medianBins   = 16 // of the coarse histogram, and of each fine one
	medianPixels = 512
	medianKept   = 32 << 20 // bytes of histograms to keep from one call to the next
)

// columnHistograms are the histograms of consecutive columns of a channel. Planes of 16 bytes a column follow each other: the
// coarse counts of all columns, then for each coarse bin the fine ones.
type columnHistograms struct {
	planes []byte
	stride int    // of a plane
	top    []byte // samples of the rows' first, which the next row lacks
}

func newColumnHistograms(columns int) columnHistograms {
	stride := columns * medianBins
	return columnHistograms{planes: make([]byte, (medianBins+1)*stride), stride: stride, top: make([]byte, columns)}
}

// windowCounts is the sum of some columns' histograms, as the assembly has it: counts are less by 2^15.
type windowCounts struct {
	none   [medianBins]uint16 // counts of 0, before the first bin
	coarse [medianBins]uint16
	fine   [medianBins][medianBins]uint16
	at     [medianBins]int32 // 16 times the column where the fine counts begin
}

const countBias = 1 << 15

func newMedianHistograms(size int, in Shape) *medianHistograms {
	m := &medianHistograms{size: size, in: in, pixels: min(medianPixels, in.Width), next: -1}
	columns := m.pixels + size - 1
	strips := (in.Width + m.pixels - 1) / m.pixels * in.Channels
	m.kept = strips*columns*(medianBins+1)*medianBins <= medianKept
	if !m.kept {
		strips = 1
	}
	for range strips {
		m.strips = append(m.strips, newColumnHistograms(columns))
	}
	m.plus, m.zeros = make([]byte, columns), make([]byte, columns)
	for i := range m.window.none {
		m.window.none[i] = countBias
	}
	return m
}

// Apply implements Applier. Strips are the outer loop: a strip's histograms stay in the cache.
func (m *medianHistograms) Apply(dst, src [][]byte, out Rows) {
	goesOn := m.kept && out.Lo == m.next
	m.next = out.Hi
	i := 0
	for lo := 0; lo < m.in.Width; lo += m.pixels {
		for channel := range m.in.Channels {
			m.strip(&m.strips[i], dst, src, lo, channel, goesOn)
			if m.kept {
				i++
			}
		}
	}
}

// strip finds the medians of a channel from pixel lo on.
func (m *medianHistograms) strip(h *columnHistograms, dst, src [][]byte, lo, channel int, goesOn bool) {
	pixels := min(m.pixels, m.in.Width-lo)
	columns := pixels + m.size - 1
	if !goesOn {
		h.countZeros(m.size)
		for _, row := range src[:m.size] {
			m.gather(m.plus[:columns], row, lo, channel)
			h.slide(m.plus[:columns], m.zeros[:columns])
		}
		m.gather(h.top[:columns], src[0], lo, channel)
	}
	for y, out := range dst {
		if goesOn || y > 0 {
			m.gather(m.plus[:columns], src[y+m.size-1], lo, channel)
			h.slide(m.plus[:columns], h.top[:columns])
			m.gather(h.top[:columns], src[y], lo, channel)
		}
		m.row(out[lo*m.in.Channels+channel:], h, pixels)
	}
}

// gather collects the samples of a channel in the columns that squares from pixel lo on are made of.
func (m *medianHistograms) gather(to []byte, row []byte, lo, channel int) {
	c := m.in.Channels
	lo -= m.size / 2
	first := max(0, -lo)
	end := min(len(to), m.in.Width-lo)
	if c == 1 {
		copy(to[first:end], row[lo+first:])
	} else {
		samples := row[(lo+first)*c+channel:]
		for i := range to[first:end] {
			to[first+i] = samples[i*c]
		}
	}
	for i := range first {
		to[i] = to[first]
	}
	for i := end; i < len(to); i++ {
		to[i] = to[end-1]
	}
}

// fromHere are the counts of a sample: as 16 bytes from 16−v on, they are cumulative counts of a sample in bin v.
var fromHere = [2 * medianBins]byte{16: 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}

// countZeros makes the histograms those of n samples of 0 in each column.
func (h *columnHistograms) countZeros(n int) {
	clear(h.planes)
	for i := range h.planes[:2*h.stride] { // the coarse counts, and the fine ones of the first bin
		h.planes[i] = byte(n)
	}
}

// addCounts adds 16 counts, or subtracts them if sign is −1. No byte carries into the next.
func addCounts(to, counts *byte, sign uint64) {
	store(to, 0, load(to, 0)+load(counts, 0)*sign)
	store(to, wordsz, load(to, wordsz)+load(counts, wordsz)*sign)
}

// slide counts the samples plus and no longer those of minus.
func (h *columnHistograms) slide(plus, minus []byte) {
	if path >= isaAVX2 {
		slideColumnsAVX2(&h.planes[0], h.stride, &plus[0], &minus[0], len(plus))
		return
	}
	h.slideWords(plus, minus)
}

// slideWords is slide in Go.
func (h *columnHistograms) slideWords(plus, minus []byte) {
	minus = minus[:len(plus)]
	for i, p := range plus {
		m := minus[i]
		if p == m {
			continue
		}
		coarse := at(h.planes, i*medianBins, medianBins)
		addCounts(coarse, &fromHere[medianBins-int(p>>4)], 1)
		addCounts(coarse, &fromHere[medianBins-int(m>>4)], ^uint64(0))
		addCounts(at(h.planes, (int(p>>4)+1)*h.stride+i*medianBins, medianBins), &fromHere[medianBins-int(p&15)], 1)
		addCounts(at(h.planes, (int(m>>4)+1)*h.stride+i*medianBins, medianBins), &fromHere[medianBins-int(m&15)], ^uint64(0))
	}
}

// row finds the medians of a row of n squares, and writes them a pixel apart.
func (m *medianHistograms) row(dst []byte, h *columnHistograms, n int) {
	if path < isaAVX2 {
		m.rowWords(dst, h, n)
		return
	}
	w := &m.window
	w.coarse = w.none
	for i := range m.size - 1 {
		for bin, v := range h.planes[i*medianBins:][:medianBins] {
			w.coarse[bin] += uint16(v)
		}
	}
	for i := range w.at {
		w.at[i] = -1 << 30
	}
	histogramRowAVX2(&dst[0], m.in.Channels, &h.planes[0], h.stride, m.size, (*byte)(unsafe.Pointer(w)), n)
}

// rowWords is row in Go. It has counts of its own, in lanes of words.
func (m *medianHistograms) rowWords(dst []byte, h *columnHistograms, n int) {
	c := m.in.Channels
	rank := uint64(m.size*m.size/2 + 1)
	var coarse laneCounts
	for i := range m.size - 1 {
		coarse.add(at(h.planes, i*medianBins, medianBins))
	}
	var fine [medianBins]laneCounts
	var valid [medianBins]int // the column where fine counts begin
	for i := range valid {
		valid[i] = -m.size
	}
	for x := range n {
		coarse.add(at(h.planes, (x+m.size-1)*medianBins, medianBins))
		bin := coarse.find(rank)
		below := uint64(0)
		if bin > 0 {
			below = coarse.at(bin - 1)
		}
		f, from := &fine[bin], valid[bin]
		plane := at(h.planes, (bin+1)*h.stride, h.stride)
		if 2*(x-from) > m.size {
			*f = laneCounts{}
			for i := x; i < x+m.size; i++ {
				f.add((*byte)(unsafe.Add(unsafe.Pointer(plane), i*medianBins)))
			}
		} else {
			for ; from < x; from++ {
				minus := unsafe.Add(unsafe.Pointer(plane), from*medianBins)
				f.move((*byte)(unsafe.Add(minus, m.size*medianBins)), (*byte)(minus))
			}
		}
		valid[bin] = x
		dst[x*c] = byte(bin<<4 + f.find(rank-below))
		coarse.subtract(at(h.planes, x*medianBins, medianBins))
	}
}

// laneCounts are 16 cumulative counts: those of bins 0, 2, 4, 6 are in the lanes of the first word, 1, 3, 5, 7 in those of the
// second, and so on.
type laneCounts [4]uint64

func (c *laneCounts) add(column *byte) {
	a, b := load(column, 0), load(column, wordsz)
	c[0] += a & lanes
	c[1] += a >> 8 & lanes
	c[2] += b & lanes
	c[3] += b >> 8 & lanes
}

func (c *laneCounts) subtract(column *byte) {
	a, b := load(column, 0), load(column, wordsz)
	c[0] -= a & lanes
	c[1] -= a >> 8 & lanes
	c[2] -= b & lanes
	c[3] -= b >> 8 & lanes
}

// move adds one column and subtracts another.
func (c *laneCounts) move(plus, minus *byte) {
	a, b := load(plus, 0), load(plus, wordsz)
	d, e := load(minus, 0), load(minus, wordsz)
	c[0] += a&lanes - d&lanes
	c[1] += a>>8&lanes - d>>8&lanes
	c[2] += b&lanes - e&lanes
	c[3] += b>>8&lanes - e>>8&lanes
}

func (c *laneCounts) at(bin int) uint64 {
	return c[(bin>>3*2+bin&1)&3] >> (bin >> 1 & 3 * 16) & 0xffff
}

// find returns the first bin whose count is at least rank.
func (c *laneCounts) find(rank uint64) int {
	bin := 0
	for step := medianBins / 2; step > 0; step /= 2 {
		if c.at(bin+step-1) < rank {
			bin += step
		}
	}
	return bin
}
