package raster

import (
	"fmt"
	"image"
	"image/color"
)

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

// toPixels converts what the decoders of the standard library make, dropping alpha and the lower 8 of 16 bits.
func toPixels(img image.Image, channels int) (*pixels, error) {
	b := img.Bounds()
	p := newPixels(b.Dx(), b.Dy(), channels)
	if img, ok := img.(*image.YCbCr); ok {
		fromYCbCr(p, img)
		return p, nil
	}
	for y := range p.height {
		dst := p.row(y)
		switch img := img.(type) {
		case *image.Gray:
			pick(dst, channels, img.Pix[y*img.Stride:], p.width, 1, 0, 0, 0)
		case *image.Gray16:
			pick(dst, channels, img.Pix[y*img.Stride:], p.width, 2, 0, 0, 0)
		case *image.RGBA:
			pick(dst, channels, img.Pix[y*img.Stride:], p.width, 4, 0, 1, 2)
		case *image.NRGBA:
			pick(dst, channels, img.Pix[y*img.Stride:], p.width, 4, 0, 1, 2)
		case *image.RGBA64:
			pick(dst, channels, img.Pix[y*img.Stride:], p.width, 8, 0, 2, 4)
		case *image.NRGBA64:
			pick(dst, channels, img.Pix[y*img.Stride:], p.width, 8, 0, 2, 4)
		case *image.Paletted:
			fromPalette(dst, channels, img.Pix[y*img.Stride:][:p.width], img.Palette)
		case *image.CMYK:
			fromCMYK(dst, img.Pix[y*img.Stride:][:4*p.width])
		default:
			return nil, fmt.Errorf("its decoder makes a %T, which is not supported", img)
		}
	}
	return p, nil
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

func fromPalette(dst []byte, channels int, src []byte, palette color.Palette) {
	var colours [256][3]byte
	for i, c := range palette {
		n := color.NRGBAModel.Convert(c).(color.NRGBA)
		if n.A == 0 { // Convert loses the colour of what is wholly transparent
			if v, ok := c.(color.NRGBA); ok {
				n = v
			}
		}
		colours[i] = [3]byte{n.R, n.G, n.B}
	}
	for x, v := range src {
		copy(dst[channels*x:channels*(x+1)], colours[v][:])
	}
}

// fromCMYK converts as OpenCV does, which is not quite as image/color does.
func fromCMYK(dst, src []byte) {
	for x := range len(dst) / 3 {
		k := 255 - int(src[4*x+3])
		for c := range 3 {
			dst[3*x+c] = byte(k - int(src[4*x+c])*k>>8)
		}
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
