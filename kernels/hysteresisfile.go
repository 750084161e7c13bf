package kernels

import (
	"bytes"
	"slices"
	"sort"
	"sync"
)

// hysteresisFile is a hysteresis whose bits are in a scratch file. Its rows are cut into strips, of which one at a time is in memory. A
// strip is settled as if what lies around it were another rank's; where that changes a row that touches another strip, that one is
// settled again. Sweeps go down and up, so a line that runs from top to bottom takes one sweep, not one for each strip.
//
//	row of the file │ candidates │ edges │, 64 pixels a word; the rows of other ranks next to ours are there, too
type hysteresisFile struct {
	width, words int
	own          runSet   // the rows on this rank
	file         *rowFile // these, and those next to them
	strips       []strip
	work         *hysteresis
	buffer       []byte    // for some rows of the file
	buffers      sync.Pool // of *hysteresisRow
}

// strip is a part of the rows that is in memory at a time.
type strip struct {
	runSet
	dirty bool // there may be candidates that touch an edge
}

// hysteresisRow is a row between labels and file.
type hysteresisRow struct {
	words []uint64 // candidates, then edges
	bytes []byte
}

// chunkBytes is about how much of the file is moved at a time.
const chunkBytes = 1 << 20

func newHysteresisFile(width int, runs []Rows, room Room) (*hysteresisFile, error) {
	h := &hysteresisFile{width: width, words: (width + 63) / 64, own: newRunSet(runs)}
	h.work = newHysteresis(width, nil)
	h.buffers.New = func() any {
		return &hysteresisRow{make([]uint64, 2*h.words), make([]byte, 16*h.words)}
	}
	var near []Rows
	for _, r := range h.own.runs {
		near = append(near, Rows{max(0, r.Lo-1), r.Hi + 1})
	}
	var err error
	if h.file, err = newRowFile(newRunSet(near), 16*h.words, room); err != nil {
		return nil, err
	}
	h.cut(int(room.Bytes / int64(h.work.stride()*(8+8)+h.work.stride()/8)))
	return h, nil
}

// cut makes strips that take as much memory as so many rows do, but of one row at least.
func (h *hysteresisFile) cut(rows int) {
	const around = 2 // rows of each run, and of all together
	var runs []Rows
	room := rows - around
	for _, run := range h.own.runs {
		for run.Len() > 0 {
			if room <= around && len(runs) > 0 {
				h.strips = append(h.strips, strip{newRunSet(runs), true})
				runs, room = nil, rows-around
			}
			part := Rows{run.Lo, min(run.Hi, run.Lo+max(1, room-around))}
			runs = append(runs, part)
			run.Lo = part.Hi
			room -= part.Len() + around
		}
	}
	if len(runs) > 0 {
		h.strips = append(h.strips, strip{newRunSet(runs), true})
	}
}

// Bytes implements Decision.
func (h *hysteresisFile) Bytes() int64 { return 0 }

// Close implements Decision.
func (h *hysteresisFile) Close() { h.file.file.Close() }

// Put stores a row of labels.
func (h *hysteresisFile) Put(y int, labels []byte) error {
	row := h.buffers.Get().(*hysteresisRow)
	defer h.buffers.Put(row)
	packLabels(row.words[:h.words], row.words[h.words:], labels)
	row.bytes = appendWords(row.bytes[:0], row.words)
	return h.file.write(y, 0, row.bytes)
}

// Local implements Decision.
func (h *hysteresisFile) Local(y int, dst []byte) error {
	row := h.buffers.Get().(*hysteresisRow)
	defer h.buffers.Put(row)
	err := h.file.read(y, 0, row.bytes)
	takeWords(row.words, row.bytes)
	unpackLabels(dst, row.words[:h.words], row.words[h.words:])
	return err
}

// Row implements Decision.
func (h *hysteresisFile) Row(y int, dst []byte) error {
	row := h.buffers.Get().(*hysteresisRow)
	defer h.buffers.Put(row)
	err := h.file.read(y, 8*h.words, row.bytes[:8*h.words])
	takeWords(row.words[:h.words], row.bytes)
	unpackBits(dst, row.words[:h.words])
	return err
}

// Resolve implements Decision.
func (h *hysteresisFile) Resolve(peers Peers) error {
	defer func() { h.work, h.buffer = nil, nil }() // there is no second time
	if err := h.settle(); err != nil {
		return err
	}
	return agreeOnBorders(peers, h.packed, h.absorb, h.settle)
}

