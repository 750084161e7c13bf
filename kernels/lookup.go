package kernels

// newTable returns the table of f, whose values for 0 to 255 are whole numbers in that range.
func newTable(f func(v float64) float64) *[256]byte {
	var table [256]byte
	for v := range table {
		table[v] = byte(f(float64(v)))
	}
	return &table
}

// byTable returns the op that makes f(v) of every sample v.
func byTable(f func(v float64) float64) Op {
	table := newTable(f)
	return pointwise{
		row: func(dst, src []byte) { lookUp(dst, src, table) },
		pixel: func(out, in []float64) {
			for i, v := range in {
				out[i] = f(v)
			}
		},
	}
}

// lookUp replaces every sample by its entry in the table.
func lookUp(dst, src []byte, table *[256]byte) {
	n := len(src)
	dst = dst[:n]
	switch {
	case path >= isaAVX512 && n >= 64:
		lookUpAVX512(&dst[0], &src[0], n, table)
	case path >= isaAVX2 && n >= 4*32:
		steps := steps(table)
		lookUpAVX2(&dst[0], &src[0], n, &steps)
	case path == isaNEON && n >= 16:
		lookUpNEON(&dst[0], &src[0], n, table)
	default:
		lookUpBytes(dst, src, table)
	}
}

func lookUpBytes(dst, src []byte, table *[256]byte) {
	for len(src) >= 8 && len(dst) >= 8 {
		dst[0], dst[1], dst[2], dst[3] = table[src[0]], table[src[1]], table[src[2]], table[src[3]]
		dst[4], dst[5], dst[6], dst[7] = table[src[4]], table[src[5]], table[src[6]], table[src[7]]
		dst, src = dst[8:], src[8:]
	}
	for i, v := range src {
		dst[i] = table[v]
	}
}

// steps returns the table in the form that lookUpAVX2 takes: each 16 entries xor those before, except at the start of either half.
func steps(table *[256]byte) (t [256]byte) {
	const part = 2 * wordsz
	from, to := &table[0], &t[0]
	for i := 0; i < len(t); i += wordsz {
		v := load(from, i)
		if i%(len(t)/2) >= part {
			v ^= load(from, i-part)
		}
		store(to, i, v)
	}
	return t
}
