package kernels

var (
	_ = register(channelDefinition("red", "rf", 0))
	_ = register(channelDefinition("green", "gf", 1))
	_ = register(channelDefinition("blue", "bf", 2))
)

func channelDefinition(name, alias string, c int) Definition {
	return Definition{
		Name: name, Aliases: []string{alias}, Doc: "keeps the " + name + " channel and zeroes the others", Border: BorderNone,
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
	m0, m1, m2 := word(mask[:], 0), word(mask[:], 8), word(mask[:], 16)
	return pointwise{
		row: func(dst, src []byte) {
			for ; len(dst) >= period && len(src) >= period; dst, src = dst[period:], src[period:] {
				putWord(dst, 0, word(src, 0)&m0)
				putWord(dst, 8, word(src, 8)&m1)
				putWord(dst, 16, word(src, 16)&m2)
			}
			for i := range dst {
				dst[i] = src[i] & mask[i]
			}
		},
		pixel: func(out, in []float64) {
			clear(out)
			out[keep] = in[keep]
		},
	}
}
