package kernels

import (
	"math"
	"sync"
)

// histogram counts samples by their value.
type histogram [256]int64

func (h *histogram) total() (n int64) {
	for _, count := range h {
		n += count
	}
	return n
}

// levels is an op whose result goes through a table, which follows from the histogram of all samples of the whole picture.
type levels struct {
	Op // what the samples are counted of

	// table is given the sum over all ranks, which is not empty.
	table func(*histogram) *[256]byte
	// extremes tells that the table follows from the lowest and the highest sample alone, so that others need not be counted.
	extremes bool
}

// levelled returns the op that applies the table to the picture as it is.
func levelled(table func(*histogram) *[256]byte) levels {
	return levels{Op: identity, table: table}
}

// grayLevelled returns the op that applies the table to the picture in grey.
func grayLevelled(channels int, table func(*histogram) *[256]byte) levels {
	l := levelled(table)
	if channels == 3 {
		l.Op = gray
	}
	return l
}

var identity = pointwise{
	row:   func(dst, src []byte) { copy(dst, src) },
	pixel: func(out, in []float64) { copy(out, in) },
}

// DecisionBytes implements Global.
func (l levels) DecisionBytes(in Shape) int64 { return int64(in.Height) * int64(in.RowBytes()) }

// Decide implements Global.
func (l levels) Decide(in Shape, runs []Rows, room Room) (Decision, error) {
	d := &levelling{levels: l, rows: newRunSet(runs), rowBytes: in.RowBytes()}
	size := int64(d.rows.count) * int64(d.rowBytes)
	if room.holds(size) {
		d.samples = make([]byte, size)
		return d, nil
	}
	var err error
	d.file, err = newRowFile(d.rows, d.rowBytes, room)
	return d, err
}

// Reference counts, then looks up.
func (l levels) Reference(in Planes) Planes {
	in = l.Op.Reference(in)
	h, w := in[0].Dims()
	var counts histogram
	for _, plane := range in {
		for y := range h {
			for x := range w {
				counts[int(plane.At(y, x))]++
			}
		}
	}
	table := l.table(&counts)
	out := newPlanes(len(in), h, w)
	for c := range out {
		for y := range h {
			for x := range w {
				out[c].Set(y, x, float64(table[int(in[c].At(y, x))]))
			}
		}
	}
	return out
}

// levelling is the decision of levels. It holds the samples of the rows on this rank, in memory or in a file.
type levelling struct {
	levels
	rows     runSet
	rowBytes int
	samples  []byte
	file     *rowFile // or nil
	buffers  sync.Pool
	final    *[256]byte

	mu      sync.Mutex
	tallies []*tally // as many as there were calls of Put at the same time
	free    []*tally
}

// row returns the samples of row y, which this rank has in memory.
func (d *levelling) row(y int) []byte { return d.samples[d.rows.number(y)*d.rowBytes:][:d.rowBytes] }

// Put implements Decision.
func (d *levelling) Put(y int, row []byte) error {
	t := d.take()
	defer d.giveBack(t)
	var dst []byte
	if d.file == nil {
		dst = d.row(y)
	} else {
		b := d.buffer()
		defer d.buffers.Put(b)
		dst = *b
	}
	if d.extremes {
		t.copyAndCountExtremes(dst, row)
	} else {
		t.copyAndCount(dst, row)
	}
	if d.file == nil {
		return nil
	}
	return d.file.write(y, 0, dst)
}

// buffer returns memory for a row of the file; it goes back to d.buffers.
func (d *levelling) buffer() *[]byte {
	if b, ok := d.buffers.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, d.rowBytes)
	return &b
}

// take returns a tally that nobody else counts on.
func (d *levelling) take() *tally {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := len(d.free); n > 0 {
		t := d.free[n-1]
		d.free = d.free[:n-1]
		return t
	}
	t := &tally{room: pairsRoom}
	d.tallies = append(d.tallies, t)
	return t
}

func (d *levelling) giveBack(t *tally) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.free = append(d.free, t)
}

// Local implements Decision.
func (d *levelling) Local(y int, dst []byte) error {
	if d.file != nil {
		return d.file.read(y, 0, dst)
	}
	copy(dst, d.row(y))
	return nil
}

// Bytes implements Decision.
func (d *levelling) Bytes() int64 { return int64(len(d.samples)) }

// Close implements Decision.
func (d *levelling) Close() {
	if d.file != nil {
		d.file.file.Close()
	}
}

// Resolve adds up the histograms of all ranks.
func (d *levelling) Resolve(peers Peers) error {
	var sum histogram
	for _, t := range d.tallies {
		t.unpair()
		for v, n := range t.samples {
			sum[v] += n
		}
	}
	if err := peers.Sum(sum[:]); err != nil {
		return err
	}
	d.final = d.table(&sum)
	return nil
}

// Row implements Decision.
func (d *levelling) Row(y int, dst []byte) error {
	if d.file == nil {
		lookUp(dst, d.row(y), d.final)
		return nil
	}
	b := d.buffer()
	defer d.buffers.Put(b)
	if err := d.file.read(y, 0, *b); err != nil {
		return err
	}
	lookUp(dst, *b, d.final)
	return nil
}

// tally is a histogram in the making. It counts samples in pairs of neighbours, which takes half as many steps.
type tally struct {
	samples histogram
	pairs   [1 << 16]uint32 // by the first sample and, in the upper byte, the second
	room    int64           // how many more of them are sure to fit
}

const pairsRoom = math.MaxUint32

// copyAndCount copies a row and counts its samples.
func (t *tally) copyAndCount(dst, row []byte) {
	if t.room < int64(len(row)) {
		t.unpair()
	}
	t.room -= int64(len(row))
	whole := len(row) / wordsz * wordsz
	d, s := at(dst, 0, len(row)), at(row, 0, len(row))
	for i := 0; i < whole; i += wordsz {
		w := load(s, i)
		store(d, i, w)
		t.pairs[uint16(w)]++
		t.pairs[uint16(w>>16)]++
		t.pairs[uint16(w>>32)]++
		t.pairs[uint16(w>>48)]++
	}
	for i := whole; i < len(row); i++ {
		dst[i] = row[i]
		t.samples[row[i]]++
	}
}

// copyAndCountExtremes copies a row and counts at least its lowest and its highest sample. Without special instructions, to count all
// is as fast.
func (t *tally) copyAndCountExtremes(dst, row []byte) {
	var lowest, highest int
	switch {
	case path >= isaAVX512 && len(row) >= 64:
		lowest, highest = extremesAVX512(&row[0], len(row))
	case path >= isaAVX2 && len(row) >= 32:
		lowest, highest = extremesAVX2(&row[0], len(row))
	default:
		t.copyAndCount(dst, row)
		return
	}
	copy(dst, row)
	t.samples[lowest]++
	t.samples[highest]++
}

// unpair counts the samples of the pairs.
func (t *tally) unpair() {
	if t.room == pairsRoom {
		return
	}
	for pair, n := range t.pairs {
		t.samples[pair&0xff] += int64(n)
		t.samples[pair>>8] += int64(n)
	}
	clear(t.pairs[:])
	t.room = pairsRoom
}
