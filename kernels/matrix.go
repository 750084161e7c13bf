package kernels

import "math"

// colourMatrix returns the op that makes of every pixel's red, green and blue the sums of them that m's rows give, as OpenCV's
// transform does on 8 bits: the weights, less than 32, are rounded to 10-bit fixed point, and each sum is rounded once and saturated.
func colourMatrix(m [3][3]float64) Op {
	var weights weights
	for i, row := range m {
		for j, v := range row {
			weights[i][j] = int16(math.RoundToEven(float64(float32(v)) * weightOne))
		}
		weights[i][3] = weightOne / 2
	}
	return pointwise{
		row: func(dst, src []byte) { transform(dst, src, &weights) },
		pixel: func(out, in []float64) {
			for i, row := range weights {
				sum := float64(row[0])*in[0] + float64(row[1])*in[1] + float64(row[2])*in[2]
				out[i] = min(max(math.Floor(sum/weightOne+0.5), 0), 255)
			}
		},
	}
}

// weights holds for each result the weights of red, green, blue and 1 in fixed point; that of 1 rounds.
type weights [3][4]int16

const (
	weightShift = 10
	weightOne   = 1 << weightShift
)

// transform multiplies pixels by a matrix.
func transform(dst, src []byte, m *weights) {
	const block, beyond = 24, 4
	done := 0
	switch {
	case path >= isaAVX512 && len(dst) > 0:
		transformAVX512(&dst[0], &src[0], (*[3][4]int16)(m), len(dst))
		return
	case path >= isaAVX2 && len(dst) >= block+beyond:
		blocks := (len(dst) - beyond) / block
		transformAVX2(&dst[0], &src[0], (*[3][4]int16)(m), blocks)
		done = blocks * block
	}
	transformPixels(dst[done:], src[done:], m)
}

// transformPixels is transform in Go.
func transformPixels(dst, src []byte, m *weights) {
	rr, rg, rb, r1 := int32(m[0][0]), int32(m[0][1]), int32(m[0][2]), int32(m[0][3])
	gr, gg, gb, g1 := int32(m[1][0]), int32(m[1][1]), int32(m[1][2]), int32(m[1][3])
	br, bg, bb, b1 := int32(m[2][0]), int32(m[2][1]), int32(m[2][2]), int32(m[2][3])
	src = src[:len(dst)]
	for i := 2; i < len(dst); i += 3 {
		r, g, b := int32(src[i-2]), int32(src[i-1]), int32(src[i])
		dst[i-2] = saturate((rr*r + rg*g + rb*b + r1) >> weightShift)
		dst[i-1] = saturate((gr*r + gg*g + gb*b + g1) >> weightShift)
		dst[i] = saturate((br*r + bg*g + bb*b + b1) >> weightShift)
	}
}

func saturate(v int32) byte { return byte(min(max(v, 0), 255)) }
