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

func keepChannel(keep int) Op {
	// Eight pixels are three words, so the mask has a period of 24 bytes.
	const period = 3 * wordsz
	var mask [period]byte
	for i := keep; i < period; i += 3 {
		mask[i] = 0xff
	}
	m0, m1, m2 := load(&mask[0], 0), load(&mask[0], 8), load(&mask[0], 16)
	return pointwise{
		row: func(dst, src []byte) {
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
		},
		pixel: func(out, in []float64) {
			clear(out)
			out[keep] = in[keep]
		},
	}
}
