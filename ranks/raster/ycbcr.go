package raster

import "image"

// fromYCbCr makes RGB of a decoded JPEG's planes. It enlarges the chroma and converts as libjpeg does by default, which OpenCV
// follows: between two samples lie weighted means (jdsample.c, "fancy upsampling"), and sums of products are rounded to nearest
// (jdcolor.c). The standard library repeats samples, which shows as steps along coloured edges.
func fromYCbCr(p *pixels, img *image.YCbCr) {
	u := upsampler{width: p.width, ratio: img.SubsampleRatio, stride: img.CStride}
	u.cw, u.ch = p.width, p.height
	switch img.SubsampleRatio {
	case image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420:
		u.cw = (p.width + 1) / 2
	}
	switch img.SubsampleRatio {
	case image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio420:
		u.ch = (p.height + 1) / 2
	}
	cb, cr := make([]byte, p.width+1), make([]byte, p.width+1) // an odd width has half a sample too many
	u.sums = make([]int, u.cw)
	for y := range p.height {
		convertYCbCr(p.row(y), img.Y[y*img.YStride:], u.row(cb, img.Cb, y), u.row(cr, img.Cr, y))
	}
}

// convertYCbCr converts a row. The constants are those of JFIF, times 65536.
func convertYCbCr(dst, ys, cbs, crs []byte) {
	const half = 1 << 15
	n := len(dst) / 3
	ys, cbs, crs = ys[:n], cbs[:n], crs[:n]
	for x := range n {
		y, cb, cr := int(ys[x]), int(cbs[x])-128, int(crs[x])-128
		d := dst[3*x : 3*x+3]
		d[0] = clamp(y + (91881*cr+half)>>16)
		d[1] = clamp(y + (-22554*cb-46802*cr+half)>>16)
		d[2] = clamp(y + (116130*cb+half)>>16)
	}
}

func clamp(v int) byte {
	if uint(v) > 255 {
		return byte(^(v >> 63)) // 0 if v is negative, else 255
	}
	return byte(v)
}

// upsampler enlarges a chroma plane to the size of the luma, a row at a time.
type upsampler struct {
	width  int // of a row of luma
	ratio  image.YCbCrSubsampleRatio
	stride int
	cw, ch int   // the chroma samples that belong to the picture
	sums   []int // of one row of chroma, weighted vertically
}

// row returns row y of the enlarged plane, in dst unless it lies in the plane already.
func (u *upsampler) row(dst, plane []byte, y int) []byte {
	line := func(y int) []byte { return plane[min(max(y, 0), u.ch-1)*u.stride:] }
	switch u.ratio {
	case image.YCbCrSubsampleRatio444:
		return line(y)
	case image.YCbCrSubsampleRatio440:
		near, far := line(y/2), line(y/2+y%2*2-1)
		for x := range dst[:u.width] {
			dst[x] = byte((3*int(near[x]) + int(far[x]) + 1 + y%2) >> 2)
		}
		return dst
	case image.YCbCrSubsampleRatio422:
		for x, v := range line(y)[:u.cw] {
			u.sums[x] = int(v)
		}
		return u.wider(dst, 2, 1, 2)
	case image.YCbCrSubsampleRatio420:
		near, far := line(y / 2)[:u.cw], line(y/2 + y%2*2 - 1)[:u.cw]
		if u.cw <= 2 {
			far = near // libjpeg repeats the samples of what is as narrow as this
		}
		for x := range near {
			u.sums[x] = 3*int(near[x]) + int(far[x])
		}
		return u.wider(dst, 4, 8, 7)
	case image.YCbCrSubsampleRatio411:
		return u.repeated(dst, line(y))
	default: // 410
		return u.repeated(dst, plane[y/2*u.stride:])
	}
}

// wider doubles the width of sums: each sample gets a right half nearer to the next and a left half nearer to the one before.
// The two means are shifted by bits after their rounding terms were added.
func (u *upsampler) wider(dst []byte, bits uint, left, right int) []byte {
	s, last := u.sums, len(u.sums)-1
	if len(s) <= 2 {
		for x := range dst[:u.width] {
			dst[x] = byte(s[x/2] >> (bits - 2))
		}
		return dst
	}
	dst[0] = byte((4*s[0] + left) >> bits)
	for i := range s[:last] {
		dst[2*i+1] = byte((3*s[i] + s[i+1] + right) >> bits)
		dst[2*i+2] = byte((3*s[i+1] + s[i] + left) >> bits)
	}
	dst[2*last+1] = byte((4*s[last] + right) >> bits)
	return dst
}

func (u *upsampler) repeated(dst, line []byte) []byte {
	for x := range dst[:u.width] {
		dst[x] = line[x/4]
	}
	return dst
}
