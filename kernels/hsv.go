package kernels

import "math"

var _ = register(Definition{
	Name: "hsv", Order: 11, Aliases: []string{"cc"}, Border: BorderNone,
	Doc:   "to HSV with H from 0 to 179 (cvtColor BGR2HSV); stored as OpenCV stores it: R is V, G is S, B is H",
	Build: func(_ Args, channels int) ([]Op, error) { return inColour(channels, hsv), nil },
})

const hsvShift = 12

// hsvDivide returns OpenCV's table of n/i in fixed point, rounded half to even; entry 0 is 0.
func hsvDivide(n float64) *[256]int32 {
	var t [256]int32
	for i := 1; i < len(t); i++ {
		t[i] = int32(math.RoundToEven(n * (1 << hsvShift) / float64(i)))
	}
	return &t
}

// hsvPixels converts pixels with the tables of 255/i and 30/i.
func hsvPixels(dst, src []byte, byValue, byRange *[256]int32) {
	for ; len(dst) >= 3 && len(src) >= 3; dst, src = dst[3:], src[3:] {
		r, g, b := int32(src[0]), int32(src[1]), int32(src[2])
		v := max(r, g, b)
		d := v - min(r, g, b)
		// Plain assignments, which compile to conditional moves: the branches of a noisy picture cannot be predicted.
		h, fromGreen, fromRed := r-g+4*d, b-r+2*d, g-b
		if v == g {
			h = fromGreen
		}
		if v == r {
			h = fromRed
		}
		h = (h*byRange[byte(d)] + 1<<(hsvShift-1)) >> hsvShift
		h += h >> 31 & 180
		s := (d*byValue[byte(v)] + 1<<(hsvShift-1)) >> hsvShift
		dst[0], dst[1], dst[2] = byte(v), byte(s), byte(h)
	}
}

var hsv = func() Op {
	byValue, byRange := hsvDivide(255), hsvDivide(30)
	return pointwise{
		row: func(dst, src []byte) {
			n := len(dst) / 3
			switch {
			case path >= isaAVX512 && n >= 64:
				hsvAVX512(&dst[0], &src[0], n)
			case path >= isaAVX2 && n >= 32:
				hsvAVX2(&dst[0], &src[0], n)
			default:
				hsvPixels(dst, src, byValue, byRange)
			}
		},
		pixel: func(out, in []float64) {
			r, g, b := in[0], in[1], in[2]
			v := math.Max(r, math.Max(g, b))
			d := v - math.Min(r, math.Min(g, b))
			scaled := func(x, n, by float64) float64 {
				if by == 0 {
					return 0
				}
				q := math.RoundToEven(n * 4096 / by)
				return math.Floor((x*q + 2048) / 4096)
			}
			h := r - g + 4*d
			if v == r {
				h = g - b
			} else if v == g {
				h = b - r + 2*d
			}
			if h = scaled(h, 30, d); h < 0 {
				h += 180
			}
			out[0], out[1], out[2] = v, scaled(d, 255, v), h
		},
	}
}()
