package kernels

import (
	"math"
	"unsafe"

	"golang.org/x/sys/cpu"
)

var _ = register(Definition{
	Name: "bilateral", Order: 23, Border: BorderReflect101,
	Doc: "smooths, keeps edges: mean of a disc where the near and the alike count more (bilateralFilter, ±1 of OpenCV)",
	Params: []Param{
		{Name: "d", Kind: KindInt, Default: 9, Min: 1, Max: 63, Odd: true, Doc: "diameter of the disc; 1 means 3"},
		{Name: "color", Kind: KindFloat, Default: 75, Min: 0.1, Max: 1e4, Doc: "standard deviation of differences, summed over red, green and blue"},
		{Name: "space", Kind: KindFloat, Default: 75, Min: 0.1, Max: 1e4, Doc: "standard deviation of distances in pixels"},
	},
	Build: func(a Args, channels int) ([]Op, error) {
		return []Op{newBilateral(max(1, a.Int("d")/2), a.Float("color"), a.Float("space"), channels)}, nil
	},
})

// bilateral is the filter of Tomasi and Manduchi (1998). Weights and sums are float32, in the order and with the roundings of
// OpenCV 4.6 on processors that have AVX2, where a product is added without being rounded before. Only the last pixels of a
// row, which OpenCV takes one by one in another order, may differ by 1.
type bilateral struct {
	radius int
	taps   []bilateralTap
	colour []float32 // weights by the sum of the channels' differences
}

// bilateralTap is a pixel of the disc. The assembly reads it.
type bilateralTap struct {
	offset int // from the first one's place, in bytes of planes
	weight float32
	dx, dy int16
}

func newBilateral(radius int, colour, space float64, channels int) *bilateral {
	b := &bilateral{radius: radius, colour: make([]float32, 255*channels+1)}
	for i := range b.colour {
		// Grey is a colour of three equal channels.
		b.colour[i] = bilateralWeight(float64(i*3/channels), colour)
	}
	for dy := -radius; dy <= radius; dy++ {
		for dx := -radius; dx <= radius; dx++ {
			if dx*dx+dy*dy <= radius*radius {
				distance := math.Sqrt(float64(dx*dx + dy*dy))
				b.taps = append(b.taps, bilateralTap{weight: bilateralWeight(distance, space), dx: int16(dx), dy: int16(dy)})
			}
		}
	}
	return b
}

// bilateralWeight is the normal distribution's. What is too small to count beside the middle's weight of 1 is 0, so that
// products of two weights are 0 or normal numbers.
func bilateralWeight(x, sigma float64) float32 {
	const least = 1.0 / (1 << 60)
	w := math.Exp(float64(x*x) * (-0.5 / float64(sigma*sigma)))
	if w < least {
		return 0
	}
	return float32(w)
}

func (b *bilateral) OutShape(in Shape) Shape { return in }
func (b *bilateral) InRows(out Rows) Rows    { return out.Grow(b.radius) }
func (b *bilateral) Border() Border          { return BorderReflect101 }

// Reference takes the disc's pixels one by one.
func (b *bilateral) Reference(in Planes) Planes {
	h, w := in[0].Dims()
	out := newPlanes(len(in), h, w)
	sums := make([]float32, len(in))
	for y := range h {
		for x := range w {
			clear(sums)
			total := float32(0)
			for _, t := range b.taps {
				i, j := BorderReflect101.At(y+int(t.dy), h), BorderReflect101.At(x+int(t.dx), w)
				distance := 0.0
				for _, plane := range in {
					distance += math.Abs(plane.At(i, j) - plane.At(y, x))
				}
				weight := t.weight * b.colour[int(distance)]
				total += weight
				for c, plane := range in {
					sums[c] = multiplyAdd(float32(plane.At(i, j)), weight, sums[c])
				}
			}
			for c, sum := range sums {
				mean := sum / total
				if len(in) > 1 {
					mean = sum * (1 / total)
				}
				out[c].Set(y, x, math.RoundToEven(float64(mean)))
			}
		}
	}
	return out
}

