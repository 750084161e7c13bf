package kernels

import "math"

var _ = register(Definition{
	Name: "edges", Order: 2, Aliases: []string{"ed", "canny"}, Border: BorderReplicate, Global: true,
	Doc: "to grey, then Canny's edges; an edge's faint parts count if they hang on a strong one, however far away (Canny)",
	Params: []Param{
		{Name: "low", Kind: KindFloat, Default: 100, Min: -1e6, Max: 1e6, Doc: "gradients above it may be edges"},
		{Name: "high", Kind: KindFloat, Default: 200, Min: -1e6, Max: 1e6, Doc: "gradients above it are edges"},
		{Name: "l2", Kind: KindBool, Default: 0, Doc: "gradient √(dx²+dy²) rather than |dx|+|dy|"},
	},
	Build: func(a Args, channels int) ([]Op, error) {
		return inGray(channels, newCanny(a["low"], a["high"], a["l2"] != 0)), nil
	},
})

// Labels of Canny's local part.
const (
	labelNone = iota
	labelCandidate
	labelStrong
)

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

// Decide returns the hysteresis.
func (c canny) Decide(in Shape, runs []Rows) Decision { return newHysteresis(in.Width, runs) }

func (c canny) Bind(in Shape) Applier {
	a := &cannyApplier{canny: c, in: in, sum: make([]int32, in.Width+2), diff: make([]int32, in.Width+2)}
	for i := range a.rings {
		a.rings[i] = gradients{make([]int32, in.Width+2), make([]int32, in.Width), make([]int32, in.Width)}
	}
	return a
}

// gradients holds a row's gradients: their magnitude, with a 0 at either end, and their parts.
type gradients struct{ mag, dx, dy []int32 }

type cannyApplier struct {
	canny
	in        Shape
	rings     [3]gradients
	sum, diff []int32 // of a column's three samples, with one column more at either end
}

// Apply implements Applier.
func (a *cannyApplier) Apply(dst, src [][]byte, out Rows) {
	// The gradients of row y stand in ring (y+1) mod 3 of this call, y counting from out.Lo.
	for y := -1; y <= out.Len(); y++ {
		g := a.rings[(y+1)%3]
		if row := out.Lo + y; row < 0 || row >= a.in.Height {
			clear(g.mag)
		} else {
			a.gradients(g, src[y+1], src[y+2], src[y+3])
		}
		if y > 0 {
			a.suppress(dst[y-1], a.rings[(y-1)%3].mag, a.rings[y%3], g.mag)
		}
	}
}

func (a *cannyApplier) gradients(g gradients, above, here, below []byte) {
	w := a.in.Width
	sum, diff := a.sum[:w+2], a.diff[:w+2]
	above, here, below = above[:w], here[:w], below[:w]
	for x := range here {
		p, q := int32(above[x]), int32(below[x])
		sum[x+1] = p + 2*int32(here[x]) + q
		diff[x+1] = q - p
	}
	sum[0], diff[0] = sum[1], diff[1]
	sum[w+1], diff[w+1] = sum[w], diff[w]
	mag, gdx, gdy := g.mag[1:w+1], g.dx[:w], g.dy[:w]
	for x := range mag {
		dx := sum[x+2] - sum[x]
		dy := diff[x] + 2*diff[x+1] + diff[x+2]
		gdx[x], gdy[x] = dx, dy
		if a.l2 {
			mag[x] = dx*dx + dy*dy
		} else {
			mag[x] = max(dx, -dx) + max(dy, -dy)
		}
	}
}

// tan225 is tan 22.5° in 15-bit fixed point.
const tan225 = 13573

// suppress labels a row: only what is larger than its neighbours across the edge may be one. above and below are magnitudes.
func (a *cannyApplier) suppress(dst []byte, above []int32, g gradients, below []int32) {
	w := a.in.Width
	mag := g.mag[:w+2]
	above, below = above[:w+2], below[:w+2]
	dxs, dys := g.dx[:w], g.dy[:w]
	dst = dst[:w]
	for x := range dst {
		m := mag[x+1]
		if m <= a.low {
			dst[x] = labelNone
			continue
		}
		dx, dy := dxs[x], dys[x]
		flat := max(dx, -dx) * tan225
		steep := flat + max(dx, -dx)<<16
		rise := max(dy, -dy) << 15
		var peak bool
		switch {
		case rise < flat:
			peak = m > mag[x] && m >= mag[x+2]
		case rise > steep:
			peak = m > above[x+1] && m >= below[x+1]
		case dx^dy < 0:
			peak = m > above[x+2] && m > below[x]
		default:
			peak = m > above[x] && m > below[x+2]
		}
		switch {
		case !peak:
			dst[x] = labelNone
		case m > a.high:
			dst[x] = labelStrong
		default:
			dst[x] = labelCandidate
		}
	}
}
