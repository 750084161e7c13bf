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

// oriented returns the picture as an EXIF orientation wants it shown.
func (p *pixels) oriented(orientation int) *pixels {
	if orientation <= 1 {
		return p
	}
	w, h := p.width, p.height
	if orientation > 4 {
		w, h = h, w
	}
	out := newPixels(w, h, p.channels)
	n := p.channels
	for y := range h {
		row := out.row(y)
		for x := range w {
			fx, fy := x, y
			switch orientation {
			case 2: // mirrored left to right
				fx = p.width - 1 - x
			case 3: // upside down
				fx, fy = p.width-1-x, p.height-1-y
			case 4: // mirrored top to bottom
				fy = p.height - 1 - y
			case 5: // transposed
				fx, fy = y, x
			case 6: // turned, to be shown a quarter clockwise
				fx, fy = y, p.height-1-x
			case 7: // transposed over the other diagonal
				fx, fy = p.width-1-y, p.height-1-x
			case 8: // turned, to be shown a quarter counter-clockwise
				fx, fy = p.width-1-y, x
			}
			copy(row[x*n:(x+1)*n], p.row(fy)[fx*n:(fx+1)*n])
		}
	}
	return out
}
