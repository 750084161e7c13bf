package kernels

var _ = register(Definition{
	Name: "invert", Order: 6, Aliases: []string{"iv"}, Doc: "255 − v for every sample v (bitwise_not)", Border: BorderNone,
	Build: func(Args, int) ([]Op, error) { return []Op{invert}, nil },
})

var invert = pointwise{
	row: func(dst, src []byte) {
		const block = 4 * wordsz
		whole := len(dst) / block * block
		d, s := at(dst, 0, len(dst)), at(src, 0, len(dst))
		for i := 0; i < whole; i += block {
			store(d, i, ^load(s, i))
			store(d, i+8, ^load(s, i+8))
			store(d, i+16, ^load(s, i+16))
			store(d, i+24, ^load(s, i+24))
		}
		for i := whole; i < len(dst); i++ {
			dst[i] = ^src[i]
		}
	},
	pixel: func(out, in []float64) {
		for i, v := range in {
			out[i] = 255 - v
		}
	},
}
