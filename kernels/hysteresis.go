package kernels

import (
	"encoding/binary"
	"math/bits"
)

// hysteresis decides which candidates of Canny's local part are edges: those that touch an edge, in any of eight
// directions, again and again until nothing changes. It holds two bits a pixel of the rows on this rank.
//
// A word of 64 pixels grows at once: its candidates next to edges become edges, along the whole word, and then the words around
// are looked at that have candidates next to the new edges. So settling costs a look at each word, and what changes.
type hysteresis struct {
	runSet
	words int // of a row
	size  int // of each of the three below, in bits or words
	// Bits, 64 pixels a word. An empty word lies between rows, and a row before and after each run: another rank's, of which only
	// edges are known. At either end there is one more row, so that every word that may have something has all its neighbours.
	weak, edge []uint64 // candidates that are not edges so far; edges
	queued     []uint64 // a bit for each word that is to be looked at
	todo       []int    // these words
	full       bool     // some of them are not in todo
	grown      bool     // there are edges that were not put or absorbed
}

// mostTodo is how many words todo holds; the others are found by their bits. Mostly it needs far fewer.
const mostTodo = 1 << 16

// newHysteresis returns one that is still to be allocated.
func newHysteresis(width int, runs []Rows) *hysteresis {
	h := &hysteresis{words: (width + 63) / 64}
	h.layOut(newRunSet(runs))
	return h
}

// layOut gives every row its place.
func (h *hysteresis) layOut(set runSet) {
	h.runSet = set
	h.size = 1 + h.stride()*(2+set.count+2*len(set.runs))
}

// allocate makes all rows empty.
func (h *hysteresis) allocate() {
	clean := func(s []uint64, n int) []uint64 {
		if n > cap(s) {
			return make([]uint64, n)
		}
		clear(s[:n])
		return s[:n]
	}
	h.weak, h.edge, h.queued = clean(h.weak, h.size), clean(h.edge, h.size), clean(h.queued, (h.size+63)/64)
	h.todo, h.full, h.grown = h.todo[:0], false, false
}

// Bytes implements Decision.
func (h *hysteresis) Bytes() int64 { return int64(h.size)*(8+8) + int64(h.size)/8 + 8*mostTodo }

// Close implements Decision.
func (h *hysteresis) Close() {}

// stride is the distance from a word to the one below it.
func (h *hysteresis) stride() int { return h.words + 1 }

// find returns the first word of row y, which is on this rank.
func (h *hysteresis) find(y int) int { return h.within(h.endingFrom(y+1), y) }

// within returns the first word of row y, which is in run i or next to it.
func (h *hysteresis) within(i, y int) int {
	return 1 + h.stride()*(2+h.starts[i]+2*i+y-h.runs[i].Lo)
}

// row returns the bits of row y, which is on this rank.
func (h *hysteresis) row(y int) (weak, edge []uint64) {
	first := h.find(y)
	return h.weak[first : first+h.words], h.edge[first : first+h.words]
}

// Put stores a row of labels.
func (h *hysteresis) Put(y int, labels []byte) error {
	weak, edge := h.row(y)
	packLabels(weak, edge, labels)
	return nil
}

// Local writes the labels of row y. What hangs on an edge is one, and remains one.
func (h *hysteresis) Local(y int, dst []byte) error {
	weak, edge := h.row(y)
	unpackLabels(dst, weak, edge)
	return nil
}

// unpackLabels is the other way round of packLabels.
func unpackLabels(dst []byte, weak, edge []uint64) {
	for i, e := range edge {
		part := dst[64*i : min(64*(i+1), len(dst))]
		for x := range part {
			part[x] = byte(e>>x&1*labelStrong | weak[i]>>x&1*labelCandidate)
		}
	}
}

// Row writes row y: 255 where there is an edge, else 0.
func (h *hysteresis) Row(y int, dst []byte) error {
	_, edge := h.row(y)
	unpackBits(dst, edge)
	return nil
}

// Resolve settles the rows, exchanging border rows with other ranks until nobody has anything new.
func (h *hysteresis) Resolve(peers Peers) error {
	h.settleAll()
	return agreeOnBorders(peers, h.packed, h.absorb, func() error { h.settle(); return nil })
}

// agreeOnBorders exchanges border rows with other ranks until nobody has anything new. absorb tells whether there is something new in a row,
// and settle lets it have its effect.
func agreeOnBorders(peers Peers, border func(int) ([]byte, error), absorb func(int, []byte) (bool, error), settle func() error) error {
	for {
		fresh := false
		err := peers.SwapBorders(border, func(y int, b []byte) error {
			news, err := absorb(y, b)
			fresh = fresh || news
			return err
		})
		if err != nil {
			return err
		}
		if more, err := peers.Any(fresh); err != nil || !more {
			return err
		}
		if err := settle(); err != nil {
			return err
		}
	}
}

