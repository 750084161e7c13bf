package raster

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// placed says where in a file the rows of a picture lie open.
type placed struct {
	rowBytes int
	offset   func(y int) int64
}

// read fills dst with the rows from y on.
func (p *placed) read(f *os.File, y int, dst [][]byte) error {
	return p.adjacent(y, dst, func(rows [][]byte, at int64) error {
		err := vectored(rows, at, f.ReadAt, func(iov [][]byte, at int64) (int, error) { return unix.Preadv(int(f.Fd()), iov, at) })
		if errors.Is(err, io.EOF) {
			err = errors.New("it became shorter while it was read")
		}
		return err
	})
}

// write puts the rows from y on into their place.
func (p *placed) write(f *os.File, y int, src [][]byte) error {
	return p.adjacent(y, src, func(rows [][]byte, at int64) error {
		return vectored(rows, at, f.WriteAt, func(iov [][]byte, at int64) (int, error) { return unix.Pwritev(int(f.Fd()), iov, at) })
	})
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
