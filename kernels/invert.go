package kernels

var _ = register(Definition{
	Name: "invert", Aliases: []string{"iv"}, Doc: "255 − v for every sample v (bitwise_not)", Border: BorderNone,
	Build: func(Args, int) ([]Op, error) { return []Op{invert}, nil },
})

var invert = pointwise{
	row: func(dst, src []byte) {
		const block = 4 * wordsz
		for ; len(dst) >= block && len(src) >= block; dst, src = dst[block:], src[block:] {
			putWord(dst, 0, ^word(src, 0))
			putWord(dst, 8, ^word(src, 8))
			putWord(dst, 16, ^word(src, 16))
			putWord(dst, 24, ^word(src, 24))
		}
		for i := range dst {
			dst[i] = ^src[i]
		}
	},
	pixel: func(out, in []float64) {
		for i, v := range in {
			out[i] = 255 - v
		}
	},
}
