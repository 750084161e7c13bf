package kernels

import (
	"cmp"
	"math"
	"slices"
	"unsafe"
)

// small is the arithmetic of direct for kernels whose positive and whose negative products each add up to 15 bits, without a shift, so
// that eight samples are worked on at a time.
type small struct {
	finish
	plus, minus partners
	signed      partners           // all taps, for the assembly
	nothing     [stripSamples]byte // samples of 0, the partner of a tap that has none
}

// partners are taps of one sign, two of equal weight in each pair.
type partners struct {
	taps      [][]tap
	pairs     []pair
	even, odd [stripSamples / wordsz]uint64
}

// newSmall returns nil for any other kernel.
func newSmall(taps []tap, f finish) *small {
	var plus, minus []tap
	most, least := max(f.delta, 0), min(f.delta, 0)
	for _, t := range taps {
		most, least = most+white*max(t.weight, 0), least+white*min(t.weight, 0)
		if t.weight > 0 {
			plus = append(plus, t)
		} else {
			t.weight = -t.weight
			minus = append(minus, t)
		}
	}
	if f.shift > 0 || most > math.MaxInt16 || least < -math.MaxInt16 {
		return nil
	}
	return &small{finish: f, plus: newPartners(plus), minus: newPartners(minus), signed: newSigned(taps)}
}

// newSigned puts any two taps in a pair, whose weight holds both: two signed bytes. There are none if a weight is too large.
func newSigned(taps []tap) (p partners) {
	for _, t := range taps {
		if t.weight < math.MinInt8 || t.weight > math.MaxInt8 {
			return partners{}
		}
	}
	for ; len(taps) > 0; taps = taps[min(2, len(taps)):] {
		weight := uint64(uint8(taps[0].weight))
		if len(taps) > 1 {
			weight |= uint64(uint8(taps[1].weight)) << 8
		}
		p.taps = append(p.taps, taps[:min(2, len(taps))])
		p.pairs = append(p.pairs, pair{weight: weight})
	}
	return p
}

// tapsBlock is how many samples the assembly computes at least.
const tapsBlock = 64

// row computes all the out samples from lo on by assembly, if they are many enough.
func (s *small) row(out []byte, rows [][]byte, lo, channels int) bool {
	n := len(out)
	if path < isaAVX2 || n < tapsBlock || len(s.signed.pairs) == 0 {
		return false
	}
	const strip = 16 * stripSamples // so that no call takes long
	for x := 0; x < n; x += strip {
		x := min(x, n-tapsBlock) // the last strip may begin before the end of the one before
		s.taps(out[x:min(x+strip, n)], rows, lo+x, channels)
	}
	return true
}

// taps computes the out samples from lo on by assembly.
func (s *small) taps(out []byte, rows [][]byte, lo, channels int) {
	n, pairs := len(out), s.signed.pairs
	for i, ts := range s.signed.taps {
		a := ts[0]
		b := ts[len(ts)-1] // a lone tap stands here, too; its second weight is 0
		pairs[i].a, pairs[i].b = at(rows[a.row], lo+a.right*channels, n), at(rows[b.row], lo+b.right*channels, n)
	}
	first := (*byte)(unsafe.Pointer(unsafe.SliceData(pairs)))
	wide := path >= isaAVX512 && n >= 2*64
	switch {
	case wide && s.abs:
		tapsAbsAVX512(&out[0], first, len(pairs), n, s.delta)
	case wide:
		tapsAVX512(&out[0], first, len(pairs), n, s.delta)
	case s.abs:
		tapsAbsAVX2(&out[0], first, len(pairs), n, s.delta)
	default:
		tapsAVX2(&out[0], first, len(pairs), n, s.delta)
	}
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
	more, less := uint64(max(s.delta, 0))*ones, uint64(max(-s.delta, 0))*ones
	first := at(out, 0, count*wordsz)
	for i, e := range even {
		store(first, i*wordsz, interleave(s.lanes(e+more, evenMinus[i]+less), s.lanes(odd[i]+more, oddMinus[i]+less)))
	}
	for i := count * wordsz; i < len(out); i++ {
		out[i] = s.of(int32(weighOne(i, s.plus.pairs)) - int32(weighOne(i, s.minus.pairs)))
	}
}

// lanes does in each lane what finish does with a difference that delta is in: plus − minus, or its absolute value, saturated.
func (s *small) lanes(plus, minus uint64) uint64 {
	const sign = 0x8000 * ones
	// The set sign bit keeps the subtraction within its lane. Flipped, it makes the difference one in two's complement.
	diff := ((plus | sign) - minus) ^ sign
	negative := diff & sign >> 15 // 1 in each lane
	all := negative * 0xffff
	if s.abs {
		diff = (diff ^ all) + negative
	} else {
		diff &^= all
	}
	over := (diff + (0x8000-256)*ones) & sign >> 15
	return diff | over*0xff
}
