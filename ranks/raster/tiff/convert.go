package tiff

import (
	"encoding/binary"
	"fmt"
	"math"
)

// converter makes pixels of samples, as libtiff's TIFFReadRGBAImage does, through which OpenCV reads.
type converter struct {
	channels int
	copies   bool   // samples are delivered as they are
	notice   string // what is dropped

	sources  []source
	planar   bool
	take     func(dst, row []byte, first, step int) // samples first, first+step, … of a row, 8 bits each
	step     int
	palette  *[256][3]byte
	inks     bool // four sources: CMYK
	multiply bool // four sources: colours, and alpha that they were not multiplied with
	inverted bool
}

// source is where a sample comes from.
type source struct{ plane, first int }

// converter prepares for blocks of a width.
func (d *directory) converter(l layout, o Options, width int) (*converter, error) {
	c := &converter{planar: l.planar, step: l.samples, inverted: l.photometric == whiteIsZero}
	if l.planar {
		c.step = 1
	}
	bands := []int{1, 2, 3}
	switch {
	case o.Bands != nil:
		bands = o.Bands
	case l.photometric == colourInks:
		c.inks, bands = true, []int{1, 2, 3, 4}
	case l.photometric == colourMap:
		bands = bands[:1]
		if err := c.readPalette(d, l.bits); err != nil {
			return nil, err
		}
	case l.photometric == colourRGB || l.photometric == colourYCbCr:
		if l.samples == 4 && o.Scale == nil && len(l.extra) > 0 && l.extra[0] == 2 {
			c.multiply, bands = true, []int{1, 2, 3, 4}
		}
	default:
		bands = bands[:1]
	}
	for _, b := range bands {
		s := source{first: b - 1}
		if l.planar {
			s = source{plane: b - 1}
		}
		c.sources = append(c.sources, s)
	}
	if c.channels = 3; len(bands) == 1 && c.palette == nil {
		c.channels = 1
	}
	switch {
	case c.multiply:
		c.notice = "alpha dropped, after the colours were multiplied by it"
	case o.Bands == nil && (l.photometric == colourRGB || l.photometric == colourYCbCr) && l.samples == 4, o.Bands == nil && l.samples == 2:
		c.notice = "alpha dropped"
	}
	c.take = taker(l, o.Scale, d.order, c.palette != nil, len(bands) > 1)
	c.copies = l.bits == 8 && l.format == sampleUnsigned && o.Scale == nil && !l.planar && c.palette == nil && !c.inks && !c.multiply &&
		!c.inverted && c.channels == l.samples
	for i, s := range c.sources {
		c.copies = c.copies && s.first == i
	}
	return c, nil
}

// readPalette brings a palette to 8 bits. Its values should have 16; where all are small, libtiff takes them for 8.
func (c *converter) readPalette(d *directory, bits int) error {
	vs := d.list(tagColorMap, 3*256)
	if d.err != nil {
		return d.err
	}
	n := 1 << bits
	if len(vs) != 3*n {
		return fmt.Errorf("its palette has %d values", len(vs))
	}
	shift := 0
	for _, v := range vs {
		if v > 255 {
			shift = 8
		}
	}
	c.palette = new([256][3]byte)
	for i := range n {
		for k := range 3 {
			c.palette[i][k] = byte(vs[k*n+i] >> shift)
		}
	}
	return nil
}

// taker chooses how samples are brought to 8 bits. Indices of a palette are not stretched; 16 bits of colours are rounded by libtiff, but
// not those of grey.
func taker(l layout, s *Scale, order binary.ByteOrder, indices, colours bool) func(dst, row []byte, first, step int) {
	bits := l.bits
	switch {
	case s != nil:
		return scaler(l, *s, order)
	case bits < 8:
		most := 1<<bits - 1
		stretch := byte(255 / most)
		if indices {
			stretch = 1
		}
		return func(dst, row []byte, first, step int) {
			at := first * bits
			for i := range dst {
				dst[i] = row[at>>3] >> (8 - bits - at&7) & byte(most) * stretch
				at += step * bits
			}
		}
	case bits == 8:
		return func(dst, row []byte, first, step int) {
			if step == 1 {
				copy(dst, row[first:])
				return
			}
			for i := range dst {
				dst[i] = row[first]
				first += step
			}
		}
	case !colours:
		high := 0
		if order == binary.LittleEndian {
			high = 1
		}
		return func(dst, row []byte, first, step int) {
			at := 2*first + high
			for i := range dst {
				dst[i] = row[at]
				at += 2 * step
			}
		}
	}
	little := order == binary.LittleEndian
	return func(dst, row []byte, first, step int) {
		at := 2 * first
		for i := range dst {
			v := uint32(row[at])<<8 | uint32(row[at+1])
			if little {
				v = v>>8 | v&255<<8
			}
			dst[i] = byte((v + 128) / 257)
			at += 2 * step
		}
	}
}

