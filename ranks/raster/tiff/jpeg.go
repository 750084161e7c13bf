package tiff

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
)

// decodeJPEG is a JPEG by the standard library.
func decodeJPEG(dst, tables, data []byte, width, height, components int, ycc bool) (err error) {
	defer func() {
		if e := recover(); e != nil { // a library's decoder may trip over what a hostile file says
			err = fmt.Errorf("its JPEG data: %v", e)
		}
	}()
	stream, err := spliced(tables, data, components, ycc)
	if err != nil {
		return err
	}
	head, err := jpeg.DecodeConfig(bytes.NewReader(stream))
	if err != nil {
		return err
	}
	parts := 3
	switch head.ColorModel {
	case color.GrayModel:
		parts = 1
	case color.CMYKModel:
		parts = 4
	}
	if head.Width != width || head.Height != height || parts != components {
		return fmt.Errorf("its JPEG data is of %d×%d pixels of %d components, not %d×%d of %d", head.Width, head.Height, parts, width, height, components)
	}
	img, err := jpeg.Decode(bytes.NewReader(stream))
	if err != nil {
		return err
	}
	switch img := img.(type) {
	case *image.Gray:
		for y := range height {
			copy(dst[y*width:(y+1)*width], img.Pix[y*img.Stride:])
		}
	case *image.YCbCr:
		for y := range height {
			for x := range width {
				i, j := img.YOffset(x, y), img.COffset(x, y)
				d := dst[3*(y*width+x):]
				d[0], d[1], d[2] = color.YCbCrToRGB(img.Y[i], img.Cb[j], img.Cr[j])
			}
		}
	case *image.RGBA:
		for y := range height {
			for x := range width {
				copy(dst[3*(y*width+x):][:3], img.Pix[y*img.Stride+4*x:])
			}
		}
	case *image.CMYK: // inverted by the library, since Adobe's are
		for y := range height {
			for i, v := range img.Pix[y*img.Stride:][:4*width] {
				dst[4*y*width+i] = ^v
			}
		}
	default:
		return fmt.Errorf("its JPEG data makes a %T", img)
	}
	return nil
}

// spliced puts the tables before the data, and a marker of Adobe's that says what the components are.
func spliced(tables, data []byte, components int, ycc bool) ([]byte, error) {
	const begin = "\xff\xd8"
	if !bytes.HasPrefix(data, []byte(begin)) {
		return nil, errors.New("its JPEG data does not begin as JPEG does")
	}
	out := []byte(begin)
	if components > 1 {
		kind := byte(0)
		if ycc {
			kind = 1
		}
		out = append(append(out, "\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"...), kind)
	}
	if len(tables) > 0 {
		if !bytes.HasPrefix(tables, []byte(begin)) {
			return nil, errors.New("its JPEG tables do not begin as JPEG does")
		}
		out = append(out, bytes.TrimSuffix(tables[2:], []byte("\xff\xd9"))...)
	}
	// Markers of the stream's own would have the last word: leave out those of Adobe.
	for data = data[2:]; len(data) >= 4 && data[0] == 0xff && data[1] != 0xda; {
		n := 2 + int(binary.BigEndian.Uint16(data[2:]))
		if n < 4 || n > len(data) {
			break
		}
		if data[1] != 0xee {
			out = append(out, data[:n]...)
		}
		data = data[n:]
	}
	return append(out, data...), nil
}
