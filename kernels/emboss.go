package kernels

import "gonum.org/v1/gonum/mat"

var _ = register(Definition{
	Name: "emboss", Order: 25, Border: BorderReflect101,
	Doc: "as a relief lit from the upper left: the kernel −2 −1 0, −1 1 1, 0 1 2 (filter2D)",
	Build: func(Args, int) ([]Op, error) {
		op, err := NewConvolution(mat.NewDense(3, 3, []float64{
			-2, -1, 0,
			-1, 1, 1,
			0, 1, 2,
		}), 0, false)
		return []Op{op}, err
	},
})
