package png

import "encoding/binary"

// deliverer returns what makes delivered samples of a row of the file.
func (m *Image) deliverer() func(dst, row []byte) {
	switch {
	case m.colour == palette:
		return m.paletteDeliverer()
	case m.Depth < 8:
		return greyDeliverer(m.Depth)
	case m.Depth == 16:
		return func(dst, row []byte) { every(dst, row, m.Channels, 2*m.samples(), 2) }
	case m.colour == greyAlpha:
		return func(dst, row []byte) { every(dst, row, 1, 2, 1) }
	case m.colour == rgbAlpha:
		return withoutAlpha
	}
	return func(dst, row []byte) { copy(dst, row) }
}

// every copies channels samples of each pixel, whose first bytes are step apart; the pixels are size bytes apart.
func every(dst, row []byte, channels, size, step int) {
	if channels == 1 {
		for x := range dst {
			dst[x] = row[x*size]
		}
		return
	}
	for ; len(dst) >= 3 && len(row) >= size; dst, row = dst[3:], row[size:] {
		dst[0], dst[1], dst[2] = row[0], row[step], row[2*step]
	}
}

// withoutAlpha copies three of four bytes, those of four pixels at a time.
func withoutAlpha(dst, row []byte) {
	for len(dst) >= 12 && len(row) >= 16 {
		a, b := binary.LittleEndian.Uint64(row), binary.LittleEndian.Uint64(row[8:])
		a = a&0xffffff | a>>32<<40>>16
		b = b&0xffffff | b>>32<<40>>16
		binary.LittleEndian.PutUint64(dst, a|b<<48)
		binary.LittleEndian.PutUint32(dst[8:], uint32(b>>16))
		dst, row = dst[12:], row[16:]
	}
	every(dst, row, 3, 4, 1)
}

// greyDeliverer scales samples of fewer than 8 bits.
func greyDeliverer(depth int) func(dst, row []byte) {
	var levels [256]byte
	for i := range 1 << depth {
		levels[i] = byte(i * 255 / (1<<depth - 1))
	}
	table := unpackTable(depth, &levels)
	return func(dst, row []byte) { unpack(dst, row, depth, table) }
}

// unpackTable has, for each byte of 8/depth samples, what each stands for.
func unpackTable(depth int, levels *[256]byte) *[256][8]byte {
	table := new([256][8]byte)
	for b := range table {
		for i := range 8 / depth {
			table[b][i] = levels[b>>(8-depth*(i+1))&(1<<depth-1)]
		}
	}
	return table
}

func unpack(dst, row []byte, depth int, table *[256][8]byte) {
	each := 8 / depth
	for i := range len(dst) / each {
		copy(dst[i*each:(i+1)*each], table[row[i]][:])
	}
	if n := len(dst) % each; n > 0 {
		copy(dst[len(dst)-n:], table[row[len(dst)/each]][:])
	}
}

// paletteDeliverer looks up colours.
func (m *Image) paletteDeliverer() func(dst, row []byte) {
	if m.Depth == 8 {
		return m.lookUp
	}
	var levels [256]byte
	for i := range levels {
		levels[i] = byte(i)
	}
	table := unpackTable(m.Depth, &levels)
	var indices []byte
	return func(dst, row []byte) {
		if indices == nil {
			indices = make([]byte, min(4096, m.Width))
		}
		for len(dst) > 0 {
			part := indices[:min(len(indices), len(dst)/3)]
			unpack(part, row, m.Depth, table)
			m.lookUp(dst, part)
			dst, row = dst[3*len(part):], row[(len(part)*m.Depth+7)/8:]
		}
	}
}

// lookUp writes the colours of indices.
func (m *Image) lookUp(dst, indices []byte) {
	for _, v := range indices {
		c := &m.palette[v]
		d := dst[:3]
		d[0], d[1], d[2] = c[0], c[1], c[2]
		dst = dst[3:]
	}
}
