package jpeg

import (
	"fmt"
	"sync"

	"halorun/ranks/raster/metadata"
)

// Sampling tells how many samples of colour there are.
type Sampling int

// Colour has half of luma's rows and columns, by default; half of its columns; or all.
const (
	Sampling420 Sampling = iota
	Sampling422
	Sampling444
)

// Options say what to encode and how.
type Options struct {
	Width, Height int // at most 65535
	Channels      int // 1 for grey, or 3 for RGB
	Quality       int // 1 to 100, as libjpeg understands it
	Sampling      Sampling
	Meta          metadata.Metadata // what JPEG has a place for is written
}

// Encoder makes baseline JPEG of rows. It may be used by several goroutines.
type Encoder struct {
	o          Options
	h, v       int // of luma, beside colour
	mcusX      int
	quant      [2][64]uint16
	divisors   [2]divisors
	dc, ac     [2][256]huffmanCode
	workspaces sync.Pool // of *workspace
	perSegment int       // the most bytes
}

// The tables of T.81, annex K.1, row by row.
var standardQuant = [2][64]uint16{
	{
		16, 11, 10, 16, 24, 40, 51, 61,
		12, 12, 14, 19, 26, 58, 60, 55,
		14, 13, 16, 24, 40, 57, 69, 56,
		14, 17, 22, 29, 51, 87, 80, 62,
		18, 22, 37, 56, 68, 109, 103, 77,
		24, 35, 55, 64, 81, 104, 113, 92,
		49, 64, 78, 87, 103, 121, 120, 101,
		72, 92, 95, 98, 112, 100, 103, 99,
	},
	{
		17, 18, 24, 47, 99, 99, 99, 99,
		18, 21, 26, 66, 99, 99, 99, 99,
		24, 26, 56, 99, 99, 99, 99, 99,
		47, 66, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99,
	},
}

// worstBlock is the most bytes of a block, with zeros between them.
const worstBlock = 2 * worstPlain

// NewEncoder returns an Encoder, or an error that says which option is impossible.
func NewEncoder(o Options) (*Encoder, error) {
	switch {
	case o.Width < 1 || o.Height < 1 || o.Width > 65535 || o.Height > 65535:
		return nil, fmt.Errorf("JPEG has room for 1 to 65535 pixels a side, not for %d×%d", o.Width, o.Height)
	case o.Channels != 1 && o.Channels != 3:
		return nil, fmt.Errorf("JPEG of %d channels is not written; 1 and 3 are", o.Channels)
	case o.Quality < 1 || o.Quality > 100:
		return nil, fmt.Errorf("JPEG's quality is 1 to 100, not %d", o.Quality)
	case o.Sampling < Sampling420 || o.Sampling > Sampling444:
		return nil, fmt.Errorf("JPEG's sampling %d is unknown", o.Sampling)
	}
	e := &Encoder{o: o, h: 2, v: 2}
	if o.Channels == 1 || o.Sampling == Sampling444 {
		e.h, e.v = 1, 1
	} else if o.Sampling == Sampling422 {
		e.v = 1
	}
	e.mcusX = ceil(o.Width, 8*e.h)
	scale := 200 - 2*o.Quality
	if o.Quality < 50 {
		scale = 5000 / o.Quality
	}
	for i := range e.quant {
		for k, q := range standardQuant[i] {
			e.quant[i][k] = uint16(min(max((int(q)*scale+50)/100, 1), 255))
		}
		e.divisors[i] = newDivisors(&e.quant[i])
	}
	e.dc = [2][256]huffmanCode{codesOf(&standardDCLuma), codesOf(&standardDCChroma)}
	e.ac = [2][256]huffmanCode{codesOf(&standardACLuma), codesOf(&standardACChroma)}
	e.perSegment = e.mcusX*e.blocksOfAnMCU()*worstBlock + 4
	e.workspaces.New = func() any { return e.newWorkspace() }
	return e, nil
}

func (e *Encoder) blocksOfAnMCU() int {
	if e.o.Channels == 1 {
		return 1
	}
	return e.h*e.v + 2
}

// SegmentRows is how many rows a segment has, but for the last, which has what is left: a row of MCUs.
func (e *Encoder) SegmentRows() int { return 8 * e.v }

// Bound is the most bytes that a segment encodes to, which pictures do not come near.
func (e *Encoder) Bound() int { return e.perSegment }

// workspace is what the encoding of a segment works with.
type workspace struct {
	stride int
	planes [3][]byte // rows of samples, as many as a row of blocks has, or two
	full   [2][]byte // two rows of colour each, before they are shrunk
	coefs  [3][]int16
	masks  [3][]uint64
	bits   bitWriter
}

func (e *Encoder) newWorkspace() *workspace {
	s := &workspace{stride: 8*e.mcusX*e.h + 64}
	for c := range e.o.Channels {
		rows, blocks := 8, e.mcusX
		if c == 0 {
			rows, blocks = 8*e.v, e.mcusX*e.h*e.v
		} else {
			s.full[c-1] = make([]byte, 2*s.stride)
		}
		s.planes[c] = make([]byte, rows*s.stride)
		s.coefs[c], s.masks[c] = make([]int16, 64*(blocks+2)), make([]uint64, blocks+2)
	}
	return s
}

