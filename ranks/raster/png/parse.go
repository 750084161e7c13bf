package png

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/bits"

	"halorun/ranks/raster/metadata"
)

// The colour types.
const (
	grey      = 0
	rgb       = 2
	palette   = 3
	greyAlpha = 4
	rgbAlpha  = 6
)

// deflateExpansion is how many bytes a byte of deflate can at most stand for.
const deflateExpansion = 1032

// Image is a PNG whose chunks were gone through, but not its picture data.
type Image struct {
	Width, Height int
	Channels      int // 1 for grey, else 3, as it is delivered
	Depth         int // bits a sample in the file
	Meta          metadata.Metadata
	Orientation   int      // as in EXIF, 1 to 8
	Notices       []string // what is not delivered, for the user

	src        io.ReaderAt
	size       int64 // of src
	colour     byte
	interlaced bool
	palette    [256][3]byte // black beyond its end
	data       int64        // where the first IDAT chunk begins
}

// Parse goes through the chunks of a file of that size.
func Parse(src io.ReaderAt, size int64) (*Image, error) {
	w := &walker{src: src, size: size}
	begin, err := w.peek(min(size, int64(len(signature))))
	if err != nil {
		return nil, err
	}
	if len(begin) < len(signature) || string(begin[:len(signature)]) != signature {
		return nil, errors.New("not a PNG")
	}
	w.at = int64(len(signature))
	m := &Image{src: src, size: size, Orientation: 1}
	if err := m.parseHeader(w); err != nil {
		return nil, err
	}
	collected := collector{w: w}
	alpha := m.colour == greyAlpha || m.colour == rgbAlpha
	colours, packed, apart := 0, int64(0), false
	for {
		c, err := w.next()
		if err != nil {
			return nil, err
		}
		switch c.kind {
		case "IHDR":
			return nil, Damage("it has a second IHDR")
		case "PLTE":
			if m.colour != palette {
				continue // it is a proposal for those who cannot show all colours
			}
			if m.data > 0 || colours > 0 {
				return nil, Damage("it has a second PLTE, or one behind its picture data")
			}
			if colours, err = m.parsePalette(w, c); err != nil {
				return nil, err
			}
		case "tRNS":
			alpha = true
		case "IDAT":
			switch {
			case apart: // libpng leaves out what comes behind others
			case m.data == 0:
				m.data = c.at - 8
				fallthrough
			default:
				packed += c.n
			}
			continue
		case "IEND":
			if c.n == 0 { // as it should be
				if _, err := w.read(c); err != nil {
					return nil, err
				}
			}
			switch {
			case m.data == 0:
				return nil, Damage("it has no picture data")
			case m.colour == palette && colours == 0:
				return nil, Damage("it has no palette")
			case !m.plausible(packed):
				return nil, damagef("it claims %d×%d pixels, which its %d bytes of picture data cannot hold", m.Width, m.Height, packed)
			}
			if alpha {
				m.Notices = append(m.Notices, "alpha dropped")
			}
			m.Meta, m.Orientation = collected.meta, metadata.Orientation(collected.meta.EXIF)
			m.Notices = append(m.Notices, collected.notices...)
			return m, nil
		default:
			if c.critical() {
				return nil, damagef("its chunk %s at byte %d is of an unknown kind that nobody may leave out", c.kind, c.at-8)
			}
			if err := collected.collect(c); err != nil {
				return nil, err
			}
		}
		apart = m.data > 0
	}
}

func (m *Image) parseHeader(w *walker) error {
	c, err := w.next()
	if err != nil {
		return err
	}
	if c.kind != "IHDR" || c.n != 13 {
		return Damage("it does not begin with IHDR")
	}
	b, err := w.read(c)
	if err != nil {
		return err
	}
	width, height := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	if min(width, height) == 0 || max(width, height) > math.MaxInt32 {
		return damagef("it claims %d×%d pixels", width, height)
	}
	m.Width, m.Height, m.Depth, m.colour, m.interlaced = int(width), int(height), int(b[8]), b[9], b[12] == 1
	depths := map[byte][]int{grey: {1, 2, 4, 8, 16}, rgb: {8, 16}, palette: {1, 2, 4, 8}, greyAlpha: {8, 16}, rgbAlpha: {8, 16}}
	valid := false
	for _, d := range depths[m.colour] {
		valid = valid || d == m.Depth
	}
	switch {
	case !valid:
		return damagef("it claims %d bits a sample and colour type %d", m.Depth, m.colour)
	case b[10] != 0:
		return damagef("its compression method is %d", b[10])
	case b[11] != 0:
		return damagef("its filter method is %d", b[11])
	case b[12] > 1:
		return damagef("its interlace method is %d", b[12])
	}
	m.Channels = 3
	if m.colour == grey || m.colour == greyAlpha {
		m.Channels = 1
	}
	if m.Depth == 16 {
		m.Notices = append(m.Notices, "16 bits reduced to 8")
	}
	return nil
}

func (m *Image) parsePalette(w *walker, c chunk) (colours int, err error) {
	if c.n == 0 || c.n%3 != 0 || c.n > 3*256 {
		return 0, damagef("its palette has %d bytes", c.n)
	}
	b, err := w.read(c)
	if err != nil {
		return 0, err
	}
	for i := range len(b) / 3 {
		m.palette[i] = [3]byte(b[3*i:])
	}
	return len(b) / 3, nil
}

// samples returns how many samples a pixel has in the file.
func (m *Image) samples() int {
	switch m.colour {
	case rgb:
		return 3
	case greyAlpha:
		return 2
	case rgbAlpha:
		return 4
	}
	return 1
}

// rowBytes returns how long a row of that many pixels is in the file, without its filter's byte. It is below 2^35.
func (m *Image) rowBytes(width int) int { return (width*m.samples()*m.Depth + 7) / 8 }

// pixelBytes returns by how many bytes the filters look back.
func (m *Image) pixelBytes() int { return max(1, m.samples()*m.Depth/8) }

// plausible tells whether that much picture data can hold the picture.
func (m *Image) plausible(packed int64) bool {
	over, n := uint64(0), uint64(0)
	for _, p := range m.passes() {
		hi, lo := bits.Mul64(uint64(1+m.rowBytes(p.width)), uint64(p.height))
		var carry uint64
		n, carry = bits.Add64(n, lo, 0)
		over += hi + carry
	}
	n, carry := bits.Add64(n, deflateExpansion-1, 0)
	return over+carry == 0 && n/deflateExpansion <= uint64(packed)
}

// pass is a part of the pixels, which lies in the file for itself: the pixels from x, y on, by steps.
type pass struct {
	width, height int
	x, y          int
	stepX, stepY  int
}

// passes returns the picture's passes: one, or those of Adam7 that have pixels.
func (m *Image) passes() []pass {
	if !m.interlaced {
		return []pass{{m.Width, m.Height, 0, 0, 1, 1}}
	}
	var all []pass
	for _, p := range [7]pass{{x: 0, y: 0, stepX: 8, stepY: 8}, {x: 4, y: 0, stepX: 8, stepY: 8}, {x: 0, y: 4, stepX: 4, stepY: 8},
		{x: 2, y: 0, stepX: 4, stepY: 4}, {x: 0, y: 2, stepX: 2, stepY: 4}, {x: 1, y: 0, stepX: 2, stepY: 2}, {x: 0, y: 1, stepX: 1, stepY: 2}} {
		p.width, p.height = (m.Width-p.x+p.stepX-1)/p.stepX, (m.Height-p.y+p.stepY-1)/p.stepY
		if p.width > 0 && p.height > 0 {
			all = append(all, p)
		}
	}
	return all
}
