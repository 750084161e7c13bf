package jpeg

// firstDC decodes the upper bits of a block's DC coefficient (T.81, G.1.2.1).
func (e *entropy) firstDC(b *[64]int16, h *huffman, prior *int32, low uint) bool {
	if e.n < 32 {
		e.refill()
	}
	f := h.fast[e.acc>>(64-fastBits)]
	size, length := uint8(f>>8), uint(f&0x1f)
	if length == 0 {
		if size, length = h.long(e.acc); length == 0 {
			return false
		}
	}
	e.acc <<= length & 63
	*prior += difference(e.acc, uint(size))
	e.acc <<= size & 63
	e.n -= length + uint(size)
	b[0] = int16(*prior << low)
	return true
}

// firstAC decodes the upper bits of a band of a block's coefficients (T.81, G.1.2.2).
func (e *entropy) firstAC(b *[64]int16, h *huffman, s *scan) bool {
	for k := s.first; k <= s.last; k++ {
		if e.n < 32 {
			e.refill()
		}
		f := h.fast[e.acc>>(64-fastBits)]
		length := uint(f & 0x1f)
		if f&later == 0 {
			e.acc <<= length & 63
			e.n -= length
			k += int(f >> 8 & 0xff)
			b[zigzag[uint8(k)]&63] = int16(int32(f) >> 16 << s.low)
			continue
		}
		symbol := uint8(f >> 8)
		if length == 0 {
			if symbol, length = h.long(e.acc); length == 0 {
				return false
			}
		}
		e.acc <<= length & 63
		e.n -= length
		run, size := int(symbol>>4), uint(symbol&15)
		if size == 0 {
			if run < 15 {
				e.eobs = 1<<run - 1 + int(e.bits(uint(run)))
				return true
			}
			k += 15
			continue
		}
		k += run
		b[zigzag[uint8(k)]&63] = int16(extend(uint32(e.acc>>(64-size)), int(size)) << s.low)
		e.acc <<= size
		e.n -= size
	}
	return true
}

// refineAC decodes one more bit of a band of a block's coefficients (T.81, G.1.2.3): of those that are not zero yet each has its bit, and
// between them stand codes for those that become 1 or −1.
func (e *entropy) refineAC(b *[64]int16, h *huffman, s *scan) bool {
	one := int16(1) << s.low
	k := s.first
	for e.eobs == 0 && k <= s.last {
		symbol, ok := e.symbol(h)
		if !ok {
			return false
		}
		run, value := int(symbol>>4), int16(0)
		if symbol&15 != 0 {
			if value = -one; e.bits(1) == 1 {
				value = one
			}
		} else if run < 15 {
			e.eobs = 1<<run + int(e.bits(uint(run)))
			break
		}
		k = e.refine(b, k, s.last, run, one)
		if value != 0 {
			b[zigzag[uint8(k)]&63] = value
		}
		k++
	}
	if e.eobs > 0 {
		e.eobs--
		e.refine(b, k, s.last, 64, one)
	}
	return true
}

// refine takes a bit for each coefficient from k to last that is not zero, until it has passed zeros of a number, and returns where the
// next zero is, or last+1.
func (e *entropy) refine(b *[64]int16, k, last, zeros int, one int16) int {
	for ; k <= last; k++ {
		c := &b[zigzag[uint8(k)]&63]
		if *c == 0 {
			if zeros == 0 {
				break
			}
			zeros--
			continue
		}
		if e.bits(1) == 1 && *c&one == 0 {
			if *c > 0 {
				*c += one
			} else {
				*c -= one
			}
		}
	}
	return k
}
