package tiff

import (
	"encoding/binary"
	"errors"
	"hash/adler32"
	"io"
	"math/bits"
)

// Inflate (RFC 1951, in the wrapping of RFC 1950) of a strip or tile at once: with all of what is compressed and room for all that is not,
// it needs no window, and looks for ends once for many bytes. The table of codes is one of 11 bits, with further ones behind it for longer codes.
const (
	literalBits  = 11
	distanceBits = 8
	lengthsBits  = 7
	maxCodeBits  = 15
)

// An entry of a table, from the lowest bit: 4 bits of how many the code has (0: there is no such code), 4 of how many bits belong to the
// value beside it, and the value in the upper half. A literal, the end of a block, and a table for longer codes are flagged; the
// table's value is where it begins, its bits how many it takes.
const (
	entryLiteral = 1 << 8
	entryEnd     = 1 << 9
	entryTable   = 1 << 10
)

// inflater holds the tables of a block. There can be 2342 entries and 402 (zlib's program "enough" counts them); with powers of two a mask
// tells the compiler that no index is beyond.
type inflater struct {
	literals  [1 << 12]uint32
	distances [1 << 9]uint32
	lengths   [1 << lengthsBits]uint32
	fixed     bool // the tables are those of RFC 1951, 3.2.6
}

var errDeflate = errors.New("its deflate data has a code that there cannot be")