// Encode appends the segment that begins at row y, a multiple of SegmentRows, to dst. rows are all of its rows, of Width·Channels bytes.
func (e *Encoder) Encode(dst []byte, y int, rows [][]byte) ([]byte, error) {
	if want := min(e.SegmentRows(), e.o.Height-y); y < 0 || y%e.SegmentRows() != 0 || len(rows) != want {
		return nil, fmt.Errorf("jpeg: %d rows at row %d are no segment", len(rows), y)
	}
	s := e.workspaces.Get().(*workspace)
	defer e.workspaces.Put(s)
	if e.o.Channels == 1 {
		e.takeGrey(s, rows)
	} else {
		e.takeRGB(s, rows)
	}
	down := ceil(len(rows), 8) // rows of blocks of luma
	e.transform(s, 0, ceil(e.o.Width, 8), down, e.mcusX*e.h)
	for c := 1; c < e.o.Channels; c++ {
		e.transform(s, c, e.mcusX, 1, e.mcusX)
	}
	if y > 0 {
		dst = append(dst, 0xff, markerRST0+byte(y/e.SegmentRows()-1)&7)
	}
	return e.write(s, dst, down), nil
}

// takeGrey copies rows, and repeats the outermost samples to fill up blocks.
func (e *Encoder) takeGrey(s *workspace, rows [][]byte) {
	for i, row := range rows {
		to := s.planes[0][i*s.stride:][:s.stride]
		copy(to, row[:e.o.Width])
		extendRow(to, e.o.Width, 8*e.mcusX)
	}
	s.repeatRows(0, len(rows), 8)
}

// takeRGB makes planes of YCbCr, of which the colour ones are shrunk. A missing last row is that before it, as far as there is one pixel of
// colour for it; below that pixel it is repeated.
func (e *Encoder) takeRGB(s *workspace, rows [][]byte) {
	across := 8 * ceil(e.o.Width, 8)
	for i, row := range rows {
		luma := s.planes[0][i*s.stride:][:s.stride]
		at := i % e.v * s.stride
		cb, cr := s.full[0][at:at+s.stride], s.full[1][at:at+s.stride]
		split(luma, cb, cr, row[:3*e.o.Width])
		extendRow(luma, e.o.Width, across)
		extendRow(cb, e.o.Width, 8*e.mcusX*e.h)
		extendRow(cr, e.o.Width, 8*e.mcusX*e.h)
		if i%e.v < e.v-1 && i < len(rows)-1 {
			continue
		}
		for c, full := range s.full {
			dst := s.planes[c+1][i/e.v*s.stride:][:s.stride]
			switch {
			case e.v == 2:
				shrink(dst, full, full[at:], 8*e.mcusX)
			case e.h == 2:
				halve(dst, full, 8*e.mcusX)
			default:
				copy(dst, full[:8*e.mcusX])
			}
		}
	}
	s.repeatRows(0, len(rows), 8*ceil(len(rows), 8))
	for c := 1; c < 3; c++ {
		s.repeatRows(c, ceil(len(rows), e.v), 8)
	}
}

// extendRow repeats the last of n samples up to the given number.
func extendRow(row []byte, n, to int) {
	for i := n; i < to; i++ {
		row[i] = row[n-1]
	}
}

// repeatRows repeats the last of n rows.
func (s *workspace) repeatRows(plane, n, to int) {
	p := s.planes[plane]
	for y := n; y < to; y++ {
		copy(p[y*s.stride:(y+1)*s.stride], p[(n-1)*s.stride:n*s.stride])
	}
}

// transform makes coefficients of a plane's blocks. There is room for more in a row of them.
func (e *Encoder) transform(s *workspace, c, across, down, room int) {
	for y := range down {
		fdcts(s.coefs[c][64*y*room:], s.masks[c][y*room:], s.planes[c][8*y*s.stride:], s.stride, across, &e.divisors[min(c, 1)])
	}
}

// write codes the MCUs. Blocks of luma beyond the picture's have the same DC coefficient as the one before, and no others.
func (e *Encoder) write(s *workspace, dst []byte, down int) []byte {
	across := ceil(e.o.Width, 8)
	w := &s.bits
	var prior [3]int32
	var empty [64]int16
	for mx := range e.mcusX {
		dst = w.flush(dst, e.blocksOfAnMCU())
		for y := range e.v {
			for x := range e.h {
				bx := mx*e.h + x
				if bx >= across || y >= down {
					empty[0] = int16(prior[0])
					w.block(&empty, 0, &prior[0], &e.dc[0], &e.ac[0])
					continue
				}
				at := y*e.mcusX*e.h + bx
				w.block((*[64]int16)(s.coefs[0][64*at:]), s.masks[0][at], &prior[0], &e.dc[0], &e.ac[0])
			}
		}
		for c := 1; c < e.o.Channels; c++ {
			w.block((*[64]int16)(s.coefs[c][64*mx:]), s.masks[c][mx], &prior[c], &e.dc[1], &e.ac[1])
		}
	}
	return w.finish(dst)
}
