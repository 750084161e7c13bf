package raster

import (
	"os"
	"sync"
)

// conversion makes a picture's samples of what lies in a file.
type conversion struct {
	pixels, bytes int // of the file: so many pixels stand in so many bytes
	channels      int // of the picture
	// apply fills dst with the samples of len(dst)/channels pixels. src begins with a whole group of pixels, and has all that dst needs.
	apply func(dst, src []byte)
}

// conversionBytes is how much is read at a time to be converted, which a processor's cache holds.
const conversionBytes = 256 << 10

var conversionBuffers = sync.Pool{New: func() any { b := make([]byte, conversionBytes); return &b }}

// readConverted fills dst with the rows from y on. It takes no more memory than conversionBytes, however long a row is.
func (p *placed) readConverted(f *os.File, y int, dst [][]byte) error {
	c := p.convert
	held := conversionBuffers.Get().(*[]byte)
	defer conversionBuffers.Put(held)
	return p.adjacent(y, dst, func(rows [][]byte, at int64) error {
		if p.rowBytes > conversionBytes {
			for _, row := range rows {
				if err := c.wide(f, row, at, p.rowBytes, *held); err != nil {
					return err
				}
				at += int64(p.rowBytes)
			}
			return nil
		}
		for most := conversionBytes / p.rowBytes; len(rows) > 0; {
			n := min(most, len(rows))
			src := (*held)[:n*p.rowBytes]
			if _, err := f.ReadAt(src, at); err != nil {
				return shrunk(err)
			}
			for i, row := range rows[:n] {
				c.apply(row, src[i*p.rowBytes:(i+1)*p.rowBytes])
			}
			rows, at = rows[n:], at+int64(len(src))
		}
		return nil
	})
}

// wide reads a row that buf does not hold, piece by piece.
func (c *conversion) wide(f *os.File, row []byte, at int64, rowBytes int, buf []byte) error {
	groups := max(1, len(buf)/c.bytes)
	if c.bytes > len(buf) { // a pixel of very many samples
		buf = make([]byte, c.bytes)
	}
	for len(row) > 0 {
		n := min(groups*c.pixels*c.channels, len(row))
		src := buf[:min(groups*c.bytes, rowBytes)]
		if _, err := f.ReadAt(src, at); err != nil {
			return shrunk(err)
		}
		c.apply(row[:n], src)
		row, at, rowBytes = row[n:], at+int64(len(src)), rowBytes-len(src)
	}
	return nil
}