// settle settles strips until none touches news.
func (h *hysteresisFile) settle() error {
	for more := true; more; {
		more = false
		for i := range h.strips {
			if err := h.settleStrip(i, &more); err != nil {
				return err
			}
		}
		for i := len(h.strips) - 1; i >= 0; i-- {
			if err := h.settleStrip(i, &more); err != nil {
				return err
			}
		}
	}
	return nil
}

// settleStrip settles a strip, if that may change something, and sets more if it makes work for others.
func (h *hysteresisFile) settleStrip(i int, more *bool) error {
	s := &h.strips[i]
	if !s.dirty {
		return nil
	}
	s.dirty = false
	w := h.work
	w.layOut(s.runSet)
	w.allocate()
	for i := range w.runs {
		if err := h.load(i); err != nil {
			return err
		}
	}
	var before [][]uint64 // the rows that touch others
	for _, run := range w.runs {
		for _, y := range [...]int{run.Lo, run.Hi - 1} {
			_, edge := w.row(y)
			before = append(before, slices.Clone(edge))
		}
	}
	w.settleAll()
	if !w.grown {
		return nil
	}
	for k, run := range w.runs {
		if err := h.store(run); err != nil {
			return err
		}
		for side, y := range [...]int{run.Lo, run.Hi - 1} {
			if _, edge := w.row(y); !slices.Equal(edge, before[2*k+side]) {
				beyond := y - 1 + 2*side
				*more = h.mark(beyond) || *more
			}
		}
	}
	return nil
}

// mark makes the strip that has row y dirty, and tells whether there is one.
func (h *hysteresisFile) mark(y int) bool {
	i := sort.Search(len(h.strips), func(i int) bool { return h.strips[i].runs[len(h.strips[i].runs)-1].Hi > y })
	if i == len(h.strips) || !h.strips[i].has(y) {
		return false
	}
	h.strips[i].dirty = true
	return true
}

// load reads run i of the strip, and the edges of the rows next to it.
func (h *hysteresisFile) load(i int) error {
	run := h.work.runs[i]
	return h.pieces(Rows{max(0, run.Lo-1), run.Hi + 1}, func(rows Rows, bytes []byte) error {
		if err := h.file.read(rows.Lo, 0, bytes); err != nil {
			return err
		}
		for y := rows.Lo; y < rows.Hi; y++ {
			at := h.work.within(i, y)
			if run.Lo <= y && y < run.Hi {
				takeWords(h.work.weak[at:at+h.words], bytes)
			}
			takeWords(h.work.edge[at:at+h.words], bytes[8*h.words:])
			bytes = bytes[16*h.words:]
		}
		return nil
	})
}

// store writes a run of the strip.
func (h *hysteresisFile) store(run Rows) error {
	return h.pieces(run, func(rows Rows, bytes []byte) error {
		out := bytes[:0]
		for y := rows.Lo; y < rows.Hi; y++ {
			weak, edge := h.work.row(y)
			out = appendWords(appendWords(out, weak), edge)
		}
		return h.file.write(rows.Lo, 0, out)
	})
}

// pieces calls do for some rows after the other, with memory for them.
func (h *hysteresisFile) pieces(rows Rows, do func(Rows, []byte) error) error {
	size := 16 * h.words
	if h.buffer == nil {
		h.buffer = make([]byte, min(max(1, chunkBytes/size), h.file.count)*size)
	}
	for rows.Len() > 0 {
		part := Rows{rows.Lo, min(rows.Hi, rows.Lo+len(h.buffer)/size)}
		if err := do(part, h.buffer[:part.Len()*size]); err != nil {
			return err
		}
		rows.Lo = part.Hi
	}
	return nil
}

// packed returns the edges of row y as bytes.
func (h *hysteresisFile) packed(y int) ([]byte, error) {
	b := make([]byte, 8*h.words)
	return b, h.file.read(y, 8*h.words, b)
}

// absorb is as that of hysteresis.
func (h *hysteresisFile) absorb(y int, row []byte) (news bool, err error) {
	known, err := h.packed(y)
	if err != nil || bytes.Equal(known, row) {
		return false, err
	}
	for _, near := range [...]int{y - 1, y + 1} {
		h.mark(near)
	}
	return true, h.file.write(y, 8*h.words, row)
}
