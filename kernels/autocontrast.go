package kernels

import "math"

var _ = register(Definition{
	Name: "autocontrast", Order: 43, Border: BorderNone, Global: true,
	Doc: "stretch the levels so that the picture's lowest and highest become 0 and 255 (normalize, NORM_MINMAX)",
	Params: []Param{
		{Name: "cutoff", Kind: KindFloat, Default: 0, Min: 0, Max: 49.9, Doc: "per cent of the samples at either end that may saturate"},
	},
	Build: func(a Args, _ int) ([]Op, error) {
		cutoff := a.Float("cutoff")
		op := levelled(func(h *histogram) *[256]byte { return newTable(stretching(h.within(cutoff))) })
		op.extremes = cutoff == 0
		return []Op{op}, nil
	},
})

// within returns the lowest and the highest level that remain when as many samples are left out at either end as the given per cent of
// all, less than 50, allow.
func (h *histogram) within(cutoff float64) (lowest, highest int) {
	spare := float64(h.total()) * cutoff / 100
	below, above := h[0], h[255]
	for highest = 255; float64(above) <= spare; above += h[highest] {
		highest--
	}
	for ; float64(below) <= spare; below += h[lowest] {
		lowest++
	}
	return lowest, highest
}

// stretching returns the line through (lowest, 0) and (highest, 255), or 0 if they are the same. OpenCV computes it on processors with a
// fused multiply-add: the factors are float32, and their sum of products is rounded to float32 once. In float64 the product is exact.
func stretching(lowest, highest int) func(v float64) float64 {
	scale := 0.0
	if highest > lowest {
		scale = 255 * (1 / float64(highest-lowest))
	}
	a, b := float32(scale), float32(-float64(float64(lowest)*scale))
	return func(v float64) float64 {
		return min(max(math.RoundToEven(float64(float32(math.FMA(float64(a), v, float64(b))))), 0), 255)
	}
}
