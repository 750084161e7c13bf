package jpeg

import (
	"slices"

	"halorun/ranks/raster/scratch"
)

// maxScans bounds the scans of a file; encoders make about ten, and 64 for each component would be the most that makes sense.
const maxScans = 256

// buffered decodes a picture in several scans, all before the first row.
type buffered struct {
	entropy
	*planes
	in      input
	tables  tables
	coefs   []*coefficients
	file    *scratch.File // of coefs, if they are not in memory
	known   [4][64]int8   // of each component's coefficients, how many lower bits are unknown; −1: all
	only    []bool
	dc, ac  [4]huffman // of the scan's components
	smooth  bool
	done    bool
	guessed coefRow
}

// buffered tells whether a picture's coefficients must be kept: it is progressive, or its components lie in scans of their own.
func (m *Image) buffered() bool {
	return m.frame.progressive || len(m.first.comps) < len(m.frame.comps)
}

// Keeps tells whether a Stream keeps the whole picture's coefficients before it delivers any row.
func (m *Image) Keeps() bool { return m.buffered() }

// Memory is about how many bytes a Stream takes: those of the whole picture's coefficients, if they must be kept,
// else those of some rows.
func (m *Image) Memory() int64 {
	n := m.rowsBytes()
	if m.buffered() {
		for i := range m.frame.comps {
			c := &m.frame.comps[i]
			n += c.rowBytes(m.frame) * int64(c.blocksY(m.frame))
		}
	}
	return n
}

// Least is about how many bytes a Stream takes if it may use a scratch file.
func (m *Image) Least() int64 {
	return min(m.Memory(), m.rowsBytes()+leastRows*m.pagesBytes())
}

// rowsBytes is how much a Stream takes besides coefficients that are kept.
func (m *Image) rowsBytes() int64 {
	n, widest := m.frame.memory()+4*sourceSize, int64(0)
	for i := range m.frame.comps {
		widest = max(widest, m.frame.comps[i].rowBytes(m.frame))
	}
	return n + widest // what is guessed
}

// pagesBytes is how much memory the pages of coefficients in a scratch file take for each row of theirs.
func (m *Image) pagesBytes() (n int64) {
	for i := range m.frame.comps {
		n += 2 * m.frame.comps[i].rowBytes(m.frame)
	}
	return n
}

// rowBytes is how many bytes the coefficients of a row of blocks take.
func (c *component) rowBytes(f *frame) int64 { return 2 * int64(rowSize(c.blocksX(f))) }

// blocksX and blocksY are how many blocks a component has, with those that fill up MCUs.
func (c *component) blocksX(f *frame) int { return f.mcusX * c.h }
func (c *component) blocksY(f *frame) int { return f.mcusY * c.v }

// newBuffered keeps coefficients in memory, unless there is to be a scratch file.
func newBuffered(m *Image, memory int64, file scratch.Maker) (*buffered, error) {
	b := &buffered{planes: newPlanes(m), in: input{src: m.src, size: m.size}, tables: m.tables}
	b.source = newSource(m.src, m.size)
	most := 0
	for i := range m.frame.comps {
		c := &m.frame.comps[i]
		most = max(most, c.blocksX(m.frame))
		for k := range b.known[i] {
			b.known[i][k] = -1
		}
	}
	b.only = make([]bool, most)
	if file != nil {
		return b, b.spill(memory, file)
	}
	for i := range m.frame.comps {
		c := &m.frame.comps[i]
		b.coefs = append(b.coefs, newCoefficients(c.blocksX(m.frame), c.blocksY(m.frame)))
	}
	return b, nil
}

