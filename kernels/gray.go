package kernels

import "math"

var _ = register(Definition{
	Name: "gray", Order: 1, Aliases: []string{"gr"}, Doc: "to grey: 0.299 R + 0.587 G + 0.114 B (cvtColor BGR2GRAY)", Border: BorderNone,
	Build: func(_ Args, channels int) ([]Op, error) { return inGray(channels), nil },
})

// The weights of red, green and blue in 15-bit fixed point, as OpenCV rounds them.
const (
	grayR, grayG, grayB = 9798, 19235, 3735
	grayShift           = 15
)

var gray = pointwise{
	channels: 1,
	row: func(dst, src []byte) {
		n := len(dst)
		src = src[:3*n]
		switch {
		case path >= isaAVX512 && n >= 64:
			grayAVX512(&dst[0], &src[0], n)
		case path >= isaAVX2 && n >= 34:
			grayAVX2(&dst[0], &src[0], n)
			grayPixels(dst[n-2:], src[3*(n-2):])
		default:
			grayPixels(dst, src)
		}
	},
	pixel: func(out, in []float64) {
		out[0] = math.Floor((in[0]*grayR+in[1]*grayG+in[2]*grayB)/(1<<grayShift) + 0.5)
	},
}

func grayPixels(dst, src []byte) {
	for ; len(dst) >= 4 && len(src) >= 12; dst, src = dst[4:], src[12:] {
		dst[0] = grayOf(src[0], src[1], src[2])
		dst[1] = grayOf(src[3], src[4], src[5])
		dst[2] = grayOf(src[6], src[7], src[8])
		dst[3] = grayOf(src[9], src[10], src[11])
	}
	for ; len(dst) >= 1 && len(src) >= 3; dst, src = dst[1:], src[3:] {
		dst[0] = grayOf(src[0], src[1], src[2])
	}
}

func grayOf(r, g, b byte) byte {
	return byte((uint32(r)*grayR + uint32(g)*grayG + uint32(b)*grayB + 1<<(grayShift-1)) >> grayShift)
}
