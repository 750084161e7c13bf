package jpeg

import (
	"io"
	"unsafe"
)

// Store keeps the coefficients of a picture that is not decoded row by row: a temporary file, for instance. It is written in pieces of at
// least a kilobyte or so before it is read, and is of no use to anybody else.
type Store interface {
	io.ReaderAt
	io.WriterAt
}

// coefficients are those of a component, by rows of blocks, which are made when they are wanted first.
type coefficients struct {
	size    int       // of a row, in coefficients, with a block more than there are
	rows    [][]int16 // row i is that of i modulo their number
	store   Store     // nil if there are as many rows as the component has
	at      int64     // where they begin in the store
	held    []int     // which rows are held, if there is a store
	changed []bool
	kept    []bool // whether each of the component's rows is in the store
}

// newCoefficients makes those of a component with so many blocks. With a store only rows rows are held: what get returned is valid as long
// as no other than those next to it are asked for.
func newCoefficients(across, down int, store Store, at int64, rows int) *coefficients {
	c := &coefficients{size: 64 * (across + 1)}
	if store == nil || rows >= down {
		c.rows = make([][]int16, down)
		return c
	}
	c.store, c.at, c.kept = store, at, make([]bool, down)
	c.rows, c.held, c.changed = make([][]int16, rows), make([]int, rows), make([]bool, rows)
	for i := range c.held {
		c.held[i] = -1
	}
	return c
}

// get returns a row. change says that it is going to be changed.
func (c *coefficients) get(y int, change bool) ([]int16, error) {
	slot := y % len(c.rows)
	if c.rows[slot] == nil {
		c.rows[slot] = make([]int16, c.size)
		if c.store != nil {
			c.held[slot] = y
		}
	}
	row := c.rows[slot]
	if c.store == nil {
		return row, nil
	}
	if c.held[slot] != y {
		if c.changed[slot] {
			was := c.held[slot]
			if _, err := c.store.WriteAt(bytesOf(row), c.place(was)); err != nil {
				return nil, err
			}
			c.changed[slot], c.kept[was] = false, true
		}
		c.held[slot] = -1
		if !c.kept[y] {
			clear(row)
		} else if n, err := c.store.ReadAt(bytesOf(row), c.place(y)); n < 2*len(row) {
			return nil, err
		}
		c.held[slot] = y
	}
	c.changed[slot] = c.changed[slot] || change
	return row, nil
}

func (c *coefficients) place(y int) int64 { return c.at + 2*int64(c.size)*int64(y) }

// bytesOf returns the memory of a row, which only this process reads again.
func bytesOf(row []int16) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&row[0])), 2*len(row))
}
