package kernels

import "cmp"

// The operations of flat grey morphology with a rectangle (Serra 1982): an erosion is the least sample around, a dilation the
// greatest. What is outside the picture is ignored. Since the edge samples are in every window that reaches beyond the edge,
// they may stand for what is there.

const (
	erosion  = false
	dilation = true
)

// morphologyParams are the parameters of all of them.
var morphologyParams = []Param{
	{Name: "size", Kind: KindInt, Default: 3, Min: 1, Max: 255, Odd: true, Doc: "width and height of the rectangle"},
	{Name: "width", Kind: KindInt, Max: 255, Odd: true, Doc: "its width; 0 means size"},
	{Name: "height", Kind: KindInt, Max: 255, Odd: true, Doc: "its height; 0 means size"},
}

// rectangle is the window of an operation, in pixels; both sides are odd.
type rectangle struct{ width, height int }

// rectangleOf returns the rectangle that a call asks for.
func rectangleOf(a Args) rectangle {
	return rectangle{cmp.Or(a.Int("width"), a.Int("size")), cmp.Or(a.Int("height"), a.Int("size"))}
}

// morphological is an erosion or a dilation.
type morphological struct {
	rectangle
	greatest bool
}

// inTurn returns the operations one after the other.
func inTurn(a Args, steps ...bool) []Op {
	var ops []Op
	for _, greatest := range steps {
		ops = append(ops, morphological{rectangleOf(a), greatest})
	}
	return ops
}

func (m morphological) OutShape(in Shape) Shape { return in }
func (m morphological) InRows(out Rows) Rows    { return out.Grow(m.height / 2) }
func (m morphological) Border() Border          { return BorderReplicate }

func (m morphological) Bind(in Shape) Applier {
	return extremesApplier{newExtremes(m.rectangle, m.greatest, in, extremeStrip)}
}

// Reference looks at every sample of the window.
func (m morphological) Reference(in Planes) Planes {
	h, w := in[0].Dims()
	out := newPlanes(len(in), h, w)
	for c, plane := range in {
		for y := range h {
			for x := range w {
				best := plane.At(y, x)
				for i := max(0, y-m.height/2); i <= min(h-1, y+m.height/2); i++ {
					for j := max(0, x-m.width/2); j <= min(w-1, x+m.width/2); j++ {
						if v := plane.At(i, j); (v > best) == m.greatest {
							best = v
						}
					}
				}
				out[c].Set(y, x, best)
			}
		}
	}
	return out
}

// extremesApplier is extremes on whole pictures.
type extremesApplier struct{ *extremes }

// Apply implements Applier. Blocks that take little work are small, so that what is read and what is written keeps alternating:
// that suits the memory best.
func (e extremesApplier) Apply(dst, src [][]byte, _ Rows) {
	n := e.in.RowBytes()
	block, strip := extremeBlock, extremeStrip
	switch {
	case e.squares != nil:
		strip = n
	case e.height <= fewRows:
		block, strip = 2, 768
	}
	for y := 0; y < len(dst); y += block {
		count := min(block, len(dst)-y)
		for lo := 0; lo < n; lo += strip {
			e.apply(dst[y:y+count], 0, src[y:y+count+e.height-1], 0, lo, min(lo+strip, n))
		}
	}
}

// morphologicalDifference is upper − lower, each of which is the source after some erosions (false) and dilations (true), at most
// two. None of its samples may be negative.
type morphologicalDifference struct {
	rectangle
	upper, lower []bool
}

// differenceOf returns the difference as a call has it.
func differenceOf(a Args, upper, lower []bool) []Op {
	return []Op{morphologicalDifference{rectangleOf(a), upper, lower}}
}

func (m morphologicalDifference) OutShape(in Shape) Shape { return in }
func (m morphologicalDifference) Border() Border          { return BorderReplicate }
func (m morphologicalDifference) InRows(out Rows) Rows    { return out.Grow(m.reach()) }

func (m morphologicalDifference) reach() int { return m.height / 2 * max(len(m.upper), len(m.lower)) }

// Reference does one after the other on the whole picture, and subtracts.
func (m morphologicalDifference) Reference(in Planes) Planes {
	after := func(steps []bool) Planes {
		out := in
		for _, greatest := range steps {
			out = morphological{m.rectangle, greatest}.Reference(out)
		}
		return out
	}
	upper, lower := after(m.upper), after(m.lower)
	h, w := in[0].Dims()
	out := newPlanes(len(in), h, w)
	for c := range out {
		out[c].Sub(upper[c], lower[c])
	}
	return out
}