// multiplyAdd returns v·w + sum, rounded once, for a sample v. Neither w nor sum is smaller than normal numbers unless it is 0.
func multiplyAdd(v, w, sum float32) float32 {
	product := float64(v) * float64(w) // is exact
	s := product + float64(sum)
	if isMiddle(s) {
		s = unrounded(s, product, float64(sum))
	}
	return float32(s)
}

// isMiddle tells whether s is in the middle between two float32.
func isMiddle(s float64) bool { return math.Float64bits(s)&(1<<29-1) == 1<<28 }

// unrounded returns s = a + b, which is in the middle between two float32; but if that is so because it was rounded itself, it
// returns what is next to it on the side where the sum is. The rounding's error is found by Knuth's two-sum.
func unrounded(s, a, b float64) float64 {
	back := s - a
	err := (a - (s - back)) + (b - back)
	switch {
	case err > 0:
		return math.Nextafter(s, math.Inf(1))
	case err < 0:
		return math.Nextafter(s, math.Inf(-1))
	}
	return s
}

const (
	bilateralPixels = 512 // of a row in one go
	bilateralRows   = 32
	bilateralSlack  = 64 // bytes that the assembly may read or write beyond a row
)

func (b *bilateral) Bind(in Shape) Applier {
	a := &bilateralApplier{bilateral: b, in: in, pixels: min(bilateralPixels, in.Width)}
	a.stride = (a.pixels+2*b.radius+bilateralSlack)&^63 + 64
	a.rowStride = a.stride * in.Channels
	a.planes = make([]byte, (bilateralRows+2*b.radius)*a.rowStride)
	a.out = make([]byte, a.pixels*in.Channels+bilateralSlack)
	a.sums = make([]float32, a.pixels*(in.Channels+1))
	for _, t := range b.taps {
		t.offset = (int(t.dy)+b.radius)*a.rowStride + int(t.dx) + b.radius
		a.taps = append(a.taps, t)
	}
	return a
}

type bilateralApplier struct {
	*bilateral
	in        Shape
	pixels    int // of a row in one go
	taps      []bilateralTap
	planes    []byte // of some rows, each channel on its own, with what the border rule puts to the left and right
	stride    int    // from one channel to the next
	rowStride int
	out       []byte
	sums      []float32 // of the weighted channels, then of weights
}

// Apply implements Applier.
func (a *bilateralApplier) Apply(dst, src [][]byte, _ Rows) {
	for y := 0; y < len(dst); y += bilateralRows {
		rows := dst[y:min(y+bilateralRows, len(dst))]
		for lo := 0; lo < a.in.Width; lo += a.pixels {
			n := min(a.pixels, a.in.Width-lo)
			for i, row := range src[y : y+len(rows)+2*a.radius] {
				a.separate(a.planes[i*a.rowStride:], row, lo, n)
			}
			for i, out := range rows {
				a.row(out[lo*a.in.Channels:(lo+n)*a.in.Channels], i*a.rowStride)
			}
		}
	}
}

// separate writes the channels of n pixels from lo on, and of those to the left and right of them.
func (a *bilateralApplier) separate(planes, row []byte, lo, n int) {
	c, r := a.in.Channels, a.radius
	from, to := max(0, lo-r), min(a.in.Width, lo+n+r)
	for channel := range c {
		plane := planes[channel*a.stride:][:n+2*r]
		first := from - lo + r
		samples := row[from*c+channel : (to-1)*c+channel+1]
		inner := plane[first : first+to-from]
		if c == 1 {
			copy(inner, samples)
		} else {
			for i := range inner {
				inner[i] = samples[i*c]
			}
		}
		for i := range first {
			plane[i] = row[BorderReflect101.At(lo-r+i, a.in.Width)*c+channel]
		}
		for i := first + to - from; i < len(plane); i++ {
			plane[i] = row[BorderReflect101.At(lo-r+i, a.in.Width)*c+channel]
		}
	}
}

