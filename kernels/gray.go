package kernels

import "math"

var _ = register(Definition{
	Name: "gray", Aliases: []string{"gr"}, Doc: "to grey: 0.299 R + 0.587 G + 0.114 B (cvtColor BGR2GRAY)", Border: BorderNone,
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
		for len(dst) > 0 && len(src) >= 3 {
			dst[0] = byte((uint32(src[0])*grayR + uint32(src[1])*grayG + uint32(src[2])*grayB + 1<<(grayShift-1)) >> grayShift)
			dst, src = dst[1:], src[3:]
		}
	},
	pixel: func(out, in []float64) {
		out[0] = math.Floor((in[0]*grayR+in[1]*grayG+in[2]*grayB)/(1<<grayShift) + 0.5)
	},
}