func (m morphologicalDifference) Bind(in Shape) Applier {
	return &differenceApplier{
		in: in, upper: newExtremesChain(m.upper, m.rectangle, m.reach(), in), lower: newExtremesChain(m.lower, m.rectangle, m.reach(), in),
	}
}

type differenceApplier struct {
	in           Shape
	upper, lower extremesChain
}

// Apply implements Applier.
func (d *differenceApplier) Apply(dst, src [][]byte, out Rows) {
	n := d.in.RowBytes()
	for y := 0; y < len(dst); y += extremeBlock {
		rows := Rows{out.Lo + y, min(out.Lo+y+extremeBlock, out.Hi)}
		for lo := 0; lo < n; lo += extremeStrip {
			hi := min(lo+extremeStrip, n)
			for i := range rows.Len() {
				d.upper.out[i], d.lower.out[i] = d.upper.strips[i][:hi-lo], d.lower.strips[i][:hi-lo]
			}
			d.upper.apply(src[y:], rows, lo, hi)
			d.lower.apply(src[y:], rows, lo, hi)
			for i := range rows.Len() {
				subtractBytes(dst[y+i][lo:hi], d.upper.out[i], d.lower.out[i])
			}
		}
	}
}

// subtractBytes subtracts b from a, which is nowhere less.
func subtractBytes(dst, a, b []byte) {
	n := len(dst)
	to, pa, pb := at(dst, 0, n), at(a, 0, n), at(b, 0, n)
	for i := 0; i+wordsz <= n; i += wordsz {
		store(to, i, load(pa, i)-load(pb, i)) // no byte borrows from the next
	}
	for i := n / wordsz * wordsz; i < n; i++ {
		dst[i] = a[i] - b[i]
	}
}

// extremesChain is up to two extremes, one after the other, on a block of rows and a strip of their samples at a time.
type extremesChain struct {
	in     Shape
	reach  int // of src above the out rows
	steps  []*extremes
	inner  [][]byte // memory for the result of the first of two steps
	middle [][]byte // rows of it, as the second step reads them
	strips [][]byte // memory for the result
	out    [][]byte // the result, which begins at sample lo; of no steps, it is in src's rows
}

func newExtremesChain(steps []bool, r rectangle, reach int, in Shape) extremesChain {
	c := extremesChain{in: in, reach: reach}
	strip := min(extremeStrip, in.RowBytes())
	samples := strip + (len(steps)-1)*(r.width-1)*in.Channels
	for i, greatest := range steps {
		c.steps = append(c.steps, newExtremes(r, greatest, in, samples))
		if i < len(steps)-1 {
			c.inner = makeRows(Shape{min(samples, in.RowBytes()), extremeBlock + r.height - 1, 1})
			c.middle = make([][]byte, len(c.inner))
		}
		samples = strip
	}
	c.strips = makeRows(Shape{strip, extremeBlock, 1})
	c.out = make([][]byte, extremeBlock)
	return c
}

// apply makes the samples lo to hi of the rows out. src begins reach rows above.
func (c *extremesChain) apply(src [][]byte, out Rows, lo, hi int) {
	count := out.Len()
	switch len(c.steps) {
	case 0:
		for i := range count {
			c.out[i] = src[c.reach+i][lo:hi]
		}
	case 1:
		e := c.steps[0]
		e.apply(c.out[:count], lo, src[c.reach-e.height/2:][:count+e.height-1], 0, lo, hi)
	case 2:
		first, second := c.steps[0], c.steps[1]
		from, to := max(0, lo-second.reach), min(c.in.RowBytes(), hi+second.reach)
		// Beyond the picture's edge there is no result of the first step; the edge rows stand for it.
		all := out.Grow(second.height / 2)
		rows := all.Clamp(c.in.Height)
		skip := c.reach + rows.Lo - out.Lo - first.height/2
		first.apply(c.inner[:rows.Len()], from, src[skip:][:rows.Len()+first.height-1], 0, from, to)
		for i := range all.Len() {
			c.middle[i] = c.inner[min(max(all.Lo+i, rows.Lo), rows.Hi-1)-rows.Lo]
		}
		second.apply(c.out[:count], lo, c.middle[:all.Len()], from, lo, hi)
	}
}
