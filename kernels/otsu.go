package kernels

var _ = register(Definition{
	Name: "otsu", Order: 42, Border: BorderNone, Global: true,
	Doc:    "to grey, then threshold at the value that parts the levels best (threshold, THRESH_OTSU)",
	Params: []Param{thresholdMax, thresholdType},
	Build: func(a Args, channels int) ([]Op, error) {
		return []Op{grayLevelled(channels, func(h *histogram) *[256]byte { return newTable(thresholding(a, otsu(h))) })}, nil
	},
})

// otsu returns the threshold with the greatest variance between the classes, the first if there are several, or 0 if there is but
// one level (N. Otsu, A threshold selection method from gray-level histograms, 1979). Sums and products are rounded as OpenCV's are:
// the conversions keep compilers from fusing them.
func otsu(h *histogram) int {
	const epsilon = 1.0 / (1 << 23)
	scale := 1 / float64(h.total())
	mean := 0.0
	for v, n := range h {
		mean += float64(float64(v) * float64(n))
	}
	mean *= scale
	threshold, greatest := 0, 0.0
	weight1, mean1 := 0.0, 0.0 // of the class of levels up to v
	for v, n := range h {
		p := float64(n) * scale
		moment := float64(mean1 * weight1)
		weight1 += p
		weight2 := 1 - weight1
		if min(weight1, weight2) < epsilon || max(weight1, weight2) > 1-epsilon {
			mean1 = moment
			continue
		}
		mean1 = (moment + float64(float64(v)*p)) / weight1
		mean2 := (mean - float64(weight1*mean1)) / weight2
		if variance := weight1 * weight2 * (mean1 - mean2) * (mean1 - mean2); variance > greatest {
			threshold, greatest = v, variance
		}
	}
	return threshold
}
