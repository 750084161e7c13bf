package scaling

// fit returns a and b, neither negative, for which a·u + b·v is nearest to y, errors counting as parts of y. Terms that cannot be told apart, as
// those of a single row, are given to v.
func fit(u, v, y []float64) (a, b float64) {
	var uu, uv, vv, uy, vy float64
	for i := range y {
		w := 1.0
		if y[i] > 0 {
			w = 1 / (y[i] * y[i])
		}
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
