package jpeg

import (
	"bytes"
	"encoding/binary"
	"io"
)

const (
	sourceSize  = 64 << 10 // of the buffers of a source
	sourceAhead = 4 << 10  // more than an MCU can take: ten blocks of 64 coefficients of 31 bits
)

// source reads entropy-coded data: bits, without the zeros that are stuffed behind bytes of ones, up to the next marker. What is read
// beyond it is zeros; ahead tells whether that has happened.
type source struct {
	src  io.ReaderAt
	size int64 // of the file
	next int64 // where the bytes behind raw lie in it
	raw  []byte
	room []byte // for raw

	buf    []byte // what was stuffed is gone
	pos    int    // of the next byte for acc
	end    int    // of what is there; zeros follow
	ended  bool   // there is nothing more before the marker
	marker byte   // behind the data, or 0 for the file's end
	acc    uint64 // the next bits, from the top
	n      uint   // how many are there; those behind are zero or the right ones
}

func newSource(src io.ReaderAt, size int64) *source {
	return &source{src: src, size: size, room: make([]byte, sourceSize), buf: make([]byte, sourceSize+2*sourceAhead)}
}

// begin goes on at a place in the file.
func (s *source) begin(at int64) {
	s.next, s.raw = at, nil
	s.restart()
}

// restart goes on behind the marker.
func (s *source) restart() {
	s.pos, s.end, s.acc, s.n, s.ended = 0, 0, 0, 0, false
}

// where is the place in the file behind the marker, once the data has ended.
func (s *source) where() int64 { return s.next - int64(len(s.raw)) }

// ready sees to it that there is enough for an MCU, or the data's end. Its error is one of the file's, not of its content.
func (s *source) ready() error {
	if s.end-s.pos >= sourceAhead || s.ended {
		return nil
	}
	return s.fill()
}

func (s *source) fill() error {
	s.end = copy(s.buf, s.buf[s.pos:s.end])
	s.pos = 0
	for !s.ended && s.end < sourceSize {
		if len(s.raw) == 0 {
			if err := s.read(0); err != nil {
				return err
			}
			if len(s.raw) == 0 {
				s.finish(0)
				return nil
			}
		}
		plain := bytes.IndexByte(s.raw, 0xff)
		if plain < 0 {
			plain = len(s.raw)
		}
		if plain > 0 {
			n := copy(s.buf[s.end:sourceSize+sourceAhead], s.raw[:plain])
			s.end, s.raw = s.end+n, s.raw[n:]
			continue
		}
		if len(s.raw) == 1 {
			if err := s.read(1); err != nil {
				return err
			}
			if len(s.raw) == 1 {
				s.raw = nil
				s.finish(0)
				return nil
			}
		}
		switch m := s.raw[1]; m {
		case 0:
			s.buf[s.end] = 0xff
			s.end++
			s.raw = s.raw[2:]
		case 0xff: // padding
			s.raw = s.raw[1:]
		default:
			s.raw = s.raw[2:]
			s.finish(m)
		}
	}
	return nil
}

// read reads more of the file behind the last bytes of raw, to keep.
func (s *source) read(keep int) error {
	copy(s.room, s.raw[len(s.raw)-keep:])
	n := min(int64(len(s.room)-keep), s.size-s.next)
	if n <= 0 {
		s.raw = s.room[:keep]
		return nil
	}
	got, err := s.src.ReadAt(s.room[keep:keep+int(n)], s.next)
	if got < int(n) && err != nil && err != io.EOF {
		return err
	}
	s.raw, s.next = s.room[:keep+got], s.next+int64(got)
	if got < int(n) {
		s.size = s.next // the file has become shorter
	}
	return nil
}

func (s *source) finish(marker byte) {
	s.ended, s.marker = true, marker
	clear(s.buf[s.end:min(s.end+sourceAhead, len(s.buf))])
}

// skip passes over what data is left, to the marker.
func (s *source) skip() error {
	for !s.ended {
		s.pos = s.end
		if err := s.fill(); err != nil {
			return err
		}
	}
	return nil
}

// ahead tells whether bits have been used that lie beyond the data's end.
func (s *source) ahead() bool { return s.ended && 8*s.pos-int(s.n) > 8*s.end }

// refill sees to it that there are at least 56 bits.
func (s *source) refill() {
	if s.pos+8 > len(s.buf) {
		s.n = 63 // of zeros; ahead has been true for long
		return
	}
	s.acc |= binary.BigEndian.Uint64(s.buf[s.pos:]) >> (s.n & 63)
	s.pos += int(63-s.n) >> 3
	s.n |= 56
}

