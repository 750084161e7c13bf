package kernels

import "gonum.org/v1/gonum/mat"

var _ = register(Definition{
	Name: "laplacian", Order: 52, Border: BorderReflect101,
	Doc: "to grey, then the absolute value of the Laplacian, saturated (Laplacian, convertScaleAbs)",
	Params: []Param{
		{Name: "size", Kind: KindInt, Default: 1, Min: 1, Max: 7, Odd: true, Doc: "width and height of the kernel; 1 means that of sketch"},
	},
	Build: func(a Args, channels int) ([]Op, error) {
		op, err := NewConvolution(laplacianKernel(a.Int("size")), 0, true)
		return inGray(channels, op), err
	},
})

// laplacianKernel returns OpenCV's kernel: from size 3 on the sum of both second derivatives, each smoothed across.
func laplacianKernel(size int) mat.Matrix {
	if size == 1 {
		return mat.NewDense(3, 3, []float64{
			0, 1, 0,
			1, -4, 1,
			0, 1, 0,
		})
	}
	second, smooth := derivativeWeights(size, 2), derivativeWeights(size, 0)
	var sum mat.Dense
	sum.Add(outer{second, smooth}, outer{smooth, second})
	return &sum
}
