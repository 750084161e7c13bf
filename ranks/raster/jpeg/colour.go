package jpeg

// convertGo makes RGB of YCbCr (JFIF 1.02, with constants times 65536, rounded to nearest as in libjpeg's jdcolor.c).
func convertGo(dst, ys, cbs, crs []byte) {
	const half = 1 << 15
	n := len(dst) / 3
	ys, cbs, crs = ys[:n], cbs[:n], crs[:n]
	for x, v := range ys {
		y, cb, cr := int32(v), int32(cbs[x])-128, int32(crs[x])-128
		d := dst[3*x : 3*x+3]
		d[0] = clamp(y + (91881*cr+half)>>16)
		d[1] = clamp(y + (-22554*cb-46802*cr+half)>>16)
		d[2] = clamp(y + (116130*cb+half)>>16)
	}
}

func clamp(v int32) byte {
	if uint32(v) > 255 {
		return byte(^(v >> 31)) // 0 if v is negative, else 255
	}
	return byte(v)
}

// interleave makes pixels of three planes.
func interleave(dst, r, g, b []byte) {
	n := len(dst) / 3
	r, g, b = r[:n], g[:n], b[:n]
	for x, v := range r {
		d := dst[3*x : 3*x+3]
		d[0], d[1], d[2] = v, g[x], b[x]
	}
}

// invert makes inverted CMY of RGB: what YCCK stands for is stored like that.
func invert(row []byte) {
	for i, v := range row {
		row[i] = 255 - v
	}
}

// applyBlack makes RGB of inverted CMY and inverted black as OpenCV does.
func applyBlack(dst, black []byte) {
	for x, v := range black[:len(dst)/3] {
		k := int(v)
		d := dst[3*x : 3*x+3]
		for i, c := range d {
			d[i] = byte(k - (255-int(c))*k>>8)
		}
	}
}
