package png

import "encoding/binary"

// These are the filters in plain Go. Those that undo begin at a byte at ≥ size, the size of a pixel.

// addRow adds b to a, eight bytes at a time: the upper bits by themselves, lest they carry.
func addRow(a, b []byte) {
	const high = 0x8080808080808080
	for len(a) >= 8 && len(b) >= 8 {
		x, y := binary.LittleEndian.Uint64(a), binary.LittleEndian.Uint64(b)
		binary.LittleEndian.PutUint64(a, (x&^high)+(y&^high)^(x^y)&high)
		a, b = a[8:], b[8:]
	}
	for i, v := range b[:len(a)] {
		a[i] += v
	}
}

func undoSub(row []byte, at, size int) {
	row = row[at-size:]
	switch size {
	case 3:
		var a, b, c byte
		if len(row) >= 3 {
			a, b, c = row[0], row[1], row[2]
			row = row[3:]
		}
		for ; len(row) >= 3; row = row[3:] {
			a, b, c = a+row[0], b+row[1], c+row[2]
			row[0], row[1], row[2] = a, b, c
		}
	case 1:
		var a byte
		for i, v := range row {
			a += v
			row[i] = a
		}
	default:
		left := row
		row = row[min(size, len(row)):]
		for i, v := range left[:len(row)] {
			row[i] += v
		}
	}
}

func undoAverage(row, above []byte, at, size int) {
	left, row, above := row[at-size:], row[at:], above[at:]
	if size == 3 {
		a, b, c := int(left[0]), int(left[1]), int(left[2])
		for ; len(row) >= 3 && len(above) >= 3; row, above = row[3:], above[3:] {
			a = int(row[0] + byte((a+int(above[0]))>>1))
			b = int(row[1] + byte((b+int(above[1]))>>1))
			c = int(row[2] + byte((c+int(above[2]))>>1))
			row[0], row[1], row[2] = byte(a), byte(b), byte(c)
		}
		return
	}
	if size == 1 && len(row) > 0 {
		a := uint(left[0])
		for i, v := range above[:len(row)] {
			a = uint(row[i] + byte((a+uint(v))>>1))
			row[i] = byte(a)
		}
		return
	}
	for i := range row {
		row[i] += byte((int(left[i]) + int(above[i])) >> 1)
	}
}

func undoPaeth(row, above []byte, at, size int) {
	left, corner, row, above := row[at-size:], above[at-size:], row[at:], above[at:]
	if size == 3 {
		a, b, c := int(left[0]), int(left[1]), int(left[2])
		x, y, z := int(corner[0]), int(corner[1]), int(corner[2])
		for ; len(row) >= 3 && len(above) >= 3; row, above = row[3:], above[3:] {
			u, v, w := int(above[0]), int(above[1]), int(above[2])
			a = int(row[0] + byte(paeth(a, u, x)))
			b = int(row[1] + byte(paeth(b, v, y)))
			c = int(row[2] + byte(paeth(c, w, z)))
			row[0], row[1], row[2] = byte(a), byte(b), byte(c)
			x, y, z = u, v, w
		}
		return
	}
	if size == 1 && len(row) > 0 {
		a, c := int(left[0]), int(corner[0])
		for i, v := range above[:len(row)] {
			b := int(v)
			a = int(row[i] + byte(paeth(a, b, c)))
			row[i] = byte(a)
			c = b
		}
		return
	}
	for i := range row {
		row[i] += byte(paeth(int(left[i]), int(above[i]), int(corner[i])))
	}
}

// paeth predicts a sample by those on its left, above it, and on the left of that: by the one nearest to left + above − corner; if
// several are, by the first of them. It has no branches, and little that waits for left.
func paeth(left, above, corner int) int {
	lo, hi := min(left, above), max(left, above)
	t := 3*corner - above - left
	p := corner
	if hi <= t {
		p = lo
	}
	if t <= lo {
		p = hi
	}
	return p
}

// filterPart writes to dst what a filter makes of row from byte at on. Without a row above, that is zeros.
func filterPart(dst []byte, filter int, row, above []byte, at, size int) {
	for ; at < size; at++ { // the first pixel has none before it
		up := byte(0)
		if above != nil {
			up = above[at]
		}
		switch filter {
		case filterNone, filterSub:
			up = 0
		case filterAverage:
			up /= 2
		}
		dst[at] = row[at] - up
	}
	if at == len(row) {
		return
	}
	dst, left := dst[at:len(row)], row[at-size:]
	if above == nil {
		row = row[at:]
		switch filter {
		case filterNone, filterUp:
			copy(dst, row)
		case filterSub, filterPaeth:
			for i := range dst {
				dst[i] = row[i] - left[i]
			}
		case filterAverage:
			for i := range dst {
				dst[i] = row[i] - left[i]/2
			}
		}
		return
	}
	corner := above[at-size:]
	row, above = row[at:], above[at:]
	switch filter {
	case filterNone:
		copy(dst, row)
	case filterSub:
		for i := range dst {
			dst[i] = row[i] - left[i]
		}
	case filterUp:
		for i := range dst {
			dst[i] = row[i] - above[i]
		}
	case filterAverage:
		for i := range dst {
			dst[i] = row[i] - byte((int(left[i])+int(above[i]))>>1)
		}
	case filterPaeth:
		for i := range dst {
			dst[i] = row[i] - byte(paeth(int(left[i]), int(above[i]), int(corner[i])))
		}
	}
}

// sumPart adds to sums what filterPart makes of row from byte at ≥ size on, taken as signed, without signs.
func sumPart(sums *[filters]uint64, row, above []byte, at, size int) {
	left, corner := row[at-size:], above[at-size:]
	row, above = row[at:], above[at:]
	var none, sub, up, average, p uint64
	for i, v := range row {
		a, b, c := left[i], above[i], corner[i]
		none += magnitude(v)
		sub += magnitude(v - a)
		up += magnitude(v - b)
		average += magnitude(v - byte((int(a)+int(b))>>1))
		p += magnitude(v - byte(paeth(int(a), int(b), int(c))))
	}
	for i, s := range [filters]uint64{none, sub, up, average, p} {
		sums[i] += s
	}
}

func magnitude(v byte) uint64 {
	i := int(int8(v))
	return uint64(max(i, -i))
}
