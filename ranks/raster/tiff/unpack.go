package tiff

import (
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// unpacker decompresses blocks.
type unpacker struct {
	layout
	*file
	inBlock   int // samples of a pixel in a block
	expansion int64
	tables    []byte // of JPEG
	zstd      *zstd.Decoder
	pool      sync.Pool // of *unpackScratch
}

// unpackScratch is what one goroutine needs.
type unpackScratch struct {
	packed  []byte
	raw     []byte // decoded blocks of a cell
	row     []byte // samples of a row on the way
	inflate *inflater
	strings *[lzwCodes]lzwString
	planes  [][]byte
}

// maxZstdWindow is the most that a frame may ask to be remembered.
const maxZstdWindow = 128 << 20

// maxJPEGTables is more than all tables that there can be.
const maxJPEGTables = 64 << 10

func (d *directory) unpacker(l layout, inBlock int, expansion int64) (*unpacker, error) {
	u := &unpacker{layout: l, file: d.file, inBlock: inBlock, expansion: expansion}
	u.pool.New = func() any { return new(unpackScratch) }
	switch l.compression {
	case compressZstd:
		var err error
		u.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxWindow(maxZstdWindow), zstd.WithDecodeAllCapLimit(true))
		return u, err
	case compressJPEG:
		if e, ok := d.entries[tagJPEGTables]; ok {
			b, err := d.bytes(e, maxJPEGTables)
			if err != nil {
				return nil, fmt.Errorf("tag %d: %w", tagJPEGTables, err)
			}
			u.tables = slices.Clone(b)
		}
	}
	return u, nil
}

// sized returns b with n bytes, whatever they are.
func sized(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n, n+n/4)
	}
	return b[:n]
}

// mostPacked is more than any encoder makes of n bytes, with tables of its own. What claims more is not read further.
func mostPacked(n int64) int64 { return 2*n + 64<<10 }

// block decodes rows of a block, from its first row on, into dst. b has room for what the whole block holds.
func (u *unpacker) block(dst []byte, b *blocks, number int64, row, rows int, s *unpackScratch) error {
	at, n, err := b.place(number)
	if err != nil {
		return err
	}
	full := int64(b.stored(row)) * b.rowBytes
	if full/u.expansion > n {
		return fmt.Errorf("its %d bytes cannot hold %d×%d pixels", n, b.blockW, b.stored(row))
	}
	n = min(n, mostPacked(full))
	s.packed = sized(s.packed, int(n))
	if err := u.readAt(s.packed, at); err != nil {
		return err
	}
	if u.reversed && u.compression != compressJPEG {
		reverseBits(s.packed)
	}
	if u.compression == compressJPEG {
		return u.unpackJPEG(dst[:rows*int(b.rowBytes)], s.packed, b.blockW, b.stored(row))
	}
	if err := u.bytes(dst[:full], s.packed, rows*int(b.rowBytes), s); err != nil {
		return err
	}
	for y := range rows {
		u.unpredictRow(dst[y*int(b.rowBytes):(y+1)*int(b.rowBytes)], s)
	}
	return nil
}

func (u *unpacker) unpredictRow(row []byte, s *unpackScratch) {
	if u.predictor == 3 {
		s.row = sized(s.row, len(row))
	}
	step := u.inBlock
	if u.predictor == 1 {
		return
	}
	unpredict(row, u.predictor, u.bits/8, step, u.order, s.row)
}

// bytes decompresses the first n bytes of a block into dst, which has room for all.
func (u *unpacker) bytes(dst, packed []byte, n int, s *unpackScratch) error {
	switch u.compression {
	case compressLZW:
		if s.strings == nil {
			s.strings = new([lzwCodes]lzwString)
		}
		return unpackLZW(dst[:n], packed, s.strings)
	case compressPackBits:
		return unpackBits(dst[:n], packed)
	case compressZstd:
		out, err := u.zstd.DecodeAll(packed, dst[:0:len(dst)])
		if len(out) < n && err == nil {
			err = io.ErrUnexpectedEOF
		}
		if len(out) >= n {
			err = nil // what is behind does not matter
		}
		return err
	}
	if s.inflate == nil {
		s.inflate = new(inflater)
	}
	return s.inflate.inflate(dst[:n], packed)
}