// spill keeps coefficients in a scratch file, one component behind the other.
func (b *buffered) spill(memory int64, file scratch.Maker) (err error) {
	if b.file, err = scratch.New(file); err != nil {
		return err
	}
	f, at := b.m.frame, int64(0)
	share := max(leastRows, (memory-b.m.rowsBytes())/b.m.pagesBytes())
	for i := range f.comps {
		c := &f.comps[i]
		rows := max(leastRows, min(share, pageBytes/c.rowBytes(f)))
		s := newSpilled(b.file, at, c.blocksX(f), c.blocksY(f), int(rows))
		at += s.bytes()
		b.coefs = append(b.coefs, &coefficients{size: s.size, spilled: s})
	}
	return nil
}

// close frees the scratch file.
func (b *buffered) close() { b.file.Close() }

// readScans decodes all scans.
func (b *buffered) readScans() error {
	first := *b.m.first // which other streams read, too
	s := &first
	for n := 1; ; n++ {
		if n > maxScans {
			return damaged("it has more than %d scans", maxScans)
		}
		if err := b.readScan(s); err != nil {
			return err
		}
		if err := b.skip(); err != nil {
			return err
		}
		if b.marker == 0 {
			return errShort
		}
		at := b.where() - 2
		for s = nil; s == nil; {
			marker, next, err := b.in.marker(at)
			if err != nil {
				return err
			}
			if isAlone(marker) {
				at = next
				continue
			}
			if marker == markerEOI {
				return b.complete()
			}
			body, next, err := b.in.segment(next, 1<<16)
			if err != nil {
				return err
			}
			if at = next; marker == markerSOS {
				if s, err = readScan(b.m.frame, body); err != nil {
					return err
				}
				s.data = next
			} else if err := b.tables.define(marker, body); err != nil {
				return err
			}
		}
	}
}

// complete tells whether there is something of all components, and whether what there is is to be smoothed.
func (b *buffered) complete() error {
	smooth := b.m.frame.progressive
	for i := range b.comps {
		if b.known[i][0] < 0 {
			return damaged("no data of component %d", b.comps[i].id)
		}
		for k := range smoothed {
			if b.comps[i].quant[order[k]] == 0 {
				smooth = false
			}
		}
	}
	b.smooth = smooth && slices.ContainsFunc(b.known[:len(b.comps)], func(known [64]int8) bool {
		return slices.ContainsFunc(known[1:smoothed], func(bits int8) bool { return bits != 0 })
	})
	return nil
}

// readScan decodes a scan.
func (b *buffered) readScan(s *scan) error {
	s.restart = b.tables.restart
	for i, ci := range s.comps {
		if err := b.progress(s, ci); err != nil {
			return err
		}
		l := &b.comps[ci]
		if err := b.latchOnce(l); err != nil {
			return err
		}
		progressive := b.m.frame.progressive
		if s.first == 0 && s.high == 0 {
			if err := b.dc[i].build(b.tables.huffman(0, s.dc[i], !progressive), dcTable); err != nil {
				return err
			}
		}
		if s.last > 0 {
			kind := acTable
			if progressive {
				kind = bandTable
				if s.high > 0 {
					kind = symbolTable
				}
			}
			if err := b.ac[i].build(b.tables.huffman(1, s.ac[i], !progressive), kind); err != nil {
				return err
			}
		}
	}
	b.start(s, s.data, 0)
	if len(s.comps) == 1 {
		return b.readAlone(s)
	}
	return b.readInterleaved(s)
}

func (b *buffered) latchOnce(l *plane) error {
	if l.latched {
		return nil
	}
	return l.latch(&b.tables)
}

// progress holds a scan to what is known already: each bit of a coefficient comes once, so that the work is bounded.
func (b *buffered) progress(s *scan, comp int) error {
	known := &b.known[comp]
	for k := s.first; k <= s.last; k++ {
		if s.high == 0 && known[k] >= 0 || s.high > 0 && int(known[k]) != int(s.high) {
			return damaged("a scan of bits %d to %d of coefficient %d, of which %d are unknown", s.high, s.low, k, known[k])
		}
		known[k] = int8(s.low)
	}
	return nil
}

