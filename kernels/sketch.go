package kernels

import "gonum.org/v1/gonum/mat"

var _ = register(Definition{
	Name: "sketch", Order: 5, Aliases: []string{"sk"}, Border: BorderReflect101,
	Doc: "to grey, then the absolute value of the Laplacian, saturated",
	Build: func(_ Args, channels int) ([]Op, error) {
		laplacian, err := NewConvolution(mat.NewDense(3, 3, []float64{
			0, 1, 0,
			1, -4, 1,
			0, 1, 0,
		}), 0, true)
		return inGray(channels, laplacian), err
	},
})
