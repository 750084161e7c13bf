package jpeg

// splitGo makes YCbCr of RGB (JFIF 1.02, with constants times 65536; luma is rounded to nearest, chroma half down, as in libjpeg's jccolor.c).
func splitGo(ys, cbs, crs, src []byte) {
	const half, chroma = 1 << 15, 128<<16 + 1<<15 - 1
	n := len(src) / 3
	ys, cbs, crs = ys[:n], cbs[:n], crs[:n]
	for x := range ys {
		s := src[3*x : 3*x+3]
		r, g, b := int32(s[0]), int32(s[1]), int32(s[2])
		ys[x] = byte((19595*r + 38470*g + 7471*b + half) >> 16)
		cbs[x] = byte((-11059*r - 21709*g + 32768*b + chroma) >> 16)
		crs[x] = byte((32768*r - 27439*g - 5329*b + chroma) >> 16)
	}
}

// shrinkGo makes n means of 2 × 2 samples, whose halves are rounded down and up in turn, as in libjpeg's jcsample.c.
func shrinkGo(dst, upper, lower []byte, n int) {
	upper, lower = upper[:2*n], lower[:2*n]
	for x := range dst[:n] {
		u, l := upper[2*x:2*x+2], lower[2*x:2*x+2]
		dst[x] = byte((int(u[0]) + int(u[1]) + int(l[0]) + int(l[1]) + 1 + x&1) >> 2)
	}
}

// halve makes n means of two samples, rounded down and up in turn.
func halve(dst, src []byte, n int) {
	src = src[:2*n]
	for x := range dst[:n] {
		dst[x] = byte((int(src[2*x]) + int(src[2*x+1]) + x&1) >> 1)
	}
}