// settleAll lets all words grow.
func (h *hysteresis) settleAll() {
	for i, run := range h.runs {
		for y := run.Lo; y < run.Hi; y++ {
			first := h.within(i, y)
			for k, weak := range h.weak[first : first+h.words] {
				if weak != 0 {
					h.visit(first + k)
					h.settle()
				}
			}
		}
	}
}

// look puts word k on the list, if it is not on it yet.
func (h *hysteresis) look(k int) {
	bit := uint64(1) << (k % 64)
	switch {
	case h.queued[k/64]&bit != 0:
		return
	case len(h.todo) == mostTodo:
		h.full = true
	default:
		h.todo = append(h.todo, k)
	}
	h.queued[k/64] |= bit
}

// settle lets the words on the list grow, and those around them.
func (h *hysteresis) settle() {
	for h.drain(); h.full; {
		h.full = false
		for i := range h.queued {
			for h.queued[i] != 0 {
				h.visit(64*i + bits.TrailingZeros64(h.queued[i]))
				h.drain()
			}
		}
	}
}

// drain is settle for the words in todo.
func (h *hysteresis) drain() {
	for len(h.todo) > 0 {
		k := h.todo[len(h.todo)-1]
		h.todo = h.todo[:len(h.todo)-1]
		h.visit(k)
	}
}

// visit makes edges of the candidates of word k that touch one, and puts those that touch these on the list.
func (h *hysteresis) visit(k int) {
	h.queued[k/64] &^= 1 << (k % 64)
	// The word and those beside it, each with those above and below.
	above, here, below := h.edge[k-h.stride()-1:][:3], h.edge[k-1:][:3], h.edge[k+h.stride()-1:][:3]
	middle := above[1] | here[1] | below[1]
	near := middle | middle<<1 | middle>>1 | (above[0]|here[0]|below[0])>>63 | (above[2]|here[2]|below[2])<<63
	weak := h.weak[k]
	if near &= weak; near == 0 {
		return
	}
	fresh := fillUp(weak, near)
	if fresh>>1&weak&^fresh != 0 {
		fresh = bits.Reverse64(fillUp(bits.Reverse64(weak), bits.Reverse64(fresh)))
	}
	h.grown = true
	h.edge[k] |= fresh
	h.weak[k] = weak &^ fresh
	h.lookAround(k, fresh)
}

// fillUp spreads the seeds, which are candidates, through runs of candidates towards higher bits: adding a seed to the run
// it stands in carries through to the run's end.
func fillUp(candidates, seeds uint64) uint64 {
	return candidates&^(candidates+seeds) | seeds
}

// lookAround puts the words around k on the list that have candidates next to k's fresh edges.
func (h *hysteresis) lookAround(k int, fresh uint64) {
	near := fresh | fresh<<1 | fresh>>1
	for _, row := range [...]int{k - h.stride(), k, k + h.stride()} {
		if h.weak[row]&near != 0 {
			h.look(row)
		}
		if h.weak[row-1]>>63&fresh != 0 { // bit 0 of fresh
			h.look(row - 1)
		}
		if h.weak[row+1]<<63&fresh != 0 {
			h.look(row + 1)
		}
	}
}

// absorb takes the edges of row y, which another rank holds, and tells whether there are new ones.
func (h *hysteresis) absorb(y int, row []byte) (news bool, err error) {
	above := h.endingFrom(y)
	for i := above; i < min(above+2, len(h.runs)); i++ { // the runs that end before the row and begin after it
		if y != h.runs[i].Hi && y != h.runs[i].Lo-1 {
			continue
		}
		first := h.within(i, y)
		for k := range h.words {
			edge := binary.LittleEndian.Uint64(row[8*k:])
			if fresh := edge &^ h.edge[first+k]; fresh != 0 {
				h.edge[first+k] = edge
				h.lookAround(first+k, fresh)
				news = true
			}
		}
	}
	return news, nil
}

// packed returns the edges of row y as bytes.
func (h *hysteresis) packed(y int) ([]byte, error) {
	_, edge := h.row(y)
	return appendWords(make([]byte, 0, 8*h.words), edge), nil
}

// appendWords appends words to bytes.
func appendWords(b []byte, words []uint64) []byte {
	for _, w := range words {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b
}

// takeWords is the other way round.
func takeWords(words []uint64, b []byte) {
	for i := range words {
		words[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
}
