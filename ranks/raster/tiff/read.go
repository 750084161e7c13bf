package tiff

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

// reader decodes rows, and remembers what the next call may want again.
type reader struct {
	*Image
	cache *cache

	mu      sync.Mutex // of the cursors
	cursors []*cursor  // of a row of cells, one for each column, or nil
	row     int        // of cells
}

func (m *Image) newReader(limit int64) *reader { return &reader{Image: m, cache: newCache(limit)} }

// Random tells whether ReadRows costs what it delivers, whichever rows they are. If not, strips are so large that they are decoded from
// their beginning on: rows are to be read rising, by one goroutine.
func (m *Image) Random() bool { return m.mode != modeRows }

// Place says where the rows lie in the file as they are delivered: rowBytes bytes each, row y at offset(y). ok is false if they do not.
func (m *Image) Place() (rowBytes int, offset func(y int) int64, ok bool) {
	if !m.open {
		return 0, nil, false
	}
	b := m.blocks
	places, err := b.all()
	if err != nil {
		return 0, nil, false
	}
	if places == nil {
		first, _, err := b.place(0)
		if err != nil {
			return 0, nil, false
		}
		return int(b.rowBytes), func(y int) int64 { return first + int64(y)*b.rowBytes }, true
	}
	return int(b.rowBytes), func(y int) int64 {
		i := y / b.blockH
		return places[i] + int64(y-i*b.blockH)*b.rowBytes
	}, true
}

// all returns where all blocks lie, or nil if one follows the other.
func (b *blocks) all() ([]int64, error) {
	n := b.cells()
	first, _, err := b.place(0)
	if err != nil {
		return nil, err
	}
	strip := int64(b.blockH) * b.rowBytes
	for i := int64(1); i < n; i++ {
		if at, _, err := b.place(i); err != nil {
			return nil, err
		} else if at != first+i*strip {
			if n > maxSorted {
				return nil, errors.New("too many strips")
			}
			places := make([]int64, n)
			for k := range places {
				if places[k], _, err = b.place(int64(k)); err != nil {
					return nil, err
				}
			}
			return places, nil
		}
	}
	return nil, nil
}

// ReadRows fills dst with the rows from y on, of Width·Channels bytes each: 8 bits a sample, grey, or red, green and blue.
func (m *Image) ReadRows(y int, dst [][]byte) error {
	m.once.Do(func() { m.shared = m.newReader(m.limit) })
	return m.shared.readRows(y, dst)
}

func (r *reader) readRows(y int, dst [][]byte) error {
	if y < 0 || len(dst) > r.Height-y {
		return fmt.Errorf("rows %d to %d of a TIFF of %d rows", y, y+len(dst)-1, r.Height)
	}
	for len(dst) > 0 {
		row := y / r.blocks.blockH
		from := y - row*r.blocks.blockH
		n := min(len(dst), r.blocks.rows(row)-from)
		if err := r.band(row, from, dst[:n]); err != nil {
			return damaged(err)
		}
		y, dst = y+n, dst[n:]
	}
	return nil
}

// band reads rows of a row of cells.
func (r *reader) band(row, from int, dst [][]byte) error {
	if r.mode == modeRows {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.row != row {
			r.rewind()
			r.row = row
		}
	}
	s := r.unpack.pool.Get().(*unpackScratch)
	defer r.unpack.pool.Put(s)
	for column := range r.blocks.across {
		var err error
		switch r.mode {
		case modeRaw:
			err = r.raw(row, column, from, dst, s)
		case modeWhole:
			err = r.cell(row, column, from, dst, s)
		default:
			err = r.rising(row, column, from, dst, s)
		}
		if err != nil {
			return fmt.Errorf("strip or tile %d: %w", r.blocks.block(row, column, 0), err)
		}
	}
	return nil
}

