package scaling

import "math"

// fit returns a and b, neither negative, for which a·u + b·v is nearest to y, each row weighing as much as its weight. Terms that cannot be told
// apart, as those of a single row, are given to v.
func fit(u, v, y, weight []float64) (a, b float64) {
	var uu, uv, vv, uy, vy float64
	for i := range y {
		w := weight[i] * weight[i]
		uu += w * u[i] * u[i]
		uv += w * u[i] * v[i]
		vv += w * v[i] * v[i]
		uy += w * u[i] * y[i]
		vy += w * v[i] * y[i]
	}
	det := uu*vv - uv*uv
	if det > 1e-9*uu*vv {
		a, b = (uy*vv-vy*uv)/det, (vy*uu-uy*uv)/det
		if a >= 0 && b >= 0 {
			return a, b
		}
	}
	// One of them is zero: the one without which what is left is less wrong.
	onlyU, onlyV := ratio(uy, uu), ratio(vy, vv)
	if det <= 1e-9*uu*vv || onlyV*vy >= onlyU*uy {
		return 0, onlyV
	}
	return onlyU, 0
}

func ratio(x, y float64) float64 {
	if y == 0 {
		return 0
	}
	return max(0, x/y)
}

// ones returns n of them: rows of equal weight.
func ones(n int) []float64 {
	w := make([]float64, n)
	for i := range w {
		w[i] = 1
	}
	return w
}

// relativeTo returns the weights for which errors count as parts of the values.
func relativeTo(y []float64) []float64 {
	w := make([]float64, len(y))
	for i, v := range y {
		w[i] = 1
		if v > 0 {
			w[i] = 1 / v
		}
	}
	return w
}

// rounds returns how many rounds it takes until all of n ranks know what one knows, each telling one other in each round.
func rounds(n int) float64 { return math.Ceil(math.Log2(float64(n))) }
