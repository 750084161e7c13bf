package jpeg

// chunkMCUs is how many MCUs are decoded before they are transformed.
const chunkMCUs = 16

// entropy is where the decoding of a scan stands.
type entropy struct {
	*source
	scan    *scan
	prior   [4]int32 // the last DC coefficient of each component of the scan
	togo    int      // MCUs until the next restart marker
	restart int      // the number of that
	eobs    int      // blocks that the end of a band still stands for
}

// start begins a scan, or goes on at a restart marker of its.
func (e *entropy) start(s *scan, at int64, restart int) {
	e.scan, e.restart = s, restart
	e.begin(at)
	e.interval()
}

func (e *entropy) interval() {
	e.prior, e.togo, e.eobs = [4]int32{}, e.scan.restart, 0
}

// next makes ready for an MCU: there is enough data, or its end, and a restart marker has been passed.
func (e *entropy) next() error {
	if e.scan.restart > 0 {
		if e.togo == 0 {
			if err := e.passMarker(); err != nil {
				return err
			}
		}
		e.togo--
	}
	return e.ready()
}

// passMarker goes on behind the restart marker that must come.
func (e *entropy) passMarker() error {
	if err := e.skip(); err != nil {
		return err
	}
	if want := byte(markerRST0 + e.restart&7); e.marker != want {
		return e.wrongMarker(want)
	}
	e.restart++
	e.source.restart()
	e.interval()
	return nil
}

func (e *entropy) wrongMarker(want byte) error {
	if e.marker == 0 {
		return errShort
	}
	return damaged("marker %#x where restart marker %#x should be", e.marker, want)
}

// tooShort is the error of data that has been used up before its time.
func (e *entropy) tooShort() error {
	if e.marker == 0 {
		return errShort
	}
	return damaged("marker %#x in the middle of its data", e.marker)
}

var errCode = damaged("a code that its Huffman table has not")

// placed is where a block of an MCU goes.
type placed struct {
	at, step int // in the chunk's coefficients, for the first MCU, and what each further one adds
	comp     int // of the scan
	dc, ac   *huffman
}

// sequential decodes a scan of all components, a row of MCUs at a time.
type sequential struct {
	entropy
	*planes
	tables [8]huffman
	mcu    []placed
	chunks [4]chunk
	coefs  []int16
	only   []bool
}

// chunk is where a component's coefficients are.
type chunk struct {
	at     int // of the first block
	across int // blocks in a row
}

func newSequential(m *Image) (*sequential, error) {
	d := &sequential{planes: newPlanes(m)}
	d.source = newSource(m.src, m.size)
	blocks := 0
	var built [8]bool
	for i, ci := range m.first.comps {
		l := &d.comps[ci]
		if err := l.latch(&m.tables); err != nil {
			return nil, err
		}
		dc, ac := m.first.dc[i], m.first.ac[i]
		if !built[dc] {
			if err := d.tables[dc].build(m.tables.huffman(0, dc, true), dcTable); err != nil {
				return nil, err
			}
			built[dc] = true
		}
		if !built[4+ac] {
			if err := d.tables[4+ac].build(m.tables.huffman(1, ac, true), acTable); err != nil {
				return nil, err
			}
			built[4+ac] = true
		}
		c := chunk{at: blocks, across: chunkMCUs * l.h}
		for y := range l.v {
			for x := range l.h {
				d.mcu = append(d.mcu, placed{at: c.at + y*c.across + x, step: l.h, comp: i, dc: &d.tables[dc], ac: &d.tables[4+ac]})
			}
		}
		blocks += c.across * l.v
		d.chunks[i] = c
	}
	d.coefs, d.only = make([]int16, 64*(blocks+1)), make([]bool, blocks)
	d.entropy.start(m.first, m.first.data, 0)
	return d, nil
}

// latch takes the quantisation table that a component uses in its first scan.
func (l *plane) latch(t *tables) error {
	if !t.hasQuant[l.table] {
		return damaged("quantisation table %d is missing", l.table)
	}
	l.latched = true
	for i, v := range t.quant[l.table] {
		l.quant[i] = int16(v)
	}
	return nil
}

// huffman returns a code of class 0, DC, or 1, AC.
func (t *tables) huffman(class, number int, standard bool) *huffmanSpec {
	s := &[2]*[4]huffmanSpec{&t.dc, &t.ac}[class][number]
	if !s.defined && standard && number < 2 {
		return [2][2]*huffmanSpec{{&standardDCLuma, &standardDCChroma}, {&standardACLuma, &standardACChroma}}[class][number]
	}
	return s
}

// decode decodes the next row of MCUs, and makes samples of what is wanted of it. Of a row that is skipped nothing is.
func (d *sequential) decode(band int, skip bool) error {
	for x := 0; x < d.scan.mcusX; x += chunkMCUs {
		n := min(chunkMCUs, d.scan.mcusX-x)
		if !skip { // else nobody reads them
			clear(d.coefs)
		}
		for i := range n {
			if err := d.next(); err != nil {
				return err
			}
			for j := range d.mcu {
				p := &d.mcu[j]
				at := p.at + i*p.step
				only, ok := d.block((*[64]int16)(d.coefs[64*at:]), p.dc, p.ac, &d.prior[p.comp])
				if !ok {
					if d.ahead() {
						return d.tooShort()
					}
					return errCode
				}
				d.only[at] = only
			}
			if d.ahead() {
				return d.tooShort()
			}
		}
		if skip {
			continue
		}
		for i, ci := range d.scan.comps {
			d.transform(&d.comps[ci], d.chunks[i], band, x, n)
		}
	}
	if !skip {
		d.widen(band)
	}
	return nil
}

// close has nothing to free.
func (d *sequential) close() {}

// transform makes samples of a chunk of a component.
func (d *sequential) transform(l *plane, c chunk, band, x, n int) {
	for y := range l.v {
		if !l.wants(band*l.v + y) {
			continue
		}
		at := c.at + y*c.across
		dst := l.samples[l.start(band*l.rows+8*y)+8*x*l.h:]
		idcts(dst, l.stride, d.coefs[64*at:], d.only[at:at+n*l.h], &l.quant)
	}
}
