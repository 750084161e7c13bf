package kernels

import "math"

// Reference computes the edges themselves, hysteresis included, one pixel after the other.
func (c canny) Reference(in Planes) Planes {
	h, w := in[0].Dims()
	at := func(y, x int) float64 { return in[0].At(BorderReplicate.At(y, h), BorderReplicate.At(x, w)) }
	gradient := func(y, x int) (dx, dy float64) {
		for i, weight := range []float64{1, 2, 1} {
			dx += weight * (at(y+i-1, x+1) - at(y+i-1, x-1))
			dy += weight * (at(y+1, x+i-1) - at(y-1, x+i-1))
		}
		return dx, dy
	}
	magnitude := func(y, x int) float64 {
		if y < 0 || y >= h || x < 0 || x >= w {
			return 0
		}
		dx, dy := gradient(y, x)
		if c.l2 {
			return dx*dx + dy*dy
		}
		return math.Abs(dx) + math.Abs(dy)
	}
	// thin tells whether the gradient is a maximum along its direction, in sectors of 45°.
	thin := func(y, x int, m float64) bool {
		dx, dy := gradient(y, x)
		ax, ay := math.Abs(dx), math.Abs(dy)
		switch {
		case ay*(1<<15) < ax*tan225:
			return m > magnitude(y, x-1) && m >= magnitude(y, x+1)
		case ay*(1<<15) > ax*(tan225+1<<16):
			return m > magnitude(y-1, x) && m >= magnitude(y+1, x)
		case dx*dy < 0 || dx < 0 && dy == 0 || dy < 0 && dx == 0:
			return m > magnitude(y-1, x+1) && m > magnitude(y+1, x-1)
		default:
			return m > magnitude(y-1, x-1) && m > magnitude(y+1, x+1)
		}
	}
	out := newPlanes(1, h, w)
	candidate := make([]bool, h*w)
	type pixel struct{ y, x int }
	var todo []pixel
	for y := range h {
		for x := range w {
			m := magnitude(y, x)
			if m <= float64(c.low) || !thin(y, x, m) {
				continue
			}
			candidate[y*w+x] = true
			if m > float64(c.high) {
				out[0].Set(y, x, 255)
				todo = append(todo, pixel{y, x})
			}
		}
	}
	for len(todo) > 0 {
		p := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for y := max(0, p.y-1); y < min(h, p.y+2); y++ {
			for x := max(0, p.x-1); x < min(w, p.x+2); x++ {
				if candidate[y*w+x] && out[0].At(y, x) == 0 {
					out[0].Set(y, x, 255)
					todo = append(todo, pixel{y, x})
				}
			}
		}
	}
	return out
}
