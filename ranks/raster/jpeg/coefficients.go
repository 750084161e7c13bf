package jpeg

import (
	"unsafe"

	"halorun/ranks/raster/scratch"
)

// coefficients are those of a component, by rows of blocks.
type coefficients struct {
	size    int       // of a row, in coefficients, with a block more than there are
	rows    [][]int16 // in memory: made when they are wanted first,
	spilled *spilled  // or where they are
}

// newCoefficients makes those of a component with so many blocks.
func newCoefficients(across, down int) *coefficients {
	return &coefficients{size: rowSize(across), rows: make([][]int16, down)}
}

// rowSize is how many coefficients a row of so many blocks takes.
func rowSize(across int) int { return 64 * (across + 1) }

// get returns a row, which is as it was, and stays, while others are got that are no more than four rows away.
func (c *coefficients) get(y int) (coefRow, error) {
	if c.spilled != nil {
		return c.spilled.get(y, false)
	}
	if c.rows[y] == nil {
		c.rows[y] = make(coefRow, c.size)
	}
	return c.rows[y], nil
}

// update returns a row that is going to be changed.
func (c *coefficients) update(y int) (coefRow, error) {
	if c.spilled != nil {
		return c.spilled.get(y, true)
	}
	return c.get(y)
}

// spilled are coefficients in a scratch file. Two pages of some rows are in memory: scans, and what makes samples of them, go from top to
// bottom, and look two rows up and down.
type spilled struct {
	file  *scratch.File
	at    int64 // where they begin in it
	size  int   // of a row
	rows  int   // of a page, at least leastRows
	there []bool
	pages [2]page
	last  int // the page that was used last
}

// page is some rows.
type page struct {
	number  int // −1 for none
	coefs   []int16
	changed bool
}

const (
	// leastRows is how many rows a page has: of five that follow one another no more than two pages have some.
	leastRows = 4
	// pageBytes is what a page has at most, if not more is needed for its rows.
	pageBytes = 2 << 20
)

// newSpilled makes those that begin at a place of a file, of so many blocks.
func newSpilled(file *scratch.File, at int64, across, down, rows int) *spilled {
	s := &spilled{file: file, at: at, size: rowSize(across), rows: rows, there: make([]bool, ceil(down, rows))}
	for i := range s.pages {
		s.pages[i] = page{number: -1, coefs: make([]int16, rows*s.size)}
	}
	return s
}

// bytes is how much of the file they take.
func (s *spilled) bytes() int64 { return int64(len(s.there)) * s.pageBytes() }

func (s *spilled) pageBytes() int64 { return 2 * int64(s.rows) * int64(s.size) }

// get returns a row.
func (s *spilled) get(y int, change bool) (coefRow, error) {
	number := y / s.rows
	if s.pages[s.last].number != number {
		s.last = 1 - s.last
		if err := s.load(&s.pages[s.last], number); err != nil {
			return nil, err
		}
	}
	p := &s.pages[s.last]
	p.changed = p.changed || change
	at := y % s.rows * s.size
	return p.coefs[at : at+s.size], nil
}

// load makes a page that of a number.
func (s *spilled) load(p *page, number int) error {
	if p.number == number {
		return nil
	}
	if p.changed {
		if _, err := s.file.WriteAt(p.bytes(), s.at+int64(p.number)*s.pageBytes()); err != nil {
			return err
		}
		s.there[p.number], p.changed = true, false
	}
	p.number = number
	if !s.there[number] {
		clear(p.coefs)
		return nil
	}
	_, err := s.file.ReadAt(p.bytes(), s.at+int64(number)*s.pageBytes())
	return err
}

// bytes returns the page as it is in the file, which nobody else reads.
func (p *page) bytes() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(p.coefs))), 2*len(p.coefs))
}
