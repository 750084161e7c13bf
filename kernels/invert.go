package kernels

var _ = register(Definition{
	Name: "invert", Aliases: []string{"iv"}, Doc: "255 − v for every sample v (bitwise_not)", Border: BorderNone,
	Build: func(Args, int) ([]Op, error) { return []Op{invert}, nil },
})

var invert = pointwise{
	row: func(dst, src []byte) {
		d, s := words(dst), words(src)
		for i, v := range s[:len(d)] {
			d[i] = ^v
		}
		for i := len(d) * 8; i < len(dst); i++ {
			dst[i] = ^src[i]
		}
	},
	pixel: func(out, in []float64) {
		for i, v := range in {
			out[i] = 255 - v
		}
	},
}
