package ranks

import (
	"context"
	"fmt"
	"sync"

	"halorun/kernels"
	"halorun/ranks/raster/scratch"
)

// ahead decodes an INPUT that comes from top to bottom, ahead of those who want its rows. It holds what somebody still wants, up to
// some room; only where that does not do, because one wants rows that come late before another has taken early ones, does it put rows
// into a scratch file.
type ahead struct {
	read     func(y int, dst [][]byte) error
	rowBytes int
	height   int
	slabRows int
	room     int           // how many slabs may be held
	scratch  scratch.Maker // makes the file

	mu      sync.Mutex
	changed chan struct{} // closed and made anew when something below has changed
	wanted  []int64       // by slab: how many rows of it are still to be taken, once by everybody who wants one
	held    map[int][]byte
	reading map[int]int // by slab that is held: how many copy rows of it just now
	free    [][]byte
	next    int // the slab that is decoded next
	waiting int // how many wait for slabs from next on
	ended   bool
	file    *scratch.File
	err     error
}

// slabBytes is about how much is decoded in one go.
const slabBytes = 256 << 10

// newAhead prepares to decode for lanes, each of which takes its chunks in order. room is in bytes.
func newAhead(read func(y int, dst [][]byte) error, in kernels.Shape, lanes [][]kernels.Rows, room int64, file scratch.Maker) *ahead {
	a := &ahead{
		read: read, rowBytes: in.RowBytes(), height: in.Height, scratch: file,
		changed: make(chan struct{}), held: make(map[int][]byte), reading: make(map[int]int),
	}
	a.slabRows = max(1, min(slabBytes/a.rowBytes, a.height))
	a.room = int(max(2, min(room/int64(a.slabRows*a.rowBytes), int64(a.height))))
	a.wanted = make([]int64, (a.height-1)/a.slabRows+1)
	for _, chunks := range lanes {
		for _, c := range chunks {
			for _, part := range cutAt(c, a.slabRows) {
				a.wanted[part.Lo/a.slabRows] += int64(part.Len())
			}
		}
	}
	return a
}

// cutAt cuts rows at multiples of n.
func cutAt(r kernels.Rows, n int) []kernels.Rows {
	var parts []kernels.Rows
	for y := r.Lo; y < r.Hi; {
		end := min((y/n+1)*n, r.Hi)
		parts = append(parts, kernels.Rows{Lo: y, Hi: end})
		y = end
	}
	return parts
}

// wake tells all who wait that something has changed. a.mu is held.
func (a *ahead) wake() {
	close(a.changed)
	a.changed = make(chan struct{})
}

// wait waits until something has changed. a.mu is held before and after.
func (a *ahead) wait(ctx context.Context) error {
	changed := a.changed
	a.mu.Unlock()
	defer a.mu.Lock()
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// run decodes until nobody wants more rows.
func (a *ahead) run(ctx context.Context) error {
	err := a.decode(ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err, a.ended = err, true
	a.wake()
	return err
}

func (a *ahead) decode(ctx context.Context) error {
	last := len(a.wanted) - 1
	for last >= 0 && a.wanted[last] == 0 {
		last--
	}
	for s := 0; s <= last; s++ {
		slab, err := a.slab(ctx)
		if err != nil {
			return err
		}
		y := s * a.slabRows
		if err := a.read(y, a.rows(slab, a.rowsOf(s))); err != nil {
			return err
		}
		a.mu.Lock()
		a.next++
		if a.wanted[s] > 0 {
			a.held[s] = slab
		} else {
			a.free = append(a.free, slab)
		}
		a.wake()
		a.mu.Unlock()
	}
	return nil
}

// rowsOf returns the number of rows of a slab.
func (a *ahead) rowsOf(s int) int { return min(a.slabRows, a.height-s*a.slabRows) }

func (a *ahead) rows(slab []byte, n int) [][]byte {
	rows := make([][]byte, n)
	for i := range rows {
		rows[i] = slab[i*a.rowBytes : (i+1)*a.rowBytes]
	}
	return rows
}

// slab returns memory for the slab that comes next, once there is room for it.
func (a *ahead) slab(ctx context.Context) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if n := len(a.free); n > 0 {
			slab := a.free[n-1]
			a.free = a.free[:n-1]
			return slab, nil
		}
		if len(a.held) < a.room {
			return make([]byte, a.slabRows*a.rowBytes), nil
		}
		if last := a.lastIdle(); a.waiting > 0 && last >= 0 {
			return a.spill(last)
		}
		if err := a.wait(ctx); err != nil {
			return nil, err
		}
	}
}

// lastIdle returns the last slab that is held and that nobody copies just now, or -1. a.mu is held.
func (a *ahead) lastIdle() int {
	last := -1
	for s := range a.held {
		if a.reading[s] == 0 {
			last = max(last, s)
		}
	}
	return last
}

// spill puts a slab into the scratch file, and returns its memory. a.mu is held.
func (a *ahead) spill(last int) ([]byte, error) {
	if a.file == nil {
		f, err := scratch.New(a.scratch)
		if err != nil {
			return nil, err
		}
		a.file = f
	}
	slab := a.held[last]
	if _, err := a.file.WriteAt(slab[:a.rowsOf(last)*a.rowBytes], int64(last)*int64(len(slab))); err != nil {
		return nil, err
	}
	delete(a.held, last)
	return slab, nil
}

// take copies the rows from y on into dst, once they are decoded. Every row may be taken as often as the lanes' chunks have it.
func (a *ahead) take(ctx context.Context, y int, dst [][]byte) error {
	for _, part := range cutAt(kernels.Rows{Lo: y, Hi: y + len(dst)}, a.slabRows) {
		if err := a.takePart(ctx, part, dst[part.Lo-y:part.Hi-y]); err != nil {
			return err
		}
	}
	return nil
}

// takePart is take within a slab.
func (a *ahead) takePart(ctx context.Context, rows kernels.Rows, dst [][]byte) error {
	s := rows.Lo / a.slabRows
	first := rows.Lo - s*a.slabRows
	a.mu.Lock()
	defer a.mu.Unlock()
	if s >= a.next {
		a.waiting++
		a.wake()
		for s >= a.next && !a.ended {
			if err := a.wait(ctx); err != nil {
				a.waiting--
				return err
			}
		}
		a.waiting--
		if s >= a.next && a.err != nil {
			return a.err
		}
	}
	slab, held := a.held[s]
	switch {
	case held:
		// Copying under the lock would keep the others from their rows.
		a.reading[s]++
		a.mu.Unlock()
		copyRows(dst, a.rows(slab, a.rowsOf(s))[first:])
		a.mu.Lock()
		if a.reading[s]--; a.reading[s] == 0 {
			delete(a.reading, s)
			a.wake()
		}
	case a.file != nil && a.wanted[s] > 0:
		at := int64(s)*int64(a.slabRows*a.rowBytes) + int64(first)*int64(a.rowBytes)
		for _, row := range dst {
			if _, err := a.file.ReadAt(row, at); err != nil {
				return err
			}
			at += int64(a.rowBytes)
		}
	default:
		return fmt.Errorf("rows %v are gone: they were taken more often than the plan says", rows)
	}
	if a.wanted[s] -= int64(len(dst)); a.wanted[s] == 0 && held {
		a.free = append(a.free, a.held[s])
		delete(a.held, s)
		a.wake()
	}
	return nil
}

func copyRows(dst, src [][]byte) {
	for i, row := range dst {
		copy(row, src[i])
	}
}

// close gives the file back.
func (a *ahead) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.file.Close()
	a.file = nil
	clear(a.held)
	a.free = nil
}
