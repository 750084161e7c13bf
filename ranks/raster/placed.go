package raster

import (
	"errors"
	"io"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// placed says where in a file the rows of a picture lie open.
type placed struct {
	rowBytes int
	offset   func(y int) int64
	convert  *conversion // what makes rows of the picture of them; nil if they are
}

// read fills dst with the rows from y on.
func (p *placed) read(f *os.File, y int, dst [][]byte) error {
	if p.convert != nil {
		return p.readConverted(f, y, dst)
	}
	return p.adjacent(y, dst, func(rows [][]byte, at int64) error {
		err := vectored(rows, at, f.ReadAt, func(iov [][]byte, at int64) (int, error) { return unix.Preadv(int(f.Fd()), iov, at) })
		return shrunk(err)
	})
}

// shrunk returns err, or what it means if a file ends where it had more when it was opened.
func shrunk(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("it became shorter while it was read")
	}
	return err
}

// write puts the rows from y on into their place: all of them, or the bytes that clip returns for it.
func (p *placed) write(f *os.File, y int, src [][]byte, clip func(Extent) Extents) error {
	put := func(rows [][]byte, at int64) error {
		return vectored(rows, at, f.WriteAt, func(iov [][]byte, at int64) (int, error) { return unix.Pwritev(int(f.Fd()), iov, at) })
	}
	if clip == nil {
		return p.adjacent(y, src, put)
	}
	return p.adjacent(y, src, func(rows [][]byte, at int64) error {
		for _, e := range clip(Extent{at, at + int64(len(rows))*int64(p.rowBytes)}) {
			if err := put(p.part(rows, int(e.From-at), int(e.To-at)), e.From); err != nil {
				return err
			}
		}
		return nil
	})
}

// part returns the bytes from to to, the last one not included, of rows that are neighbours in the file.
func (p *placed) part(rows [][]byte, from, to int) [][]byte {
	first, last := from/p.rowBytes, (to-1)/p.rowBytes
	rows = slices.Clone(rows[first : last+1])
	rows[last-first] = rows[last-first][:to-last*p.rowBytes]
	rows[0] = rows[0][from-first*p.rowBytes:]
	return rows
}

// adjacent calls do for each run of rows that are neighbours in the file.
func (p *placed) adjacent(y int, rows [][]byte, do func([][]byte, int64) error) error {
	for len(rows) > 0 {
		at, n := p.offset(y), 1
		for n < len(rows) && p.offset(y+n) == at+int64(n)*int64(p.rowBytes) {
			n++
		}
		if err := do(rows[:n], at); err != nil {
			return err
		}
		y, rows = y+n, rows[n:]
	}
	return nil
}

// maxVectors is the kernel's limit on the buffers of one call.
const maxVectors = 1024

// vectored transfers rows that are neighbours in a file: in one plain call if they are neighbours in memory, too.
func vectored(rows [][]byte, at int64, plain func([]byte, int64) (int, error), once func([][]byte, int64) (int, error)) error {
	if whole, ok := joined(rows); ok {
		_, err := plain(whole, at)
		return err
	}
	iov := append([][]byte(nil), rows...)
	for len(iov) > 0 {
		n, err := once(iov[:min(len(iov), maxVectors)], at)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return err
		case n == 0:
			return io.EOF
		}
		at += int64(n)
		for n > 0 && n >= len(iov[0]) {
			n -= len(iov[0])
			iov = iov[1:]
		}
		if n > 0 {
			iov[0] = iov[0][n:]
		}
	}
	return nil
}

// joined returns the rows as one slice, if they lie side by side in one.
func joined(rows [][]byte) ([]byte, bool) {
	total := 0
	for _, r := range rows {
		total += len(r)
	}
	if len(rows) == 0 || total > cap(rows[0]) {
		return nil, false
	}
	whole, at := rows[0][:total], 0
	for _, r := range rows {
		if len(r) == 0 || &r[0] != &whole[at] {
			return nil, false
		}
		at += len(r)
	}
	return whole, true
}
