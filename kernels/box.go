package kernels

import "math"

var _ = register(Definition{
	Name: "box", Order: 21, Border: BorderReflect101,
	Doc: "mean of a square, in constant time whatever its size (blur)",
	Params: []Param{
		{Name: "size", Kind: KindInt, Default: 5, Min: 1, Max: 1023, Odd: true, Doc: "width and height of the square"},
	},
	Build: func(a Args, _ int) ([]Op, error) { return []Op{boxFilter{a.Int("size")}}, nil },
})

// boxFilter is the mean of the size × size samples around each. Their sum fits 32 bits. As in OpenCV 4.6, it is divided by
// their number in float32, except for the last samples of a row, where less than eight are left; these take float64.
type boxFilter struct{ size int }

func (b boxFilter) OutShape(in Shape) Shape { return in }
func (b boxFilter) InRows(out Rows) Rows    { return out.Grow(b.size / 2) }
func (b boxFilter) Border() Border          { return BorderReflect101 }
func (b boxFilter) keepsRows() int          { return 4 + 1 } // of sums of 32 bits, and one of nothing

// boxEighths returns how many of a row's n samples are divided in float32.
func boxEighths(n int) int { return n &^ 7 }

// scale returns what sums are multiplied by.
func (b boxFilter) scale() float64 { return 1 / float64(b.size*b.size) }

// Reference adds up every sample of the square.
func (b boxFilter) Reference(in Planes) Planes {
	h, w := in[0].Dims()
	out := newPlanes(len(in), h, w)
	r := b.size / 2
	for c, plane := range in {
		for y := range h {
			for x := range w {
				sum := 0.0
				for i := y - r; i <= y+r; i++ {
					for j := x - r; j <= x+r; j++ {
						sum += plane.At(BorderReflect101.At(i, h), BorderReflect101.At(j, w))
					}
				}
				mean := sum * b.scale()
				if x*len(in)+c < boxEighths(w*len(in)) {
					mean = float64(float32(sum) * float32(b.scale()))
				}
				out[c].Set(y, x, math.RoundToEven(mean))
			}
		}
	}
	return out
}

func (b boxFilter) Bind(in Shape) Applier {
	c, n := in.Channels, in.RowBytes()
	reach := b.size/2 + 1
	a := &boxApplier{
		boxFilter: b, in: in, pad: reach * c, columns: make([]uint32, n+2*reach*c), next: -1, nothing: make([]byte, n),
	}
	for i := range 2 * reach {
		x := i - reach
		if x >= 0 {
			x += in.Width
		}
		for channel := range c {
			a.beyond = append(a.beyond, a.pad+x*c+channel)
			a.mirrors = append(a.mirrors, a.pad+BorderReflect101.At(x, in.Width)*c+channel)
		}
	}
	return a
}

// boxApplier keeps the sums of columns from row to row.
type boxApplier struct {
	boxFilter
	in      Shape
	pad     int      // sums of columns beyond the picture, on each side: one pixel more than the square reaches
	columns []uint32 // those of the row at work; between calls without the top row, for row next
	next    int
	beyond  []int  // where the columns beyond the picture are
	mirrors []int  // and which ones stand for them
	nothing []byte // a row of 0
	carry   boxCarry
}

// Apply implements Applier.
func (a *boxApplier) Apply(dst, src [][]byte, out Rows) {
	n := a.in.RowBytes()
	sums := a.columns[a.pad : a.pad+n]
	if out.Lo != a.next {
		clear(sums)
		for _, row := range src[:a.size-1] {
			boxColumns(sums, row, a.nothing)
		}
	}
	top := a.nothing
	for y, row := range dst {
		boxColumns(sums, src[y+a.size-1], top)
		top = src[y]
		a.along(row)
	}
	boxColumns(sums, a.nothing, top)
	a.next = out.Hi
}

