package kernels

import "gonum.org/v1/gonum/mat"

// pointwise is an op whose every pixel depends on the same pixel of its input alone.
type pointwise struct {
	channels int                     // of the result; 0 means those of the input
	row      func(dst, src []byte)   // the fast path, on whole rows
	far      func(dst, src []byte)   // the same for a result that nobody reads soon; nil if it is no faster
	pixel    func(out, in []float64) // the reference, on a pixel's channels
}

func (p pointwise) OutShape(in Shape) Shape {
	if p.channels > 0 {
		in.Channels = p.channels
	}
	return in
}
func (p pointwise) InRows(out Rows) Rows { return out }
func (p pointwise) Border() Border       { return BorderNone }
func (p pointwise) Bind(Shape) Applier   { return p }

// Apply implements Applier.
func (p pointwise) Apply(dst, src [][]byte, _ Rows) {
	for i, d := range dst {
		p.row(d, src[i])
	}
}

func (p pointwise) Reference(in Planes) Planes {
	h, w := in[0].Dims()
	n := p.channels
	if n == 0 {
		n = len(in)
	}
	out := newPlanes(n, h, w)
	a, b := make([]float64, len(in)), make([]float64, n)
	for y := range h {
		for x := range w {
			for c := range in {
				a[c] = in[c].At(y, x)
			}
			p.pixel(b, a)
			for c := range out {
				out[c].Set(y, x, b[c])
			}
		}
	}
	return out
}

func newPlanes(n, h, w int) Planes {
	ps := make(Planes, n)
	for i := range ps {
		ps[i] = mat.NewDense(h, w, nil)
	}
	return ps
}

// spread makes three equal channels of a grey picture's one.
var spread = pointwise{
	channels: 3,
	row: func(dst, src []byte) {
		for i, v := range src {
			d := dst[3*i : 3*i+3 : 3*i+3]
			d[0], d[1], d[2] = v, v, v
		}
	},
	pixel: func(out, in []float64) { out[0], out[1], out[2] = in[0], in[0], in[0] },
}

// inColour puts spread before the ops where the picture is grey.
func inColour(channels int, ops ...Op) []Op {
	if channels == 1 {
		return append([]Op{spread}, ops...)
	}
	return ops
}

// inGray puts gray before the ops where the picture has colour.
func inGray(channels int, ops ...Op) []Op {
	if channels == 3 {
		return append([]Op{gray}, ops...)
	}
	return ops
}
