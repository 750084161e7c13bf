package kernels

import (
	"cmp"
	"slices"
)

// small is the arithmetic of direct for kernels whose positive and whose negative weights each add up to at most 128, without a
// shift: both sums fit 15 bits, so that eight samples are worked on at a time.
type small struct {
	k           *Convolution
	plus, minus partners
	nothing     [stripSamples]byte // samples of 0, the partner of a tap that has none
}

// partners are taps of one sign, two of equal weight in each pair.
type partners struct {
	taps      [][]tap
	pairs     []pair
	even, odd [stripSamples / wordsz]uint64
}

func newSmall(k *Convolution, taps []tap) *small {
	var plus, minus []tap
	for _, t := range taps {
		if t.weight > 0 {
			plus = append(plus, t)
		} else {
			t.weight = -t.weight
			minus = append(minus, t)
		}
	}
	sum := func(ts []tap) (n int) {
		for _, t := range ts {
			n += t.weight
		}
		return n
	}
	const limit = 128
	if k.shift > 0 || sum(plus) > limit || sum(minus) > limit {
		return nil
	}
	return &small{k: k, plus: newPartners(plus), minus: newPartners(minus)}
}

func newPartners(taps []tap) (p partners) {
	slices.SortStableFunc(taps, func(a, b tap) int { return cmp.Compare(a.weight, b.weight) })
	for len(taps) > 0 {
		n := 1
		if len(taps) > 1 && taps[1].weight == taps[0].weight {
			n = 2
		}
		p.taps = append(p.taps, taps[:n])
		p.pairs = append(p.pairs, pair{weight: uint64(taps[0].weight)})
		taps = taps[n:]
	}
	return p
}

// point makes the pairs point to their n samples for the out samples from lo on.
func (p *partners) point(rows [][]byte, lo, channels int, nothing []byte) {
	n := len(nothing)
	for i, ts := range p.taps {
		p.pairs[i].a, p.pairs[i].b = at(rows[ts[0].row], lo+ts[0].right*channels, n), at(nothing, 0, n)
		if len(ts) == 2 {
			p.pairs[i].b = at(rows[ts[1].row], lo+ts[1].right*channels, n)
		}
	}
}

// strip computes the out samples from lo on.
func (s *small) strip(out []byte, rows [][]byte, lo, channels int) {
	s.plus.point(rows, lo, channels, s.nothing[:len(out)])
	s.minus.point(rows, lo, channels, s.nothing[:len(out)])
	count := (len(out) - 1) / wordsz
	even, odd := s.plus.even[:count], s.plus.odd[:count]
	evenMinus, oddMinus := s.minus.even[:count], s.minus.odd[:count]
	weigh(even, odd, s.plus.pairs)
	weigh(evenMinus, oddMinus, s.minus.pairs)
	first := at(out, 0, count*wordsz)
	for i, e := range even {
		store(first, i*wordsz, interleave(s.finish(e, evenMinus[i]), s.finish(odd[i], oddMinus[i])))
	}
	for i := count * wordsz; i < len(out); i++ {
		out[i] = s.k.finishInt(int32(weighOne(i, s.plus.pairs)) - int32(weighOne(i, s.minus.pairs)))
	}
}

// finish does in each lane what Convolution.finish does: plus − minus, or its absolute value, saturated.
func (s *small) finish(plus, minus uint64) uint64 {
	const sign = 0x8000 * ones
	// The set sign bit keeps the subtraction within its lane. Flipped, it makes the difference one in two's complement.
	diff := ((plus | sign) - minus) ^ sign
	negative := diff & sign >> 15 // 1 in each lane
	all := negative * 0xffff
	if s.k.abs {
		diff = (diff ^ all) + negative
	} else {
		diff &^= all
	}
	over := (diff + (0x8000-256)*ones) & sign >> 15
	return diff | over*0xff
}
