package tiff

import "encoding/binary"

// unpredict undoes a predictor in a row of samples of size bytes each, of which step make a pixel. In a row of the floating-point predictor
// (TIFF Technical Note 3) bytes of equal weight lie together, the highest first, whatever the file's order.
func unpredict(row []byte, predictor uint64, size, step int, order binary.ByteOrder, scratch []byte) {
	switch {
	case predictor == 3:
		sum8(row, step)
		n := len(row) / size
		copy(scratch, row)
		for i := range n {
			for b := range size {
				v := scratch[b*n+i]
				if order == binary.LittleEndian {
					row[i*size+size-1-b] = v
				} else {
					row[i*size+b] = v
				}
			}
		}
	case predictor != 2:
	case size == 1:
		sum8(row, step)
	case size == 2:
		for i := 2 * step; i+1 < len(row); i += 2 {
			order.PutUint16(row[i:], order.Uint16(row[i:])+order.Uint16(row[i-2*step:]))
		}
	case size == 4:
		for i := 4 * step; i+3 < len(row); i += 4 {
			order.PutUint32(row[i:], order.Uint32(row[i:])+order.Uint32(row[i-4*step:]))
		}
	default:
		for i := 8 * step; i+7 < len(row); i += 8 {
			order.PutUint64(row[i:], order.Uint64(row[i:])+order.Uint64(row[i-8*step:]))
		}
	}
}

// sum8 adds to each byte the one step bytes before it.
func sum8(row []byte, step int) {
	switch step {
	case 1:
		var a byte
		for i, v := range row {
			a += v
			row[i] = a
		}
	case 3:
		var a, b, c byte
		for len(row) >= 3 {
			a += row[0]
			b += row[1]
			c += row[2]
			row[0], row[1], row[2] = a, b, c
			row = row[3:]
		}
	case 4:
		sum8by4(row)
	default:
		for i := step; i < len(row); i++ {
			row[i] += row[i-step]
		}
	}
}

// sum8by4 adds four bytes at once, in a word whose carries are kept apart.
func sum8by4(row []byte) {
	const low = 0x7f7f7f7f
	sum := uint32(0)
	for len(row) >= 4 {
		v := binary.LittleEndian.Uint32(row)
		sum = (sum&low + v&low) ^ (sum^v)&^low
		binary.LittleEndian.PutUint32(row, sum)
		row = row[4:]
	}
	for i := range row { // no whole pixel
		row[i] += byte(sum >> (8 * i))
	}
}

// predict is the inverse of unpredict, for bytes: dst gets the row's differences.
func predict(dst, row []byte, step int) {
	step = min(step, len(row))
	copy(dst[:step], row)
	const low = 0x7f7f7f7f7f7f7f7f
	i := step
	for ; i+8 <= len(row); i += 8 {
		a, b := binary.LittleEndian.Uint64(row[i:]), binary.LittleEndian.Uint64(row[i-step:])
		// Subtraction in each byte by itself: the highest bits stand apart.
		d := (a | ^uint64(low)) - b&low
		binary.LittleEndian.PutUint64(dst[i:], d^(a^^b)&^low)
	}
	for ; i < len(row); i++ {
		dst[i] = row[i] - row[i-step]
	}
}