// row filters a row of pixels, whose discs' first row begins at base.
func (a *bilateralApplier) row(out []byte, base int) {
	c := a.in.Channels
	n := len(out) / c
	first := &a.planes[base]
	middle := &a.planes[base+a.radius*(a.rowStride+1)]
	taps := (*byte)(unsafe.Pointer(unsafe.SliceData(a.taps)))
	var filter func(dst, middle, first *byte, stride int, taps *byte, count int, colour *float32, blocks int)
	lanes := 8
	switch {
	case path >= isaAVX512 && c == 3:
		filter, lanes = bilateral3AVX512, 16
	case path >= isaAVX512:
		filter, lanes = bilateral1AVX512, 16
	case path >= isaAVX2 && cpu.X86.HasFMA && c == 3:
		filter = bilateral3AVX2
	case path >= isaAVX2 && cpu.X86.HasFMA:
		filter = bilateral1AVX2
	default:
		a.rowWords(out, base)
		return
	}
	filter(&a.out[0], middle, first, a.stride, taps, len(a.taps), &a.colour[0], (n+lanes-1)/lanes)
	copy(out, a.out)
}

// rowWords is row in Go.
func (a *bilateralApplier) rowWords(out []byte, base int) {
	c := a.in.Channels
	n := len(out) / c
	clear(a.sums)
	total := a.sums[c*n:][:n]
	middle := base + a.radius*(a.rowStride+1)
	for _, t := range a.taps {
		if c == 1 {
			here, there, sum := a.planes[middle:][:n], a.planes[base+t.offset:][:n], a.sums[:n]
			for x, v := range there {
				d := int(v) - int(here[x])
				weight := t.weight * a.colour[max(d, -d)]
				total[x] += weight
				sum[x] = multiplyAdd(float32(v), weight, sum[x])
			}
			continue
		}
		here0, here1, here2 := a.planes[middle:][:n], a.planes[middle+a.stride:][:n], a.planes[middle+2*a.stride:][:n]
		at := base + t.offset
		there0, there1, there2 := a.planes[at:][:n], a.planes[at+a.stride:][:n], a.planes[at+2*a.stride:][:n]
		sum0, sum1, sum2 := a.sums[:n], a.sums[n:][:n], a.sums[2*n:][:n]
		for x, v0 := range there0 {
			v1, v2 := there1[x], there2[x]
			d0, d1, d2 := int(v0)-int(here0[x]), int(v1)-int(here1[x]), int(v2)-int(here2[x])
			weight := t.weight * a.colour[max(d0, -d0)+max(d1, -d1)+max(d2, -d2)]
			total[x] += weight
			w := float64(weight)
			p0, p1, p2 := float64(v0)*w, float64(v1)*w, float64(v2)*w
			s0, s1, s2 := p0+float64(sum0[x]), p1+float64(sum1[x]), p2+float64(sum2[x])
			if isMiddle(s0) || isMiddle(s1) || isMiddle(s2) { // as multiplyAdd, which is too large to be inlined
				sum0[x], sum1[x] = multiplyAdd(float32(v0), weight, sum0[x]), multiplyAdd(float32(v1), weight, sum1[x])
				sum2[x] = multiplyAdd(float32(v2), weight, sum2[x])
				continue
			}
			sum0[x], sum1[x], sum2[x] = float32(s0), float32(s1), float32(s2)
		}
	}
	for x, w := range total {
		if c == 1 {
			out[x] = roundByte(a.sums[x] / w)
			continue
		}
		w = 1 / w
		out[3*x], out[3*x+1], out[3*x+2] = roundByte(a.sums[x]*w), roundByte(a.sums[n+x]*w), roundByte(a.sums[2*n+x]*w)
	}
}
