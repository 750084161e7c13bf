package kernels

import (
	"math"
	"unsafe"
)

var _ = register(Definition{
	Name: "edges", Order: 2, Aliases: []string{"ed", "canny"}, Border: BorderReplicate, Global: true,
	Doc: "to grey, then Canny's edges; an edge's faint parts count if they hang on a strong one, however far away (Canny)",
	Params: []Param{
		{Name: "low", Kind: KindFloat, Default: 100, Min: -1e6, Max: 1e6, Doc: "gradients above it may be edges"},
		{Name: "high", Kind: KindFloat, Default: 200, Min: -1e6, Max: 1e6, Doc: "gradients above it are edges"},
		{Name: "l2", Kind: KindBool, Default: 0, Doc: "gradient √(dx²+dy²) rather than |dx|+|dy|"},
	},
	Build: func(a Args, channels int) ([]Op, error) {
		return inGray(channels, newCanny(a.Float("low"), a.Float("high"), a.Bool("l2"))), nil
	},
})

// Labels of Canny's local part.
const (
	labelNone = iota
	labelCandidate
	labelStrong
)

// tan225 is tan 22.5° in 15-bit fixed point.
const tan225 = 13573

// canny is the local part of Canny's edge detector on a grey picture: Sobel gradients with the border rule replicate, and
// non-maximum suppression, for which gradients outside the picture are 0. Its rows are labels; the hysteresis decides.
type canny struct {
	low, high int32 // in squares if l2 is set
	l2        bool
}

func newCanny(low, high float64, l2 bool) canny {
	low, high = min(low, high), max(low, high)
	if l2 {
		square := func(v float64) float64 {
			if v = min(v, 32767); v > 0 {
				v *= v
			}
			return v
		}
		low, high = square(low), square(high)
	}
	return canny{int32(math.Floor(low)), int32(math.Floor(high)), l2}
}

func (c canny) OutShape(in Shape) Shape { return in }
func (c canny) InRows(out Rows) Rows    { return out.Grow(2) }
func (c canny) Border() Border          { return BorderReplicate }
func (c canny) keepsRows() int          { return 3 * (2*4 + 4) } // of gradients, by their magnitudes and directions

// DecisionBytes implements Global.
func (c canny) DecisionBytes(in Shape) int64 {
	return newHysteresis(in.Width, []Rows{{0, in.Height}}).Bytes()
}

// Decide returns the hysteresis.
func (c canny) Decide(in Shape, runs []Rows, room Room) (Decision, error) {
	h := newHysteresis(in.Width, runs)
	if room.holds(h.Bytes()) {
		h.allocate()
		return h, nil
	}
	return newHysteresisFile(in.Width, runs, room)
}

// blockPixels is how many pixels the fast path takes at a time.
const blockPixels = 64

func (c canny) Bind(in Shape) Applier {
	a := &cannyApplier{in: in, last: (in.Width - 1) / blockPixels, next: -1}
	a.l2, a.size = c.l2, 2
	most := int32(2 * 4 * 255)
	if c.l2 {
		a.size = 4
		most = 2 * (4 * 255) * (4 * 255)
	}
	// No magnitude is negative or greater than most, and one of 0 is nowhere a peak.
	a.low, a.high = min(max(c.low, 0), most), min(max(c.high, 0), most)
	// One slab keeps the planes apart modulo the size of a page, so that they do not compete for places in the cache.
	blocks := a.last + 1
	plane := blocks * blockPixels / 2 * a.size
	step := stride(plane + 2*planePad)
	parts := stride(blocks * partBytes)
	slab := make([]byte, len(a.ring)*(2*step+parts))
	take := func(n, step int) (b []byte) {
		b, slab = slab[:n:n], slab[step:]
		return b
	}
	for i := range a.ring {
		a.ring[i] = gradients{
			even: take(plane+2*planePad, step), odd: take(plane+2*planePad, step),
			parts: take(blocks*partBytes, parts), active: make([]byte, blocks),
		}
	}
	return a
}