// part is where a column of cells lies in a row of the picture.
func (r *reader) part(dst []byte, column int) []byte {
	at := column * r.blocks.blockW * r.Channels
	return dst[at : at+r.blocks.columns(column)*r.Channels]
}

// rawBytes is how much of what is not compressed is read at once.
const rawBytes = 256 << 10

// raw reads rows of blocks that are not compressed.
func (r *reader) raw(row, column, from int, dst [][]byte, s *unpackScratch) error {
	b := r.blocks
	at := make([]int64, b.planes)
	for p := range at {
		var err error
		if at[p], _, err = b.place(b.block(row, column, p)); err != nil {
			return err
		}
		at[p] += int64(from) * b.rowBytes
	}
	n := b.columns(column)
	direct := r.convert.copies && b.across == 1 && b.blockW == b.width && !r.unpack.reversed
	once := max(1, rawBytes/int(b.rowBytes))
	s.row = sized(s.row, r.convert.scratchBytes(n))
	s.planes = s.planes[:0]
	for range b.planes {
		s.planes = append(s.planes, nil)
	}
	for len(dst) > 0 {
		rows := min(len(dst), once)
		if direct && rows == 1 {
			if err := r.readAt(dst[0][:b.rowBytes], at[0]); err != nil {
				return err
			}
			at[0] += b.rowBytes
			dst = dst[1:]
			continue
		}
		size := rows * int(b.rowBytes)
		s.raw = sized(s.raw, size*b.planes)
		for p := range at {
			if err := r.readAt(s.raw[p*size:(p+1)*size], at[p]); err != nil {
				return err
			}
			at[p] += int64(size)
		}
		if r.unpack.reversed {
			reverseBits(s.raw)
		}
		for y := range rows {
			for p := range s.planes {
				s.planes[p] = s.raw[p*size+y*int(b.rowBytes):][:b.rowBytes]
			}
			r.convert.row(r.part(dst[y], column), s.planes, n, s.row)
		}
		dst = dst[rows:]
	}
	return nil
}

// readAt fills b with what was there when the picture was parsed.
func (m *Image) readAt(b []byte, at int64) error {
	err := m.file.readAt(b, at)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it became shorter while it was read")
	}
	return err
}

// cell reads rows of a cell that is decoded whole.
func (r *reader) cell(row, column, from int, dst [][]byte, s *unpackScratch) error {
	number := r.blocks.block(row, column, 0)
	rows, width := r.blocks.rows(row), r.blocks.columns(column)*r.Channels
	if len(dst) == rows && !r.cache.has(number) {
		if whole, ok := joined(dst); ok && r.plain(row, column) && r.blocks.across == 1 {
			return r.unpack.block(whole, r.blocks, number, row, rows, s)
		}
		return r.decode(row, column, s, func(y int) []byte { return r.part(dst[y], column) })
	}
	return r.cache.use(number, rows*width, from+len(dst) < rows, func(pixels []byte) error {
		if r.plain(row, column) {
			return r.unpack.block(pixels, r.blocks, number, row, rows, s)
		}
		return r.decode(row, column, s, func(y int) []byte { return pixels[y*width : (y+1)*width] })
	}, func(pixels []byte) {
		for i, d := range dst {
			copy(r.part(d, column), pixels[(from+i)*width:(from+i+1)*width])
		}
	})
}

// plain tells whether a cell is of one block that is just its pixels.
func (r *reader) plain(row, column int) bool {
	return r.convert.copies && r.blocks.stored(row) == r.blocks.rows(row) && r.blocks.blockW == r.blocks.columns(column)
}

// joined returns the rows as one slice, if they lie side by side in one.
func joined(rows [][]byte) ([]byte, bool) {
	n := len(rows[0])
	total := n * len(rows)
	if total > cap(rows[0]) {
		return nil, false
	}
	whole := rows[0][:total]
	for y, r := range rows {
		if len(r) != n || &r[0] != &whole[y*n] {
			return nil, false
		}
	}
	return whole, true
}

