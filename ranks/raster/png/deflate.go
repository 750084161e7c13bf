package png

import (
	"encoding/binary"

	"github.com/klauspost/compress/flate"
)

// The ways to deflate: by Huffman codes alone, which is best for noise, as filtered photographs are, and fastest; and with matches, at
// the level that is asked for.
const (
	huffmanOnly = iota
	withMatches
	ways
)

// pieceBytes is the most that is taken of a segment in each of two places to see which way suits it.
const pieceBytes = 32 << 10

// deflate deflates raw, which is valid until w is used again. It ends on a byte's border, and the stream goes on. first says that the
// zlib stream begins here.
func (e *Encoder) deflate(w *work, raw []byte, first bool) []byte {
	begin := packed{}
	if first {
		begin = packed{0x78, 0x01} // a window of 32 KiB, fastest
	}
	if e.o.Compression == 0 {
		w.packed[0] = appendStored(append(w.packed[0][:0], begin...), raw)
		return w.packed[0]
	}
	way := e.choose(w, raw)
	out := w.deflate(way, e.o.Compression, begin, raw)
	if len(out) > len(begin)+storedBytes(len(raw)) {
		w.packed[way] = appendStored(append(w.packed[way][:0], begin...), raw)
		return w.packed[way]
	}
	return out
}

// choose tries two pieces of raw, or all of it if that is little, in both ways.
func (e *Encoder) choose(w *work, raw []byte) int {
	pieces := [][]byte{raw}
	if piece := min(pieceBytes, len(raw)/16); piece >= 4<<10 {
		third := len(raw) / 3
		pieces = [][]byte{raw[third:][:piece], raw[2*third:][:piece]}
	}
	var sizes [ways]int
	for way := range sizes {
		for _, p := range pieces {
			sizes[way] += len(w.deflate(way, e.o.Compression, nil, p))
		}
	}
	if sizes[huffmanOnly] <= sizes[withMatches] {
		return huffmanOnly
	}
	return withMatches
}

func (w *work) deflate(way, level int, begin packed, raw []byte) []byte {
	w.packed[way] = append(w.packed[way][:0], begin...)
	// The levels are valid, and the buffer takes all writes, so nothing fails.
	if w.writers[way] == nil {
		if way == huffmanOnly {
			level = flate.HuffmanOnly
		}
		w.writers[way], _ = flate.NewWriter(&w.packed[way], level)
	} else {
		w.writers[way].Reset(&w.packed[way])
	}
	_, _ = w.writers[way].Write(raw)
	_ = w.writers[way].Flush()
	return w.packed[way]
}

// storedBlock is the most that a block of deflate can store as it is.
const storedBlock = 1<<16 - 1

// storedBytes is how many bytes n bytes take if they are stored.
func storedBytes(n int) int { return n + 5*((n+storedBlock-1)/storedBlock) }

// appendStored appends blocks that store raw, and are not the last.
func appendStored(dst, raw []byte) []byte {
	for len(raw) > 0 {
		n := min(storedBlock, len(raw))
		dst = append(dst, 0)
		dst = binary.LittleEndian.AppendUint16(dst, uint16(n))
		dst = binary.LittleEndian.AppendUint16(dst, ^uint16(n))
		dst = append(dst, raw[:n]...)
		raw = raw[n:]
	}
	return dst
}
