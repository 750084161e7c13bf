package jpeg

// margin is how many bytes lie to the left of a row of samples, of which the last is a copy of the first sample.
const margin = 32

// plane holds some rows of a component: those of one row of MCUs, or of two, so that there are rows above and below.
type plane struct {
	*component
	method   method
	hx, vx   int // how much larger the picture is
	rows     int // of samples in a row of MCUs
	ring     int // rows of MCUs
	stride   int
	samples  []byte
	line     []byte // a row of the picture's width
	quant    [64]int16
	latched  bool
	from, to int // the rows of samples that are wanted
}

// planes makes rows of a picture from its components' samples.
type planes struct {
	m        *Image
	comps    []plane
	vertical bool // rows depend on those above and below
	rows     int  // of the picture in a row of MCUs
}

func newPlanes(m *Image) *planes {
	f := m.frame
	p := &planes{m: m, rows: 8 * f.v}
	for i := range f.comps {
		p.vertical = p.vertical || methodOf(&f.comps[i], f).vertical()
	}
	for i := range f.comps {
		c := &f.comps[i]
		l := plane{component: c, method: methodOf(c, f), hx: f.h / c.h, vx: f.v / c.v, rows: 8 * c.v, ring: 1, to: c.height}
		if p.vertical {
			l.ring = 2
		}
		l.stride = l.size(f)
		l.samples = make([]byte, l.ring*l.rows*l.stride)
		if l.method != whole {
			l.line = make([]byte, lineSize(f))
		}
		p.comps = append(p.comps, l)
	}
	return p
}

// size is how long a row is: as many blocks as the MCUs have, and one more, as blocks are transformed by twos.
func (l *plane) size(f *frame) int { return margin + (8*f.mcusX*l.h+8+31)&^31 + margin }

func lineSize(f *frame) int { return 8*f.mcusX*f.h + 2*margin }

// memory is how many bytes a picture's planes take.
func (f *frame) memory() (n int64) {
	for i := range f.comps {
		l := plane{component: &f.comps[i]}
		n += int64(2*8*l.v*l.size(f) + lineSize(f))
	}
	return n
}

// start returns where row y lies.
func (l *plane) start(y int) int {
	return (y/l.rows%l.ring*l.rows+y%l.rows)*l.stride + margin
}

// row returns row y, or the nearest that there is, from its first sample on.
func (l *plane) row(y int) []byte { return l.samples[l.start(min(max(y, 0), l.height-1)):] }

// want says that rows y0 to y1 of the picture are going to be read.
func (p *planes) want(y0, y1 int) {
	for i := range p.comps {
		l := &p.comps[i]
		l.from, l.to = y0/l.vx, ceil(y1, l.vx)
		if l.method.vertical() {
			l.from, l.to = l.from-1, l.to+1
		}
	}
}

// wants tells whether anything is wanted of a row of blocks.
func (l *plane) wants(blocks int) bool { return 8*blocks < l.to && 8*blocks+8 > l.from }

// bands tells which rows of MCUs the rows y0 to y1 depend on.
func (p *planes) bands(y0, y1 int) (from, to int) {
	if p.vertical {
		y0, y1 = max(y0-p.m.frame.v, 0), min(y1+p.m.frame.v, p.m.Height)
	}
	return y0 / p.rows, ceil(y1, p.rows)
}

// widen copies the outermost samples of a row of MCUs outwards, as interpolation wants them.
func (p *planes) widen(band int) {
	for i := range p.comps {
		l := &p.comps[i]
		if l.method != wider && l.method != both {
			continue
		}
		for y := band * l.rows; y < min((band+1)*l.rows, l.height); y++ {
			at := l.start(y)
			l.samples[at-1] = l.samples[at]
			l.samples[at+l.width] = l.samples[at+l.width-1]
		}
	}
}

// full returns row y of the picture's size.
func (l *plane) full(y, width int) []byte {
	// The further row is above for the upper half of a sample, below for the lower.
	near, half := y/l.vx, y%l.vx
	switch l.method {
	case whole:
		return l.row(y)
	case wider:
		upsampleWider(l.line, l.samples, l.start(y), l.width)
	case taller:
		upsampleTaller(l.line, l.row(near), l.row(near-1+2*half), l.width, 1+half)
	case both:
		at := l.start(near)
		far := l.start(min(max(near-1+2*half, 0), l.height-1))
		upsampleBoth(l.line, l.samples, at, far, l.width)
	case repeated:
		if l.hx == 1 {
			return l.row(near)
		}
		repeat(l.line[:width], l.row(near), l.hx)
	}
	return l.line
}

// emit makes row y of the picture.
func (p *planes) emit(y int, dst []byte) {
	var rows [4][]byte
	for i := range p.comps {
		rows[i] = p.comps[i].full(y, p.m.Width)
	}
	switch dst = dst[:p.m.Width*p.m.Channels]; p.m.colour {
	case grey:
		copy(dst, rows[0])
	case yCbCr:
		convert(dst, rows[0], rows[1], rows[2])
	case rgb:
		interleave(dst, rows[0], rows[1], rows[2])
	case ycck:
		convert(dst, rows[0], rows[1], rows[2])
		invert(dst)
		applyBlack(dst, rows[3])
	case cmyk:
		interleave(dst, rows[0], rows[1], rows[2])
		applyBlack(dst, rows[3])
	case asTheyAre:
		n := p.m.Channels
		for i, row := range rows[:n] {
			for x := range p.m.Width {
				dst[n*x+i] = row[x]
			}
		}
	}
}