// scaler brings samples of any kind to 8 bits.
func scaler(l layout, s Scale, order binary.ByteOrder) func(dst, row []byte, first, step int) {
	value := reading(l, order)
	width := s.Max - s.Min
	return func(dst, row []byte, first, step int) {
		for i := range dst {
			// The product is rounded before the quotient, on every processor.
			v := float64((value(row, first)-s.Min)*255)/width + 0.5
			switch {
			case !(v >= 1): // also what is no number
				dst[i] = 0
			case v >= 255:
				dst[i] = 255
			default:
				dst[i] = byte(v)
			}
			first += step
		}
	}
}

// reading returns a function that reads sample i of a row.
func reading(l layout, order binary.ByteOrder) func(row []byte, i int) float64 {
	signed := l.format == sampleSigned
	switch bits := l.bits; {
	case bits < 8:
		return func(row []byte, i int) float64 {
			at := i * bits
			return float64(row[at>>3] >> (8 - bits - at&7) & byte(1<<bits-1))
		}
	case l.format == sampleFloat && bits == 32:
		return func(row []byte, i int) float64 { return float64(math.Float32frombits(order.Uint32(row[4*i:]))) }
	case l.format == sampleFloat:
		return func(row []byte, i int) float64 { return math.Float64frombits(order.Uint64(row[8*i:])) }
	default:
		size := bits / 8
		return func(row []byte, i int) float64 {
			v := whole(order, row[size*i:], size)
			if signed {
				return float64(int64(v<<(64-bits)) >> (64 - bits))
			}
			return float64(v)
		}
	}
}

// row makes n pixels of the first n of a block's row, one slice for each plane. scratch has room for as many bytes as scratchBytes says.
func (c *converter) row(dst []byte, planes [][]byte, n int, scratch []byte) {
	if c.copies {
		copy(dst[:n*c.channels], planes[0])
		return
	}
	if len(c.sources) == 1 && c.palette == nil {
		s := c.sources[0]
		c.take(dst[:n], planes[s.plane], s.first, c.step)
		c.invert(dst[:n])
		return
	}
	var part [4][]byte
	for i, s := range c.sources {
		part[i] = scratch[i*n : (i+1)*n]
		c.take(part[i], planes[s.plane], s.first, c.step)
	}
	dst = dst[:3*n]
	switch {
	case c.palette != nil:
		for x, v := range part[0] {
			p := &c.palette[v]
			d := dst[3*x : 3*x+3 : 3*x+3]
			d[0], d[1], d[2] = p[0], p[1], p[2]
		}
	case c.inks:
		for x := range n {
			k := 255 - int(part[3][x])
			for i := range 3 {
				dst[3*x+i] = byte(k * (255 - int(part[i][x])) / 255)
			}
		}
	case c.multiply:
		for x := range n {
			a := int(part[3][x])
			for i := range 3 {
				dst[3*x+i] = byte((int(part[i][x])*a + 127) / 255)
			}
		}
	default:
		interleave(dst, part[0], part[1], part[2])
	}
	c.invert(dst)
}

func interleave(dst, r, g, b []byte) {
	n := len(r)
	g, b, dst = g[:n], b[:n], dst[:3*n]
	for x, v := range r {
		dst[3*x], dst[3*x+1], dst[3*x+2] = v, g[x], b[x]
	}
}

func (c *converter) invert(dst []byte) {
	if c.inverted {
		for i := range dst {
			dst[i] = ^dst[i]
		}
	}
}

// scratchBytes is how much room row needs for n pixels.
func (c *converter) scratchBytes(n int) int {
	if c.copies || len(c.sources) == 1 && c.palette == nil {
		return 0
	}
	return len(c.sources) * n
}