// along makes a row of the result from the sums of its columns.
func (a *boxApplier) along(dst []byte) {
	c, n := a.in.Channels, len(dst)
	for i, to := range a.beyond {
		a.columns[to] = a.columns[a.mirrors[i]]
	}
	carry := &a.carry // begins as the sums at the pixel before the row
	clear(carry[:])
	for i, v := range a.columns[:2*a.pad-c] {
		carry[i%c] += v
	}
	for i := c; i < len(carry); i++ {
		carry[i] = carry[i-c]
	}
	front, back := a.columns[2*a.pad-c:][:n], a.columns[:n]
	most := boxEighths(n)
	boxRow(dst[:most], front, back, carry, float32(a.scale()), c)
	for i := most; i < n; i++ {
		sum := carry[i-most] + front[i] - back[i]
		dst[i] = byte(math.RoundToEven(float64(sum) * a.scale()))
		if i-most+c < len(carry) {
			carry[i-most+c] = sum
		}
	}
}

// boxChunk is how many samples the assembly is given at most, so that it does not run for long.
const boxChunk = 1 << 16

// boxColumns adds plus − minus to the sums.
func boxColumns(sums []uint32, plus, minus []byte) {
	n := len(sums)
	plus, minus = plus[:n], minus[:n]
	columns, block := boxColumnsAVX512, 32
	if path < isaAVX512 {
		columns, block = boxColumnsAVX2, 16
	}
	done := 0
	for path >= isaAVX2 && n-done >= block {
		blocks := min(n-done, boxChunk) / block
		columns(&sums[done], &plus[done], &minus[done], blocks)
		done += blocks * block
	}
	for i := done; i < n; i++ {
		sums[i] += uint32(plus[i]) - uint32(minus[i])
	}
}

// boxCarry holds the running sums before a block of samples: for each lane, that of its channel.
type boxCarry [16]uint32

// boxRow makes running sums of front − back for each channel, and means of them. len(dst) is a multiple of 8.
func boxRow(dst []byte, front, back []uint32, carry *boxCarry, scale float32, channels int) {
	n := len(dst)
	front, back = front[:n], back[:n]
	wide, narrow := boxRow1AVX512, boxRow1AVX2
	if channels == 3 {
		wide, narrow = boxRow3AVX512, boxRow3AVX2
	}
	done := 0
	for path >= isaAVX512 && n-done >= 16 {
		blocks := min(n-done, boxChunk) / 16
		wide(&dst[done], &front[done], &back[done], &carry[0], scale, blocks)
		done += blocks * 16
	}
	for path >= isaAVX2 && n-done >= 8 {
		blocks := min(n-done, boxChunk) / 8
		narrow(&dst[done], &front[done], &back[done], &carry[0], scale, blocks)
		done += blocks * 8
	}
	if done < n {
		boxRowWords(dst[done:], front[done:], back[done:], carry, scale, channels)
	}
}

// boxRowWords is boxRow in Go. Its sums go round: each pixel's first is the one after the last of the pixel before.
func boxRowWords(dst []byte, front, back []uint32, carry *boxCarry, scale float32, channels int) {
	front, back = front[:len(dst)], back[:len(dst)]
	s0, s1, s2 := carry[0], carry[1], carry[2]
	if channels == 1 {
		for i := range dst {
			s0 += front[i] - back[i]
			dst[i] = boxMean(s0, scale)
		}
		s1, s2 = s0, s0
	} else {
		for i := range dst {
			s0, s1, s2 = s1, s2, s0+front[i]-back[i]
			dst[i] = boxMean(s2, scale)
		}
	}
	for i := range carry {
		carry[i] = [3]uint32{s0, s1, s2}[i%3]
	}
}

// boxMean is a sum times scale, rounded.
func boxMean(sum uint32, scale float32) byte { return roundByte(float32(int32(sum)) * scale) }

// roundByte rounds to even a number that becomes a byte. Added to 1.5·2^23, a float32 has no bits left for fractions. The
// conversion keeps compilers from fusing the addition with a multiplication before.
func roundByte(v float32) byte {
	const whole = 3 << 22
	return byte(math.Float32bits(float32(v) + whole))
}
