package kernels

var _ = register(Definition{
	Name: "invert", Order: 6, Aliases: []string{"iv"}, Doc: "255 − v for every sample v (bitwise_not)", Border: BorderNone,
	Build: func(Args, int) ([]Op, error) { return []Op{invert}, nil },
})

var invert = pointwise{
	row: func(dst, src []byte) {
		n := len(dst)
		src = src[:n]
		switch {
		case path >= isaAVX512 && n >= 64:
			invertAVX512(&dst[0], &src[0], n)
		case path >= isaAVX2 && n >= 32:
			invertAVX2(&dst[0], &src[0], n)
		case path == isaNEON && n >= 16:
			invertNEON(&dst[0], &src[0], n)
		default:
			invertWords(dst, src)
		}
	},
	far: func(dst, src []byte) {
		n := len(dst)
		src = src[:n]
		if path < isaAVX2 || n < 256 {
			invertWords(dst, src)
			return
		}
		invertFarAVX2(&dst[0], &src[0], n) // stores of 64 bytes are no faster
	},
	pixel: func(out, in []float64) {
		for i, v := range in {
			out[i] = 255 - v
		}
	},
}

func invertWords(dst, src []byte) {
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
}
