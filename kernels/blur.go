package kernels

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

var _ = register(Definition{
	Name: "blur", Order: 4, Aliases: []string{"bl"}, Border: BorderReflect101,
	Doc: "Gaussian blur, size × size (GaussianBlur)",
	Params: []Param{
		{Name: "size", Kind: KindInt, Default: 31, Min: 1, Max: 1023, Odd: true, Doc: "width and height of the kernel"},
		{Name: "sigma", Kind: KindFloat, Default: 0, Min: 0, Max: 1e4, Doc: "standard deviation in pixels; 0 derives it from the size"},
	},
	Build: func(a Args, _ int) ([]Op, error) {
		op, err := gaussian(a.Int("size"), a.Float("sigma"))
		return []Op{op}, err
	},
})

// gaussian returns OpenCV's GaussianBlur on 8 bits, which is a convolution in 16-bit fixed point.
func gaussian(size int, sigma float64) (*Convolution, error) {
	taps := gaussianTaps(size, sigma)
	if size > 31 {
		return NewConvolution(outer{taps, taps}, 16, false)
	}
	v := mat.NewVecDense(size, nil)
	for i, t := range taps {
		v.SetVec(i, float64(t))
	}
	var kernel mat.Dense
	kernel.Outer(1, v, v)
	return NewConvolution(&kernel, 16, false)
}

// gaussianTaps returns the weights of one pass in 8-bit fixed point, which add up to 256. As in OpenCV 4.6
// (getGaussianKernelBitExact, getGaussianKernelFixedPoint_ED) each weight's rounding error is carried to the next, from the
// ends to the middle, which takes what is left. The conversions keep compilers from fusing multiplications and
// additions, so that all architectures find the same weights.
func gaussianTaps(size int, sigma float64) []int {
	weights := gaussianWeights(size, sigma)
	taps := make([]int, size)
	carried, sum := 0.0, 0
	for i := range size / 2 {
		exact := float64(weights[i]*256) + carried
		rounded := math.RoundToEven(exact)
		carried = exact - rounded
		taps[i], taps[size-1-i] = int(rounded), int(rounded)
		sum += 2 * int(rounded)
	}
	taps[size/2] = 256 - sum
	return taps
}

// gaussianWeights returns the weights from the end to the middle.
func gaussianWeights(size int, sigma float64) []float64 {
	if sigma <= 0 {
		switch size {
		case 1:
			return []float64{1}
		case 3:
			return []float64{0.25, 0.5}
		case 5:
			return []float64{0.0625, 0.25, 0.375}
		case 7:
			return []float64{0.03125, 0.109375, 0.21875, 0.28125}
		}
		sigma = float64(float64(size)*0.15) + 0.35
	}
	scale := -0.125 / float64(sigma*sigma)
	weights := make([]float64, size/2+1)
	sum := 0.0
	for i := range size / 2 {
		x := float64(1 - size + 2*i)
		weights[i] = math.Exp(float64(float64(x*x) * scale))
		sum += weights[i]
	}
	weights[size/2] = 1
	norm := 1 / (float64(sum*2) + 1)
	for i := range weights {
		weights[i] *= norm
	}
	return weights
}
