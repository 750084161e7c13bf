package raster

import (
	"fmt"
	"image"
	"image/color"
)

// toPixels converts what the decoders of the standard library make, dropping alpha and the lower 8 of 16 bits.
func toPixels(img image.Image, channels int) (*pixels, error) {
	b := img.Bounds()
	p := newPixels(b.Dx(), b.Dy(), channels)
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
		default:
			return nil, fmt.Errorf("its decoder makes a %T, which is not supported", img)
		}
	}
	return p, nil
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