// decode decodes a cell into rows.
func (r *reader) decode(row, column int, s *unpackScratch, dst func(y int) []byte) error {
	b := r.blocks
	full, rows, n := b.stored(row)*int(b.rowBytes), b.rows(row), b.columns(column)
	s.raw = sized(s.raw, b.planes*full)
	for p := range b.planes {
		if err := r.unpack.block(s.raw[p*full:(p+1)*full:(p+1)*full], b, b.block(row, column, p), row, rows, s); err != nil {
			return err
		}
	}
	s.row = sized(s.row, max(len(s.row), r.convert.scratchBytes(n)))
	s.planes = s.planes[:0]
	for range b.planes {
		s.planes = append(s.planes, nil)
	}
	for y := range rows {
		for p := range s.planes {
			s.planes[p] = s.raw[p*full+y*int(b.rowBytes):][:b.rowBytes]
		}
		r.convert.row(dst(y), s.planes, n, s.row)
	}
	return nil
}

// rising reads rows of a cell that is decoded row by row.
func (r *reader) rising(row, column, from int, dst [][]byte, s *unpackScratch) (err error) {
	if r.cursors == nil {
		r.cursors = make([]*cursor, r.blocks.across)
	}
	c := r.cursors[column]
	if c != nil && c.next > from {
		c.done()
		c = nil
	}
	r.cursors[column] = nil
	if c == nil {
		if c, err = r.newCursor(row, column); err != nil {
			return err
		}
	}
	n := r.blocks.columns(column)
	for c.next < from {
		if err := c.row(r.unpack, s); err != nil {
			c.done()
			return err
		}
	}
	for _, d := range dst {
		if err := c.row(r.unpack, s); err != nil {
			c.done()
			return err
		}
		s.row = sized(s.row, max(len(s.row), r.convert.scratchBytes(n)))
		r.convert.row(r.part(d, column), c.raw, n, s.row)
	}
	if c.next == r.blocks.rows(row) {
		c.done()
		c = nil
	}
	r.cursors[column] = c
	return nil
}

// rewind gives up the cursors.
func (r *reader) rewind() {
	for i, c := range r.cursors {
		if c != nil {
			c.done()
			r.cursors[i] = nil
		}
	}
}

// Stream reads all rows from top to bottom.
type Stream struct {
	reader *reader
	next   int
}

// Stream returns a reader of all rows, which decodes each strip and tile once, in about as much memory as Memory says.
func (m *Image) Stream() (*Stream, error) {
	return &Stream{reader: m.newReader(m.bandBytes())}, nil
}

// ReadRows fills dst with the next len(dst) rows, of Width·Channels bytes each.
func (s *Stream) ReadRows(dst [][]byte) error {
	if err := s.reader.readRows(s.next, dst); err != nil {
		return err
	}
	s.next += len(dst)
	return nil
}

// Close frees what the stream holds.
func (s *Stream) Close() error {
	s.reader.mu.Lock()
	defer s.reader.mu.Unlock()
	s.reader.rewind()
	s.reader.cache = newCache(0)
	return nil
}

// bandBytes is the size of the pixels of a row of cells.
func (m *Image) bandBytes() int64 {
	return int64(m.Width) * int64(m.Channels) * int64(min(m.blocks.blockH, m.Height))
}

// Memory is about how many bytes a Stream takes: pixels of a row of tiles, and a block before it is decoded and after.
func (m *Image) Memory() int64 {
	scratch := int64(m.convert.scratchBytes(m.blocks.columns(0)))
	switch m.mode {
	case modeRaw:
		return scratch + int64(m.blocks.planes)*max(rawBytes, m.blocks.rowBytes)
	case modeRows:
		return scratch + m.rowsMemory()
	}
	cell := m.blocks.cellBytes()
	if m.unpack.compression == compressJPEG {
		cell *= 3 // its planes, and room for the packed bytes
	}
	return scratch + m.bandBytes() + 2*cell
}