// readInterleaved decodes a scan of several components, in MCUs.
func (b *buffered) readInterleaved(s *scan) error {
	var rows [4][4]coefRow
	for my := range s.mcusY {
		for i, ci := range s.comps {
			for y := range b.comps[ci].v {
				var err error
				if rows[i][y], err = b.coefs[ci].update(my*b.comps[ci].v + y); err != nil {
					return err
				}
			}
		}
		for mx := range s.mcusX {
			if err := b.next(); err != nil {
				return err
			}
			for i, ci := range s.comps {
				c := b.comps[ci].component
				for y := range c.v {
					for x := range c.h {
						if !b.readBlock(s, i, (*[64]int16)(rows[i][y][64*(mx*c.h+x):])) {
							return b.badCode()
						}
					}
				}
			}
			if b.ahead() {
				return b.tooShort()
			}
		}
	}
	return nil
}

// readAlone decodes a scan of one component, whose MCUs are its blocks.
func (b *buffered) readAlone(s *scan) error {
	coefs := b.coefs[s.comps[0]]
	for y := range s.mcusY {
		var row coefRow
		for x := 0; x < s.mcusX; x++ {
			if n := b.idle(s, s.mcusX-x); n > 0 {
				x += n - 1
				continue
			}
			if err := b.next(); err != nil {
				return err
			}
			if row == nil {
				var err error
				if row, err = coefs.update(y); err != nil {
					return err
				}
			}
			if !b.readBlock(s, 0, (*[64]int16)(row[64*x:])) {
				return b.badCode()
			}
			if b.ahead() {
				return b.tooShort()
			}
		}
	}
	return nil
}

// idle passes over blocks of which a scan that begins bands says nothing, at most n, and none beyond a restart marker.
func (b *buffered) idle(s *scan, n int) int {
	if b.eobs == 0 || s.high > 0 {
		return 0
	}
	n = min(n, b.eobs)
	if s.restart > 0 {
		n = min(n, b.togo)
		b.togo -= n
	}
	b.eobs -= n
	return n
}

func (b *buffered) badCode() error {
	if b.ahead() {
		return b.tooShort()
	}
	return errCode
}

// readBlock decodes a block of the i-th component of a scan. It returns false if there is no such code.
func (b *buffered) readBlock(s *scan, i int, block *[64]int16) bool {
	switch {
	case !b.m.frame.progressive:
		_, ok := b.block(block, &b.dc[i], &b.ac[i], &b.prior[i])
		return ok
	case s.first == 0 && s.high == 0:
		return b.firstDC(block, &b.dc[i], &b.prior[i], s.low)
	case s.first == 0:
		block[0] |= int16(b.bits(1) << s.low)
		return true
	case s.high == 0:
		return b.firstAC(block, &b.ac[i], s)
	default:
		return b.refineAC(block, &b.ac[i], s)
	}
}

// decode makes samples of a row of MCUs.
func (b *buffered) decode(band int, skip bool) error {
	if !b.done {
		if err := b.readScans(); err != nil {
			return err
		}
		b.done = true
	}
	if skip {
		return nil
	}
	for i := range b.comps {
		l := &b.comps[i]
		for y := range l.v {
			at := band*l.v + y
			if at >= l.down || !l.wants(at) {
				continue
			}
			row, err := b.row(i, band, y)
			if err != nil {
				return err
			}
			only := b.only[:l.across]
			for x := range only {
				only[x] = hasOnlyDC((*[64]int16)(row[64*x:]))
			}
			idcts(l.samples[l.start(8*at):], l.stride, row, only, &l.quant)
		}
	}
	b.widen(band)
	return nil
}

// hasOnlyDC tells whether all coefficients but the first are zero.
func hasOnlyDC(b *[64]int16) bool {
	if b[1]|b[2]|b[3]|b[8]|b[9]|b[16] != 0 {
		return false
	}
	var any int16
	for _, v := range b[4:] {
		any |= v
	}
	return any == 0
}