// gradients holds a row's gradients. Samples are in little-endian order. Pixels 2i and 2i+1 have their magnitudes at place i of
// even and odd, where each pixel's neighbours in a row stand at the same or the adjacent place of the other plane: shifting by a
// pixel takes no shuffling. Beyond the row's ends magnitudes are 0.
type gradients struct {
	even, odd []byte // magnitudes of cannySetup.size bytes, between two pads
	parts     []byte // by block dx of its even and of its odd pixels, then dy, 16 bits each; only where there may be peaks
	active    []byte // by block: 1 if a magnitude exceeds the lower threshold
}

const (
	planePad  = 64                  // bytes before and after a plane's magnitudes
	partBytes = 2 * 2 * blockPixels // of parts, a block
)

// cannySetup is what all rows have in common.
type cannySetup struct {
	low, high int32 // thresholds, in squares if l2 is set; not negative
	l2        bool
	size      int // of a magnitude in bytes
}

// cannyApplier computes each row's gradients once and labels the row before it, while rows are asked for one after the other.
type cannyApplier struct {
	cannySetup
	in   Shape
	last int          // number of a row's last block
	ring [3]gradients // row y's is number (y+1) mod 3
	next int          // the row after those asked for last: its gradients and those of the row above it are still there

	margin [3][blockPixels + 2]byte // a block of samples with a pixel more on either side
	labels [blockPixels]byte
}

// Apply implements Applier.
func (a *cannyApplier) Apply(dst, src [][]byte, out Rows) {
	from := out.Lo - 1
	if out.Lo == a.next {
		from = out.Lo + 1
	}
	for y := from; y <= out.Hi; y++ {
		g := a.gradientsOf(y)
		if y < 0 || y >= a.in.Height {
			clear(g.even)
			clear(g.odd)
		} else {
			i := y - out.Lo + 1
			a.differentiate(g, src[i], src[i+1], src[i+2])
		}
		if y > out.Lo {
			a.suppress(dst[y-1-out.Lo], y-1)
		}
	}
	a.next = out.Hi
}

func (a *cannyApplier) gradientsOf(y int) *gradients { return &a.ring[(y+1)%3] }

// differentiate computes a row's gradients. Blocks whose neighbours lie beyond the row's ends are copied, with what stands there.
func (a *cannyApplier) differentiate(g *gradients, above, here, below []byte) {
	rows := [3][]byte{above, here, below}
	w := a.in.Width
	if a.last > 0 {
		for i, row := range rows {
			a.margin[i][0] = row[0]
			copy(a.margin[i][1:], row[:blockPixels+1])
		}
		a.differentiateMargin(g, 0)
		if n := a.last - 1; n > 0 {
			const left = blockPixels - 1
			bytes := n*blockPixels + 2
			a.differentiateBlocks(g, 1, n, at(above, left, bytes), at(here, left, bytes), at(below, left, bytes))
		}
	}
	for i, row := range rows {
		m := &a.margin[i]
		m[0] = row[max(0, a.last*blockPixels-1)]
		n := copy(m[1:], row[a.last*blockPixels:w])
		m[1+n] = row[w-1]
	}
	a.differentiateMargin(g, a.last)
	// What was computed beyond the row's end is not part of it.
	clear(g.even[planePad+(w+1)/2*a.size:])
	clear(g.odd[planePad+w/2*a.size:])
}

// differentiateMargin computes a block of gradients from the margin.
func (a *cannyApplier) differentiateMargin(g *gradients, block int) {
	a.differentiateBlocks(g, block, 1, &a.margin[0][0], &a.margin[1][0], &a.margin[2][0])
}

// suppress labels row y: only what is larger than its neighbours across the edge may be one.
func (a *cannyApplier) suppress(dst []byte, y int) {
	above, here, below := a.gradientsOf(y-1), a.gradientsOf(y), a.gradientsOf(y+1)
	whole := len(dst) / blockPixels
	if whole > 0 {
		a.labelBlocks(at(dst, 0, whole*blockPixels), above, here, below, 0, whole)
	}
	if rest := dst[whole*blockPixels:]; len(rest) > 0 {
		a.labelBlocks(unsafe.SliceData(a.labels[:]), above, here, below, whole, 1)
		copy(rest, a.labels[:])
	}
}
