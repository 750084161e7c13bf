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
	var mask [24]byte
	for i := keep; i < len(mask); i += 3 {
		mask[i] = 0xff
	}
	m := words(mask[:])
	m0, m1, m2 := m[0], m[1], m[2]
	return pointwise{
		row: func(dst, src []byte) {
			d, s := words(dst), words(src)
			i := 0
			for ; i+3 <= len(d) && i+3 <= len(s); i += 3 {
				d[i], d[i+1], d[i+2] = s[i]&m0, s[i+1]&m1, s[i+2]&m2
			}
			for i *= wordsz; i < len(dst); i++ {
				dst[i] = src[i] & mask[i%24]
			}
		},
		pixel: func(out, in []float64) {
			clear(out)
			out[keep] = in[keep]
		},
	}
}
