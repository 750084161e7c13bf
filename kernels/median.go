package kernels

import "slices"

var _ = register(Definition{
	Name: "median", Order: 22, Border: BorderReplicate,
	Doc: "median of a square, which removes specks and keeps edges (medianBlur)",
	Params: []Param{
		{Name: "size", Kind: KindInt, Default: 3, Min: 3, Max: 255, Odd: true, Doc: "width and height of the square"},
	},
	Build: func(a Args, _ int) ([]Op, error) { return []Op{medianFilter{a.Int("size")}}, nil },
})

// medianFilter is the median of the size × size samples around each.
type medianFilter struct{ size int }

func (m medianFilter) OutShape(in Shape) Shape { return in }
func (m medianFilter) InRows(out Rows) Rows    { return out.Grow(m.size / 2) }
func (m medianFilter) Border() Border          { return BorderReplicate }

// keepsRows counts histograms of columns, with those around each strip. A network has none.
func (m medianFilter) keepsRows() int {
	if hasMedianNetwork(m.size, path) {
		return 0
	}
	return (medianBins+1)*medianBins + 24 + 2*m.size
}

// Bind chooses sorting networks for small squares if there are vectors for them, else histograms.
func (m medianFilter) Bind(in Shape) Applier {
	if n := newMedianNetwork(m.size, in, path); n != nil {
		return n
	}
	return newMedianHistograms(m.size, in)
}

// Reference sorts the samples of every square.
func (m medianFilter) Reference(in Planes) Planes {
	h, w := in[0].Dims()
	out := newPlanes(len(in), h, w)
	r := m.size / 2
	samples := make([]float64, 0, m.size*m.size)
	for c, plane := range in {
		for y := range h {
			for x := range w {
				samples = samples[:0]
				for i := y - r; i <= y+r; i++ {
					for j := x - r; j <= x+r; j++ {
						samples = append(samples, plane.At(BorderReplicate.At(i, h), BorderReplicate.At(j, w)))
					}
				}
				slices.Sort(samples)
				out[c].Set(y, x, samples[len(samples)/2])
			}
		}
	}
	return out
}
