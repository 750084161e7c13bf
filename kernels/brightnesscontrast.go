package kernels

import "math"

var _ = register(Definition{
	Name: "brightness-contrast", Order: 7, Aliases: []string{"bc"}, Border: BorderNone,
	Doc: "|alpha·v + beta|, rounded half to even and saturated (convertScaleAbs)",
	Params: []Param{
		{Name: "alpha", Kind: KindFloat, Default: 1.5, Min: -1e6, Max: 1e6, Doc: "factor (contrast)"},
		{Name: "beta", Kind: KindFloat, Default: 40, Min: -1e6, Max: 1e6, Doc: "added after it (brightness)"},
	},
	Build: func(a Args, _ int) ([]Op, error) {
		return []Op{brightnessContrast(a.Float("alpha"), a.Float("beta"))}, nil
	},
})

// brightnessContrast computes as OpenCV does on processors with a fused multiply-add: the factors are float32, and
// their sum of products is rounded to float32 once. In float64 the product is exact.
func brightnessContrast(alpha, beta float64) Op {
	a, b := float32(alpha), float32(beta)
	f := func(v float64) float64 {
		return min(255, math.RoundToEven(math.Abs(float64(float32(math.FMA(float64(a), v, float64(b)))))))
	}
	var table [256]byte
	for v := range table {
		table[v] = byte(f(float64(v)))
	}
	return pointwise{
		row: func(dst, src []byte) {
			if n := len(dst); path == isaAVX2 && n >= 32 { // which has no registers for a table
				linearAVX2(&dst[0], &src[0], n, a, b)
				return
			}
			lookUp(dst, src, &table)
		},
		pixel: func(out, in []float64) {
			for i, v := range in {
				out[i] = f(v)
			}
		},
	}
}
