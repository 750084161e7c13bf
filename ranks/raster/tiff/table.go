package tiff

import (
	"fmt"
	"math/bits"
	"sync/atomic"
)

// table is a list of offsets or sizes, which is read where it lies, in windows: it may have millions of values.
type table struct {
	*file
	at     int64
	width  int // of a value
	count  int64
	inline []byte // the values, if they stand in the entry
	held   [tableWindows]atomic.Pointer[tableWindow]
}

const (
	tableWindows   = 16
	tableWindowLen = 512 // values, a power of two
)

type tableWindow struct {
	number int64
	values [tableWindowLen]uint64
}

// table returns a tag's values, nil if the tag is missing.
func (d *directory) table(tag uint16) (*table, error) {
	e, ok := d.entries[tag]
	if !ok {
		return nil, nil
	}
	if !isWhole(e.kind) {
		return nil, fmt.Errorf("tag %d: its type %d is not that of whole numbers", tag, e.kind)
	}
	at, n, err := d.place(e)
	if err != nil {
		return nil, fmt.Errorf("tag %d: %w", tag, err)
	}
	t := &table{file: d.file, at: at, width: sizeOfType(e.kind), count: int64(e.count)}
	if at == e.at {
		t.inline = append([]byte(nil), e.value[:n]...)
	}
	return t, nil
}

// get returns a value.
func (t *table) get(i int64) (uint64, error) {
	if t.inline != nil {
		return whole(t.order, t.inline[int(i)*t.width:], t.width), nil
	}
	number := i / tableWindowLen
	slot := &t.held[number%tableWindows]
	w := slot.Load()
	if w == nil || w.number != number {
		w = &tableWindow{number: number}
		first := number * tableWindowLen
		b := make([]byte, t.width*int(min(tableWindowLen, t.count-first)))
		if err := t.readAt(b, t.at+first*int64(t.width)); err != nil {
			return 0, err
		}
		for k := 0; len(b) > 0; k, b = k+1, b[t.width:] {
			w.values[k] = whole(t.order, b, t.width)
		}
		slot.Store(w)
	}
	return w.values[i%tableWindowLen], nil
}

// product multiplies numbers that are not negative; ok is false if that is beyond 2^62.
func product(a, b int64) (p int64, ok bool) {
	high, low := bits.Mul64(uint64(a), uint64(b))
	return int64(low), high == 0 && low < 1<<62
}
