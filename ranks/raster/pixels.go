package raster

// pixels is a decoded picture.
type pixels struct {
	width, height, channels int
	data                    []byte
}

func newPixels(width, height, channels int) *pixels {
	return &pixels{width, height, channels, make([]byte, width*height*channels)}
}

func (p *pixels) row(y int) []byte {
	n := p.width * p.channels
	return p.data[y*n : (y+1)*n]
}

// pick copies the bytes at r, g, b of every pixel of the given size; with one channel, that at r.
func pick(dst []byte, channels int, src []byte, width, size, r, g, b int) {
	if channels == 1 {
		for x := range dst[:width] {
			dst[x] = src[x*size+r]
		}
		return
	}
	for x := range width {
		s := src[x*size : x*size+size]
		d := dst[3*x : 3*x+3]
		d[0], d[1], d[2] = s[r], s[g], s[b]
	}
}
