package kernels

var (
	_ = register(channelDefinition("red", "rf", 0))
	_ = register(channelDefinition("green", "gf", 1))
	_ = register(channelDefinition("blue", "bf", 2))
)

func channelDefinition(name, alias string, c int) Definition {
	return Definition{
		Name: name, Order: 8 + c, Aliases: []string{alias}, Doc: "keeps the " + name + " channel and zeroes the others", Border: BorderNone,
		Build: func(_ Args, channels int) ([]Op, error) { return inColour(channels, keepChannel(c)), nil },
	}
}

// keepMask has 255 where the samples of a channel stand, for as many pixels as three vectors of any size take in turn.
type keepMask [3 * 64]byte

func keepChannel(keep int) Op {
	var mask keepMask
	for i := keep; i < len(mask); i += 3 {
		mask[i] = 0xff
	}
	return pointwise{
		row: func(dst, src []byte) {
			n := len(dst)
			src = src[:n]
			switch {
			case path >= isaAVX512 && n >= 3*64:
				keepAVX512(&dst[0], &src[0], n, &mask[0])
			case path >= isaAVX2 && n >= 3*32:
				keepAVX2(&dst[0], &src[0], n, &mask[0])
			case path == isaNEON && n >= 3*16:
				keepNEON(&dst[0], &src[0], n, &mask[0])
			default:
				keepWords(dst, src, &mask)
			}
		},
		pixel: func(out, in []float64) {
			clear(out)
			out[keep] = in[keep]
		},
	}
}

func keepWords(dst, src []byte, mask *keepMask) {
	const period = 3 * wordsz
	m0, m1, m2 := load(&mask[0], 0), load(&mask[0], 8), load(&mask[0], 16)
	whole := len(dst) / period * period
	d, s := at(dst, 0, len(dst)), at(src, 0, len(dst))
	for i := 0; i < whole; i += period {
		store(d, i, load(s, i)&m0)
		store(d, i+8, load(s, i+8)&m1)
		store(d, i+16, load(s, i+16)&m2)
	}
	for i := whole; i < len(dst); i++ {
		dst[i] = src[i] & mask[i-whole]
	}
}