var (
	lengthBase   = [...]uint16{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
	lengthExtra  = [...]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	distanceBase = [...]uint16{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577}
	codeOrder    = [...]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
)

func literalEntry(symbol int) uint32 {
	switch {
	case symbol < 256:
		return entryLiteral | uint32(symbol)<<16
	case symbol == 256:
		return entryEnd
	case symbol < 286:
		return uint32(lengthBase[symbol-257])<<16 | uint32(lengthExtra[symbol-257])<<4
	}
	return 0
}

func distanceEntry(symbol int) uint32 {
	if symbol >= 30 {
		return 0
	}
	return uint32(distanceBase[symbol])<<16 | uint32(max(0, symbol/2-1))<<4
}

func lengthsEntry(symbol int) uint32 { return entryLiteral | uint32(symbol)<<16 }

// build fills a table for the lengths of codes by symbol. The code of an empty or of a single symbol may be incomplete.
func build(table []uint32, root uint, lengths []uint8, entry func(symbol int) uint32) error {
	var count [maxCodeBits + 1]int
	for _, n := range lengths {
		count[n]++
	}
	left, most := 1, 0
	for n := 1; n <= maxCodeBits; n++ {
		if left = 2*left - count[n]; left < 0 {
			return errDeflate
		}
		if count[n] > 0 {
			most = n
		}
	}
	if left > 0 && (most > 1 || count[1] > 1) {
		return errDeflate
	}
	clear(table[:1<<root])
	var start [maxCodeBits + 2]int
	for n := 1; n <= maxCodeBits; n++ {
		start[n+1] = start[n] + count[n]
	}
	var sorted [288]uint16
	for s, n := range lengths {
		if n > 0 {
			sorted[start[n]] = uint16(s)
			start[n]++
		}
	}
	code, next := uint(0), 1<<root
	prefix, sub, subBits := ^uint(0), 0, uint(0)
	i := 0
	for n := uint(1); n <= uint(most); n++ {
		for k := count[n]; k > 0; k-- {
			e := entry(int(sorted[i]))
			i++
			reversed := uint(bits.Reverse16(uint16(code))) >> (16 - n)
			switch {
			case e == 0:
			case n <= root:
				e |= uint32(n)
				for at := reversed; at < 1<<root; at += 1 << n {
					table[at] = e
				}
			default:
				if low := reversed & (1<<root - 1); low != prefix {
					prefix, sub, subBits = low, next, n-root
					for room := k; room < 1<<subBits && subBits+root < uint(most); {
						subBits++
						room = 2*room + count[subBits+root]
					}
					next += 1 << subBits
					if next > len(table) {
						return errDeflate
					}
					clear(table[sub:next])
					table[low] = entryTable | uint32(sub)<<16 | uint32(subBits)<<4 | uint32(root)
				}
				e |= uint32(n - root)
				for at := reversed >> root; at < 1<<subBits; at += 1 << (n - root) {
					table[sub+int(at)] = e
				}
			}
			code++
		}
		code <<= 1
	}
	return nil
}

// bitReader takes bits from the lowest on. Behind the end come zeros, which are counted.
type bitReader struct {
	src  []byte
	at   int
	acc  uint64
	have uint // bits of acc that were read
	over int  // bytes behind the end
}

// need makes sure that acc has 56 bits.
func (r *bitReader) need() {
	if r.at+8 <= len(r.src) {
		r.acc |= binary.LittleEndian.Uint64(r.src[r.at:]) << r.have
		r.at += int(63-r.have) >> 3
		r.have |= 56
		return
	}
	for r.have < 56 {
		if r.at < len(r.src) {
			r.acc |= uint64(r.src[r.at]) << r.have
			r.at++
		} else {
			r.over++
		}
		r.have += 8
	}
}

// take returns n bits, of those that need has made sure of.
func (r *bitReader) take(n uint) int {
	v := int(r.acc & (1<<n - 1))
	r.acc >>= n
	r.have -= n
	return v
}

// short tells whether bits behind the end were taken.
func (r *bitReader) short() bool { return 8*r.over > int(r.have) }

// align drops bits up to a byte, and gives back those that were not taken.
func (r *bitReader) align() {
	n := int(r.have/8) - r.over
	r.at -= n
	r.acc, r.have, r.over = 0, 0, 0
}

// inflate decodes zlib's format until dst is full. If the data ends there, its sum is checked.
func (t *inflater) inflate(dst, src []byte) error {
	if len(src) < 2 {
		return io.ErrUnexpectedEOF
	}
	if src[0]&15 != 8 || src[0]>>4 > 7 || src[1]&32 != 0 || binary.BigEndian.Uint16(src)%31 != 0 {
		return errors.New("its deflate data does not begin as zlib's does")
	}
	r := &bitReader{src: src, at: 2}
	at := 0
	for last := false; !last; {
		r.need()
		last = r.take(1) == 1
		var err error
		switch kind := r.take(2); kind {
		case 0:
			at, err = t.stored(dst, at, r)
		case 1:
			if err = t.fix(); err == nil {
				at, err = t.block(dst, at, r)
			}
		case 2:
			if err = t.dynamic(r); err == nil {
				at, err = t.block(dst, at, r)
			}
		default:
			err = errDeflate
		}
		if err == errFull {
			return nil
		}
		if err == nil && r.short() {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			if at == len(dst) && len(dst) > 0 {
				return nil // all that is wanted is there
			}
			return err
		}
	}
	if at < len(dst) {
		return io.ErrUnexpectedEOF
	}
	r.align()
	if len(r.src)-r.at >= 4 && binary.BigEndian.Uint32(r.src[r.at:]) != adler32.Checksum(dst) {
		return errors.New("the checksum of its deflate data is wrong")
	}
	return nil
}

// errFull says that dst is full, and more would come.
var errFull = errors.New("full")

func (t *inflater) stored(dst []byte, at int, r *bitReader) (int, error) {
	r.align()
	if len(r.src)-r.at < 4 {
		r.at = len(r.src)
		return at, io.ErrUnexpectedEOF
	}
	n := int(binary.LittleEndian.Uint16(r.src[r.at:]))
	if n^int(binary.LittleEndian.Uint16(r.src[r.at+2:])) != 1<<16-1 {
		return at, errDeflate
	}
	r.at += 4
	got := copy(dst[at:], r.src[r.at:min(r.at+n, len(r.src))])
	r.at += got
	at += got
	switch {
	case got == n:
		return at, nil
	case at == len(dst):
		return at, errFull
	}
	return at, io.ErrUnexpectedEOF
}

func (t *inflater) fix() error {
	if t.fixed {
		return nil
	}
	var n [288]uint8
	for s := range n {
		switch {
		case s < 144:
			n[s] = 8
		case s < 256:
			n[s] = 9
		case s < 280:
			n[s] = 7
		default:
			n[s] = 8
		}
	}
	if err := build(t.literals[:], literalBits, n[:], literalEntry); err != nil {
		return err
	}
	var d [32]uint8
	for s := range d {
		d[s] = 5
	}
	t.fixed = true
	return build(t.distances[:], distanceBits, d[:], distanceEntry)
}

func (t *inflater) dynamic(r *bitReader) error {
	t.fixed = false
	literals, distances, codes := r.take(5)+257, r.take(5)+1, r.take(4)+4
	var n [19]uint8
	for i := range codes {
		r.need()
		n[codeOrder[i]] = uint8(r.take(3))
	}
	if err := build(t.lengths[:], lengthsBits, n[:], lengthsEntry); err != nil {
		return err
	}
	var all [286 + 32 + 138]uint8
	if literals > 286 || r.short() {
		return errDeflate
	}
	for i := 0; i < literals+distances; {
		r.need()
		e := t.lengths[r.acc&(1<<lengthsBits-1)]
		if e == 0 {
			return errDeflate
		}
		r.take(uint(e & 15))
		v, times := uint8(e>>16), 1
		switch v {
		case 16:
			if i == 0 {
				return errDeflate
			}
			v, times = all[i-1], 3+r.take(2)
		case 17:
			v, times = 0, 3+r.take(3)
		case 18:
			v, times = 0, 11+r.take(7)
		}
		for ; times > 0; times-- {
			all[i] = v
			i++
		}
		if i > literals+distances {
			return errDeflate
		}
	}
	if all[256] == 0 {
		return errDeflate
	}
	if err := build(t.literals[:], literalBits, all[:literals], literalEntry); err != nil {
		return err
	}
	return build(t.distances[:], distanceBits, all[literals:literals+distances], distanceEntry)
}

// fastRoom is how much a step of block writes at most: some literals, and a match with what is copied behind it.
const fastRoom = 3 + 258 + 16

// block decodes codes up to the end of a block.
func (t *inflater) block(dst []byte, at int, r *bitReader) (int, error) {
	for at+fastRoom <= len(dst) && r.at+16 <= len(r.src) {
		var err error
		if at, err = t.fast(dst, at, r); err != nil {
			if err == errBlockEnd {
				err = nil
			}
			return at, err
		}
	}
	for {
		r.need()
		e := t.literals[r.acc&(1<<literalBits-1)]
		if e&entryTable != 0 {
			r.take(literalBits)
			e = t.literals[int(e>>16)+int(r.acc&(1<<(e>>4&15)-1))]
		}
		if e == 0 {
			return at, errDeflate
		}
		r.take(uint(e & 15))
		if r.short() {
			return at, io.ErrUnexpectedEOF
		}
		if e&entryEnd != 0 {
			return at, nil
		}
		if at == len(dst) {
			return at, errFull
		}
		if e&entryLiteral != 0 {
			dst[at] = byte(e >> 16)
			at++
			continue
		}
		n := int(e>>16) + r.take(uint(e>>4&15))
		r.need()
		e = t.distances[r.acc&(1<<distanceBits-1)]
		if e&entryTable != 0 {
			r.take(distanceBits)
			e = t.distances[int(e>>16)+int(r.acc&(1<<(e>>4&15)-1))]
		}
		if e == 0 {
			return at, errDeflate
		}
		r.take(uint(e & 15))
		d := int(e>>16) + r.take(uint(e>>4&15))
		if r.short() {
			return at, io.ErrUnexpectedEOF
		}
		if d > at {
			return at, errDeflate
		}
		if n > len(dst)-at {
			for i := at; i < len(dst); i++ {
				dst[i] = dst[i-d]
			}
			return len(dst), errFull
		}
		for i := range n {
			dst[at+i] = dst[at-d+i]
		}
		at += n
	}
}

var errBlockEnd = errors.New("end of a block")

// fast decodes codes while neither end is near.
func (t *inflater) fast(dst []byte, at int, r *bitReader) (int, error) {
	src, pos, acc, have := r.src, r.at, r.acc, r.have
	var err error
	for at+fastRoom <= len(dst) && pos+16 <= len(src) {
		acc |= binary.LittleEndian.Uint64(src[pos:]) << (have & 63)
		pos += int(63-have) >> 3
		have |= 56
		e := t.literals[acc&(1<<literalBits-1)]
		if e&entryLiteral != 0 {
			acc >>= e & 15
			have -= uint(e & 15)
			dst[at] = byte(e >> 16)
			at++
			e = t.literals[acc&(1<<literalBits-1)]
			if e&entryLiteral != 0 {
				acc >>= e & 15
				have -= uint(e & 15)
				dst[at] = byte(e >> 16)
				at++
				e = t.literals[acc&(1<<literalBits-1)]
				if e&entryLiteral != 0 {
					acc >>= e & 15
					have -= uint(e & 15)
					dst[at] = byte(e >> 16)
					at++
					continue
				}
			}
		}
		if e&entryTable != 0 {
			acc >>= literalBits
			have -= literalBits
			e = t.literals[(e>>16+uint32(acc)&(1<<(e>>4&15)-1))%uint32(len(t.literals))]
			if e&entryLiteral != 0 {
				acc >>= e & 15
				have -= uint(e & 15)
				dst[at] = byte(e >> 16)
				at++
				continue
			}
		}
		if e&entryEnd != 0 || e == 0 {
			acc >>= e & 15
			have -= uint(e & 15)
			if err = errBlockEnd; e == 0 {
				err = errDeflate
			}
			break
		}
		// 56 bits less two literals of 11 and a code of 15 leave 19, of which 5 may be the length's.
		acc >>= e & 15
		have -= uint(e & 15)
		extra := e >> 4 & 15
		n := int(e>>16) + int(acc&(1<<extra-1))
		acc >>= extra
		have -= uint(extra)

		acc |= binary.LittleEndian.Uint64(src[pos:]) << (have & 63)
		pos += int(63-have) >> 3
		have |= 56
		e = t.distances[acc&(1<<distanceBits-1)]
		if e&entryTable != 0 {
			acc >>= distanceBits
			have -= distanceBits
			e = t.distances[(e>>16+uint32(acc)&(1<<(e>>4&15)-1))%uint32(len(t.distances))]
		}
		acc >>= e & 15
		have -= uint(e & 15)
		extra = e >> 4 & 15
		d := int(e>>16) + int(acc&(1<<extra-1))
		acc >>= extra
		have -= uint(extra)
		if d > at || e == 0 {
			err = errDeflate
			break
		}
		from, end := at-d, at+n
		switch {
		case d >= 8:
			for at < end {
				binary.LittleEndian.PutUint64(dst[at:], binary.LittleEndian.Uint64(dst[from:]))
				at += 8
				from += 8
			}
		case d == 1:
			v := uint64(dst[from]) * 0x0101010101010101
			for at < end {
				binary.LittleEndian.PutUint64(dst[at:], v)
				at += 8
			}
		default:
			// The pattern repeats; what is read lies at least d bytes behind what was written.
			for i := from; at < end; i, at = i+1, at+1 {
				dst[at] = dst[i]
			}
		}
		at = end
	}
	r.at, r.acc, r.have = pos, acc, have
	return at, err
}