// bits takes the next n ≤ 16 bits.
func (s *source) bits(n uint) uint32 {
	if s.n < n {
		s.refill()
	}
	v := uint32(s.acc >> 1 >> (63 - n&63))
	s.acc <<= n & 63
	s.n -= n
	return v
}

// symbol takes a code and returns what it stands for. ok is false if there is no such code.
func (s *source) symbol(h *huffman) (symbol uint8, ok bool) {
	if s.n < 16 {
		s.refill()
	}
	if e := h.fast[s.acc>>(64-fastBits)]; e&0x1f != 0 && e&later != 0 {
		s.acc <<= e & 0x1f
		s.n -= uint(e & 0x1f)
		return uint8(e >> 8), true
	}
	symbol, length := h.long(s.acc)
	if length == 0 {
		return 0, false
	}
	s.acc <<= length & 63
	s.n -= length
	return symbol, true
}

// long finds the code at the top of acc bit by bit. There is none if the length is 0.
func (h *huffman) long(acc uint64) (symbol uint8, length uint) {
	code := uint32(acc >> 48)
	length = 1
	for code >= h.limit[length] {
		length++
	}
	if length > 16 {
		return 0, 0
	}
	return h.symbols[uint8(h.delta[length]+int32(code>>(16-length)))], length
}

// block decodes a block of a sequential scan, whose coefficients are zero, and whose DC coefficient is given as a difference to that of
// the block before. It tells whether the DC coefficient is all there is.
func (s *source) block(b *[64]int16, dc, ac *huffman, prior *int32) (only, ok bool) {
	acc, n, pos := s.acc, s.n, s.pos
	buf := s.buf
	if n < 32 && pos+8 <= len(buf) {
		acc |= binary.BigEndian.Uint64(buf[pos:]) >> (n & 63)
		pos += int(63-n) >> 3
		n |= 56
	}
	e := dc.fast[acc>>(64-fastBits)]
	size, length := uint8(e>>8), uint(e&0x1f)
	if length == 0 {
		if size, length = dc.long(acc); length == 0 {
			return false, false
		}
	}
	acc <<= length & 63
	*prior += difference(acc, uint(size))
	acc <<= size & 63
	n -= length + uint(size)
	b[0] = int16(*prior)
	k := uint(1)
	pairs := ac.pairs
	for k < 64 {
		if pos+8 <= len(buf) { // whatever n is: no processor foresees that
			acc |= binary.BigEndian.Uint64(buf[pos:]) >> (n & 63)
			pos += int(63-n) >> 3
			n |= 56
		}
		e := pairs[acc>>(64-fastBits)]
		at := k + uint(e>>(pairShift+8)&0xff)
		if at < 63 { // the block does not end before the second one
			acc <<= e & 63
			n -= uint(e & 63)
			b[zigzag[uint8(at)]&63] = int16(e >> 32)
			b[zigzag[uint8(k+uint(e>>(pairShift+16)&0xff))]&63] = int16(e >> 48)
			k += uint(e >> pairShift & 0xff)
			// There are bits enough for the next ones.
			e = pairs[acc>>(64-fastBits)]
			if at = k + uint(e>>(pairShift+8)&0xff); at < 63 {
				acc <<= e & 63
				n -= uint(e & 63)
				b[zigzag[uint8(at)]&63] = int16(e >> 32)
				b[zigzag[uint8(k+uint(e>>(pairShift+16)&0xff))]&63] = int16(e >> 48)
				k += uint(e >> pairShift & 0xff)
			}
			continue
		}
		single := ac.fast[acc>>(64-fastBits)]
		length := uint(single & 0x1f)
		if single&later == 0 {
			acc <<= length & 63
			n -= length
			run := uint(single >> 8 & 0xff)
			if run == endOfBlock {
				k += endOfBlock
				break
			}
			k += run
			b[zigzag[uint8(k)]&63] = int16(single >> 16)
			k++
			continue
		}
		symbol := uint8(single >> 8)
		if length == 0 {
			if symbol, length = ac.long(acc); length == 0 {
				return false, false
			}
		}
		acc <<= length & 63
		n -= length
		size := uint(symbol & 15)
		if size == 0 {
			if symbol != 0xf0 {
				k += endOfBlock
				break
			}
			k += 16
			continue
		}
		k += uint(symbol >> 4)
		b[zigzag[uint8(k)]&63] = int16(difference(acc, size))
		k++
		acc <<= size & 63
		n -= size
	}
	s.acc, s.n, s.pos = acc, n, pos
	return k == 1+endOfBlock, true
}
