package jpeg

import "encoding/binary"

// component is one of a frame's planes. Sizes in samples or blocks are those of the picture; blocks that only fill up an MCU come on top.
type component struct {
	id            byte
	h, v          int // sampling factors
	table         int // of quantisation
	width, height int // in samples
	across, down  int // in blocks
}

// frame is what a frame header tells.
type frame struct {
	width, height int
	progressive   bool
	comps         []component
	h, v          int // the greatest factors
	mcusX, mcusY  int // of scans of several components
}

// readFrame reads a frame header, SOF0 to SOF2.
func readFrame(marker byte, body []byte) (*frame, error) {
	if marker > markerSOF2 {
		return nil, unsupportedKind(marker)
	}
	if len(body) < 6 {
		return nil, damaged("its frame header is too short")
	}
	if body[0] != 8 {
		return nil, unsupportedDepth(body[0])
	}
	f := &frame{height: int(binary.BigEndian.Uint16(body[1:])), width: int(binary.BigEndian.Uint16(body[3:])), progressive: marker == markerSOF2}
	n := int(body[5])
	if len(body) != 6+3*n {
		return nil, damaged("its frame header is of %d bytes, for %d components", len(body), n)
	}
	if f.width == 0 || f.height == 0 {
		return nil, damaged("it claims %d×%d pixels", f.width, f.height)
	}
	if n != 1 && n != 3 && n != 4 {
		return nil, unsupportedComponents(n)
	}
	for i := range n {
		b := body[6+3*i:]
		c := component{id: b[0], h: int(b[1] >> 4), v: int(b[1] & 15), table: int(b[2])}
		if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 {
			return nil, damaged("a component is sampled %d×%d; 1 to 4 are possible", c.h, c.v)
		}
		if c.table > 3 {
			return nil, damaged("a component uses quantisation table %d; there are 0 to 3", c.table)
		}
		for _, other := range f.comps {
			if other.id == c.id {
				return nil, damaged("two components are called %d", c.id)
			}
		}
		if n == 1 {
			c.h, c.v = 1, 1 // alone, it is as large as the picture
		}
		f.h, f.v = max(f.h, c.h), max(f.v, c.v)
		f.comps = append(f.comps, c)
	}
	f.mcusX, f.mcusY = ceil(f.width, 8*f.h), ceil(f.height, 8*f.v)
	for i := range f.comps {
		c := &f.comps[i]
		if f.h%c.h != 0 || f.v%c.v != 0 {
			return nil, unsupportedSampling(c, f)
		}
		c.width, c.height = ceil(f.width*c.h, f.h), ceil(f.height*c.v, f.v)
		c.across, c.down = ceil(c.width, 8), ceil(c.height, 8)
	}
	return f, nil
}

func ceil(a, b int) int { return (a + b - 1) / b }

// tables are what DQT, DHT and DRI segments define.
type tables struct {
	quant    [4][64]uint16 // row by row
	hasQuant [4]bool
	dc, ac   [4]huffmanSpec
	restart  int // MCUs between restart markers; 0 for none
}

func (t *tables) readQuant(body []byte) error {
	for len(body) > 0 {
		wide, number := body[0]>>4, body[0]&15
		if wide > 1 || number > 3 {
			return damaged("quantisation table %d is of kind %d", number, wide)
		}
		body = body[1:]
		size := 64 << wide
		if len(body) < size {
			return damaged("a quantisation table is cut short")
		}
		for k, to := range order {
			if wide == 1 {
				t.quant[number][to] = binary.BigEndian.Uint16(body[2*k:])
			} else {
				t.quant[number][to] = uint16(body[k])
			}
		}
		t.hasQuant[number] = true
		body = body[size:]
	}
	return nil
}

func (t *tables) readHuffman(body []byte) error {
	for len(body) > 16 {
		class, number := body[0]>>4, body[0]&15
		if class > 1 || number > 3 {
			return damaged("Huffman table %d is of class %d", number, class)
		}
		s := huffmanSpec{defined: true}
		copy(s.counts[:], body[1:])
		body = body[17:]
		n := s.size()
		if n > 256 || n > len(body) {
			return damaged("a Huffman table of %d codes", n)
		}
		copy(s.symbols[:], body[:n])
		body = body[n:]
		if class == 0 {
			t.dc[number] = s
		} else {
			t.ac[number] = s
		}
	}
	if len(body) > 0 {
		return damaged("a Huffman table is cut short")
	}
	return nil
}

// define reads a segment, if it defines anything.
func (t *tables) define(marker byte, body []byte) error {
	switch marker {
	case markerDQT:
		return t.readQuant(body)
	case markerDHT:
		return t.readHuffman(body)
	case markerDRI:
		if len(body) != 2 {
			return damaged("its restart interval is of %d bytes", len(body))
		}
		t.restart = int(binary.BigEndian.Uint16(body))
	}
	return nil
}

// scan is what a scan header tells.
type scan struct {
	comps         []int // indices of the frame's
	dc, ac        []int // each one's tables
	first, last   int   // coefficients, in the file's order
	high, low     uint  // bits known before, and bits still unknown after
	mcusX, mcusY  int
	blocksOfAnMCU int
	restart       int
	data          int64 // where its data lies in the file
}

// readScan reads a scan header.
func readScan(f *frame, body []byte) (*scan, error) {
	if len(body) < 1 || len(body) != 4+2*int(body[0]) || body[0] < 1 || body[0] > 4 {
		return nil, damaged("a scan header of %d bytes", len(body))
	}
	s := &scan{}
	for i := range int(body[0]) {
		id, which := body[1+2*i], body[2+2*i]
		at := -1
		for j := range f.comps {
			if f.comps[j].id == id {
				at = j
			}
		}
		if at < 0 {
			return nil, damaged("a scan of component %d, which there is not", id)
		}
		for _, other := range s.comps {
			if other == at {
				return nil, damaged("a scan of component %d twice", id)
			}
		}
		if which>>4 > 3 || which&15 > 3 {
			return nil, damaged("a scan uses Huffman tables %d and %d; there are 0 to 3", which>>4, which&15)
		}
		s.comps = append(s.comps, at)
		s.dc, s.ac = append(s.dc, int(which>>4)), append(s.ac, int(which&15))
		s.blocksOfAnMCU += f.comps[at].h * f.comps[at].v
	}
	tail := body[len(body)-3:]
	s.first, s.last, s.high, s.low = int(tail[0]), int(tail[1]), uint(tail[2]>>4), uint(tail[2]&15)
	if !f.progressive {
		s.first, s.last, s.high, s.low = 0, 63, 0, 0 // whatever it says
	} else if s.first > s.last || s.last > 63 || s.first == 0 && s.last != 0 || s.first > 0 && len(s.comps) > 1 || s.low > 13 || s.high > 0 && s.high != s.low+1 {
		return nil, damaged("a scan of coefficients %d to %d, bits %d to %d", s.first, s.last, s.high, s.low)
	}
	s.mcusX, s.mcusY = f.mcusX, f.mcusY
	if len(s.comps) == 1 {
		c := &f.comps[s.comps[0]]
		s.mcusX, s.mcusY, s.blocksOfAnMCU = c.across, c.down, 1
	}
	if s.blocksOfAnMCU > 10 {
		return nil, damaged("a scan of %d blocks in an MCU; 10 are possible", s.blocksOfAnMCU)
	}
	return s, nil
}
