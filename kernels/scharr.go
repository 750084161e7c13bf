package kernels

var _ = register(Definition{
	Name: "scharr", Order: 51, Border: BorderReflect101,
	Doc:    "to grey, then the absolute value of Scharr's derivative 3 × 3, saturated (Scharr, convertScaleAbs)",
	Params: []Param{derivativeAxis},
	Build: func(a Args, channels int) ([]Op, error) {
		return derivative(a, channels, []int{-1, 0, 1}, []int{3, 10, 3})
	},
})
