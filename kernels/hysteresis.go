package kernels

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"sort"
)

// hysteresis decides which candidates of Canny's local part are edges: those that touch an edge, in any of eight
// directions, again and again until nothing changes. It holds two bits a pixel of the rows on this rank.
//
// A row's edges grow by words: candidates next to an edge of the row above, of the row itself or of the row below become
// edges. Rows whose neighbours grew are looked at again, so that settling costs what changes.
type hysteresis struct {
	width  int
	words  int              // of a row
	bands  []band           // by their first row
	todo   []int            // rows to look at again
	border map[int][]uint64 // edges of neighbours' rows
	grown  []uint64
}

// band is a run of rows on this rank.
type band struct {
	Rows
	candidate, edge []uint64 // row after row
	queued          []bool   // by row
}

func newHysteresis(width int, runs []Rows) *hysteresis {
	h := &hysteresis{width: width, words: (width + 63) / 64, border: make(map[int][]uint64)}
	h.grown = make([]uint64, h.words)
	for _, run := range runs {
		n := run.Len()
		h.bands = append(h.bands, band{run, make([]uint64, n*h.words), make([]uint64, n*h.words), make([]bool, n)})
	}
	slices.SortFunc(h.bands, func(a, b band) int { return a.Lo - b.Lo })
	return h
}

// find returns the band that holds row y, and the row's number in it; nil if another rank has it.
func (h *hysteresis) find(y int) (*band, int) {
	i := sort.Search(len(h.bands), func(i int) bool { return h.bands[i].Hi > y })
	if i == len(h.bands) || y < h.bands[i].Lo {
		return nil, 0
	}
	return &h.bands[i], y - h.bands[i].Lo
}

// row returns the candidates and edges of the i-th row of a band.
func (h *hysteresis) row(b *band, i int) (candidate, edge []uint64) {
	return b.candidate[i*h.words : (i+1)*h.words], b.edge[i*h.words : (i+1)*h.words]
}

// Put stores a row of labels. A strong pixel is a candidate, too.
func (h *hysteresis) Put(y int, labels []byte) {
	candidates, edges := h.row(h.find(y))
	for i := range h.words {
		var candidate, edge uint64
		part := labels[64*i : min(64*(i+1), len(labels))]
		for shift := 0; len(part) > 0; shift += 8 {
			var eight uint64
			if len(part) >= 8 {
				eight, part = binary.LittleEndian.Uint64(part), part[8:]
			} else {
				for j, l := range part {
					eight |= uint64(l) << (8 * j)
				}
				part = nil
			}
			candidate |= gatherBits(eight|eight>>1) << shift
			edge |= gatherBits(eight>>1) << shift
		}
		candidates[i], edges[i] = candidate, edge
	}
}

// gatherBits returns the lowest bit of each byte, the first byte's in bit 0: the multiplication adds shifted copies so that
// each of these bits lands in the highest byte.
func gatherBits(bytes uint64) uint64 { return (bytes & 0x0101010101010101) * 0x0102040810204080 >> 56 }

// spreadBits is its inverse, with bytes of 255.
func spreadBits(b uint64) uint64 {
	each := (b & 0xff) * 0x0101010101010101 & 0x8040201008040201 // bit i in byte i
	return (each + 0x7f7f7f7f7f7f7f7f) >> 7 & 0x0101010101010101 * 0xff
}

// Resolve settles the rows, exchanging border rows with other ranks until nobody has anything new.
func (h *hysteresis) Resolve(peers Peers) error {
	for _, run := range h.bands {
		for y := run.Hi - 1; y >= run.Lo; y-- {
			h.look(y)
		}
	}
	for {
		h.settle()
		fresh := false
		err := peers.SwapBorders(h.packed, func(y int, b []byte) { fresh = h.absorb(y, b) || fresh })
		if err != nil {
			return err
		}
		if more, err := peers.Any(fresh); err != nil || !more {
			return err
		}
	}
}

// look puts row y on the list, if it is here and not on it yet.
func (h *hysteresis) look(y int) {
	if b, i := h.find(y); b != nil && !b.queued[i] {
		b.queued[i] = true
		h.todo = append(h.todo, y)
	}
}

func (h *hysteresis) settle() {
	for len(h.todo) > 0 {
		y := h.todo[len(h.todo)-1]
		h.todo = h.todo[:len(h.todo)-1]
		b, i := h.find(y)
		b.queued[i] = false
		if h.grow(y, b, i) {
			h.look(y - 1)
			h.look(y + 1)
		}
	}
}

// edges returns the edges of row y, here or on another rank; nil if there are none yet.
func (h *hysteresis) edges(y int) []uint64 {
	if b, i := h.find(y); b != nil {
		_, edge := h.row(b, i)
		return edge
	}
	return h.border[y]
}

// grow marks the candidates of row y, the i-th of band b, that touch an edge, and tells whether there were any.
func (h *hysteresis) grow(y int, b *band, i int) bool {
	candidates, edges := h.row(b, i)
	near := h.grown
	copy(near, edges)
	for _, other := range [][]uint64{h.edges(y - 1), h.edges(y + 1)} {
		if other == nil {
			continue
		}
		last := uint64(0)
		for i, e := range other {
			next := uint64(0)
			if i+1 < len(other) {
				next = other[i+1] << 63
			}
			near[i] |= e | e<<1 | e>>1 | last>>63 | next
			last = e
		}
	}
	// Along the row: rightwards with a carry from word to word, then leftwards.
	carry := uint64(0)
	for i, c := range candidates {
		e := fillUp(c, near[i]&c|carry&c)
		near[i] = e
		carry = e >> 63
	}
	changed := false
	carry = 0
	for i := len(near) - 1; i >= 0; i-- {
		c := candidates[i]
		e := bits.Reverse64(fillUp(bits.Reverse64(c), bits.Reverse64(near[i]|carry<<63&c)))
		carry = e & 1
		if e != edges[i] {
			edges[i] = e
			changed = true
		}
	}
	return changed
}

// fillUp spreads the seeds, which are candidates, through runs of candidates towards higher bits: adding a seed to the run
// it stands in carries through to the run's end.
func fillUp(candidates, seeds uint64) uint64 {
	return candidates&^(candidates+seeds) | seeds
}

// absorb takes the edges of row y, which another rank holds, and tells whether there are new ones.
func (h *hysteresis) absorb(y int, b []byte) bool {
	have := h.border[y]
	if have == nil {
		have = make([]uint64, h.words)
		h.border[y] = have
	}
	fresh := false
	for i := range have {
		e := binary.LittleEndian.Uint64(b[8*i:])
		fresh = fresh || e != have[i]
		have[i] = e
	}
	if fresh {
		h.look(y - 1)
		h.look(y + 1)
	}
	return fresh
}

// packed returns the edges of row y as bytes.
func (h *hysteresis) packed(y int) []byte {
	b := make([]byte, 0, 8*h.words)
	for _, e := range h.edges(y) {
		b = binary.LittleEndian.AppendUint64(b, e)
	}
	return b
}

// Row writes row y: 255 where there is an edge, else 0.
func (h *hysteresis) Row(y int, dst []byte) {
	for i, edge := range h.edges(y) {
		part := dst[64*i : min(64*(i+1), len(dst))]
		for ; len(part) >= 8; part, edge = part[8:], edge>>8 {
			binary.LittleEndian.PutUint64(part, spreadBits(edge))
		}
		for x := range part {
			part[x] = -byte(edge >> x & 1)
		}
	}
}
