package kernels

import "gonum.org/v1/gonum/mat"

var _ = register(Definition{
	Name: "sobel", Order: 50, Border: BorderReflect101,
	Doc: "to grey, then the absolute value of Sobel's derivative, saturated (Sobel, convertScaleAbs)",
	Params: []Param{
		derivativeAxis,
		{Name: "size", Kind: KindInt, Default: 3, Min: 3, Max: 7, Odd: true, Doc: "width and height of the kernel"},
	},
	Build: func(a Args, channels int) ([]Op, error) {
		size := a.Int("size")
		return derivative(a, channels, derivativeWeights(size, 1), derivativeWeights(size, 0))
	},
})

var derivativeAxis = Param{
	Name: "axis", Kind: KindChoice, Text: "x", Choices: []string{"x", "y"}, Doc: "along rows (upright edges), along columns (level edges)",
}

// derivative returns the absolute value of what the weights along the axis and those across it make of a grey picture.
func derivative(a Args, channels int, along, across []int) ([]Op, error) {
	kernel := outer{across, along}
	if a.Text("axis") == "y" {
		kernel = outer{along, across}
	}
	op, err := NewConvolution(mat.DenseCopyOf(kernel), 0, true)
	return inGray(channels, op), err
}

// derivativeWeights returns the weights 1, n, n·(n−1)/2, …, 1, and their differences if asked for: size weights, which smooth and
// take a derivative of the given order, as getDerivKernels does.
func derivativeWeights(size, order int) []int {
	weights := []int{1}
	for len(weights) < size {
		next := make([]int, len(weights)+1)
		sign := 1
		if len(weights) >= size-order {
			sign = -1
		}
		for i, w := range weights {
			next[i] += w * sign
			next[i+1] += w
		}
		weights = next
	}
	return weights
}
