package jpeg

// huffmanSpec is a Huffman code as a file defines it: how many codes there are of 1 to 16 bits, and what they stand for.
type huffmanSpec struct {
	defined bool
	counts  [16]uint8
	symbols [256]uint8
}

// The codes of T.81, annex K.3. A file that defines none uses these (Motion JPEG's frames do), and the Encoder does.
var (
	standardDCLuma = huffmanSpec{defined: true, counts: [16]uint8{0, 1, 5, 1, 1, 1, 1, 1, 1},
		symbols: [256]uint8{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}}
	standardDCChroma = huffmanSpec{defined: true, counts: [16]uint8{0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},
		symbols: [256]uint8{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}}
	standardACLuma = huffmanSpec{defined: true, counts: [16]uint8{0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125},
		symbols: [256]uint8{
			0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71,
			0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72,
			0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x34, 0x35, 0x36, 0x37,
			0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59,
			0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83,
			0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3,
			0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3,
			0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
			0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa}}
	standardACChroma = huffmanSpec{defined: true, counts: [16]uint8{0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119},
		symbols: [256]uint8{
			0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22,
			0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1,
			0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x35, 0x36,
			0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58,
			0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a,
			0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a,
			0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba,
			0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
			0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa}}
)

// size is how many codes there are.
func (s *huffmanSpec) size() (n int) {
	for _, c := range s.counts {
		n += int(c)
	}
	return n
}

// huffman tells codes apart. The next fastBits bits of the data are looked up in a table: an entry's lowest byte is how many bits are
// done with, the next how many coefficients are zero before one, the upper half that one's value, from the bits behind the code. Where
// those did not fit beside the code, the flag later is set, the lowest byte counts the code's bits alone, and the next is its symbol;
// where not even the code fits, it counts none.
type huffman struct {
	fast    [1 << fastBits]uint32
	limit   [18]uint32 // for each length, what the next 16 bits lie below if the code is no longer
	delta   [17]int32  // for each length, what is added to its codes to find their symbols
	symbols [256]uint8
	pairs   *pairs // for runs and sizes alone
}

const (
	fastBits = 10
	later    = 0x80
	// endOfBlock is how many coefficients the end of a block stands for: more than any other way leads out of it.
	endOfBlock = 80
)

// meaning is what a code's symbols mean.
type meaning int

const (
	dcTable     meaning = iota // sizes of differences, which are left for later
	acTable                    // runs and sizes
	bandTable                  // runs and sizes, and runs of blocks, which are left for later
	symbolTable                // all is left for later
)

// build makes the tables.
func (h *huffman) build(s *huffmanSpec, means meaning) error {
	if !s.defined {
		return damaged("a Huffman table is missing")
	}
	*h = huffman{symbols: s.symbols, pairs: h.pairs}
	for i := range h.fast {
		h.fast[i] = later
	}
	code, at := uint32(0), 0
	for length := 1; length <= 16; length++ {
		h.delta[length] = int32(at) - int32(code)
		for range s.counts[length-1] {
			if code >= 1<<length {
				return damaged("a Huffman table has more codes than there can be")
			}
			symbol := s.symbols[at]
			if means == dcTable && symbol > 15 {
				return damaged("a Huffman table for DC coefficients has one of %d bits", symbol)
			}
			if length <= fastBits {
				h.enter(code, length, symbol, means)
			}
			code++
			at++
		}
		h.limit[length] = code << (16 - length)
		code <<= 1
	}
	h.limit[17] = 1 << 16
	if means == acTable {
		h.pair()
	}
	return nil
}

// pairs tells two coefficients at once, by the next bits of the data. An entry's bytes are: how many bits are done with; how far that leads
// in the file's order; how far each of both coefficients is from where the next one would be, the first one's in the lower byte. Their
// values, which may be zero, are the upper words. If the bits tell one alone, it stands there twice. If they tell none, the first one's
// distance is more than a block's length.
type pairs [1 << fastBits]uint64

// pairShift leads to how far it leads, 8 more bits to the first one's distance, and 8 more to the other's.
const pairShift = 8

// pair makes the table of pairs from that of single coefficients.
func (h *huffman) pair() {
	if h.pairs == nil {
		h.pairs = new(pairs)
	}
	for i := range h.pairs {
		e := h.fast[i]
		h.pairs[i] = 64 << (pairShift + 8)
		if e&later != 0 {
			continue
		}
		done, run, value := uint64(e&0x1f), uint64(e>>8&0xff), uint64(e>>16)
		at, step, other, otherValue := run, run+1, run, value
		if run == endOfBlock {
			at, step, other = 0, endOfBlock, 0
		} else if e = h.fast[i<<done&(1<<fastBits-1)]; e&later == 0 && done+uint64(e&0x1f) <= fastBits {
			done += uint64(e & 0x1f)
			run = uint64(e >> 8 & 0xff)
			if run == endOfBlock {
				step += endOfBlock
			} else {
				other, otherValue = step+run, uint64(e>>16)
				step = other + 1
			}
		}
		h.pairs[i] = done | step<<pairShift | at<<(pairShift+8) | other<<(pairShift+16) | value<<32 | otherValue<<48
	}
}

// enter fills in all entries that begin with a code.
func (h *huffman) enter(code uint32, length int, symbol uint8, means meaning) {
	free := fastBits - length // bits of the index behind the code
	run, size := int(symbol>>4), int(symbol&15)
	entries := h.fast[code<<free:][:1<<free]
	for rest := range entries {
		e := uint32(later | length | int(symbol)<<8)
		switch {
		case means == symbolTable || means == dcTable:
		case size == 0 && run == 15:
			e = uint32(length | run<<8)
		case size == 0 && means == bandTable:
		case size == 0:
			e = uint32(length | endOfBlock<<8)
		case size <= free:
			value := extend(uint32(rest>>(free-size)), size)
			e = uint32(length+size|run<<8) | uint32(uint16(value))<<16
		}
		entries[rest] = e
	}
}

// extend makes a signed number of size > 0 bits (T.81, figure F.12).
func extend(bits uint32, size int) int32 {
	if bits < 1<<(size-1) {
		return int32(bits) - 1<<size + 1
	}
	return int32(bits)
}

// difference takes a number of bits, of up to 15, for extend from the top of acc.
func difference(acc uint64, size uint) int32 {
	ones := uint64(1)<<(size&63) - 1
	return int32(acc>>1>>(63-size&63)) - int32(ones&^uint64(int64(acc)>>63))
}
