package kernels

import "gonum.org/v1/gonum/mat"

var _ = register(Definition{
	Name: "sharpen", Order: 3, Aliases: []string{"fl"}, Border: BorderReflect101,
	Doc: "Gaussian blur 5 × 5, then the kernel of −1s around 9 (filter2D)",
	Build: func(Args, int) ([]Op, error) {
		blur, err := gaussian(5, 0)
		if err != nil {
			return nil, err
		}
		peak, err := NewConvolution(mat.NewDense(3, 3, []float64{
			-1, -1, -1,
			-1, 9, -1,
			-1, -1, -1,
		}), 0, false)
		return []Op{blur, peak}, err
	},
})
