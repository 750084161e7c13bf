package tiff

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
	"sync"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// picture is a TIFF of any kind, made plainly, to be read.
type picture struct {
	width, height int
	samples, bits int
	format        int
	photometric   int
	extra         []uint16
	palette       []uint16
	compression   int
	predictor     int
	planar        bool
	tileW, tileH  int // 0 for strips
	rows          int // of a strip
	reversed      bool
	big           bool
	order         binary.ByteOrder
	more          []field // further entries
	sample        func(x, y, s int) uint64
	shuffle       bool // blocks lie in the file from the last to the first
	jpeg          func(rows [][]byte) []byte
}

type field struct {
	tag, kind uint16
	values    []uint64 // or the bytes of a kind of one
}

// appendOrder is what both orders have.
type appendOrder interface {
	AppendUint16([]byte, uint16) []byte
	AppendUint32([]byte, uint32) []byte
	AppendUint64([]byte, uint64) []byte
}

// row packs samples.
func (p *picture) row(x0, w, y, plane int) []byte {
	vs := make([]uint64, 0, w*p.samples)
	per := p.samples
	for x := x0; x < x0+w; x++ {
		for s := range p.samples {
			if p.planar && s != plane {
				continue
			}
			v := uint64(0x55) // padding, which nobody may see
			if x < p.width && y < p.height {
				v = p.sample(x, y, s)
			}
			vs = append(vs, v)
		}
	}
	if p.planar {
		per = 1
	}
	if p.predictor == 2 {
		for i := len(vs) - 1; i >= per; i-- {
			vs[i] -= vs[i-per]
		}
	}
	if p.bits < 8 {
		var b []byte
		acc, have := uint64(0), 0
		for _, v := range vs {
			acc = acc<<p.bits | v&(1<<p.bits-1)
			if have += p.bits; have == 8 {
				b, acc, have = append(b, byte(acc)), 0, 0
			}
		}
		if have > 0 {
			b = append(b, byte(acc<<(8-have)))
		}
		return b
	}
	size := p.bits / 8
	if p.predictor == 3 {
		b := make([]byte, size*len(vs))
		for i, v := range vs {
			for k := range size {
				b[k*len(vs)+i] = byte(v >> (8 * (size - 1 - k)))
			}
		}
		for i := len(b) - 1; i >= per; i-- {
			b[i] -= b[i-per]
		}
		return b
	}
	b := make([]byte, 0, size*len(vs))
	for _, v := range vs {
		b = p.append(b, size, v)
	}
	return b
}

func (p *picture) append(b []byte, size int, v uint64) []byte {
	o := p.order.(appendOrder)
	switch size {
	case 1:
		return append(b, byte(v))
	case 2:
		return o.AppendUint16(b, uint16(v))
	case 4:
		return o.AppendUint32(b, uint32(v))
	}
	return o.AppendUint64(b, v)
}

// zstdWriter is shared, as it takes long to make.
var zstdWriter = sync.OnceValue(func() *zstd.Encoder {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(err)
	}
	return w
})

func (p *picture) compress(rows [][]byte) []byte {
	raw := bytes.Join(rows, nil)
	var out bytes.Buffer
	switch p.compression {
	case compressJPEG:
		if p.jpeg != nil {
			return p.jpeg(rows)
		}
		return raw
	case compressLZW:
		return packLZW(nil, raw, new(lzwTable))
	case compressDeflate, compressOldDeflate:
		w := zlib.NewWriter(&out)
		w.Write(raw)
		w.Close()
	case compressZstd:
		return zstdWriter().EncodeAll(raw, nil)
	case compressPackBits:
		var b []byte
		for _, r := range rows {
			b = packBits(b, r)
		}
		return b
	default:
		return raw
	}
	return out.Bytes()
}

// file makes the file: header, blocks, values, directory.
func (p *picture) file() []byte {
	if p.order == nil {
		p.order = binary.LittleEndian
	}
	planes := 1
	if p.planar {
		planes = p.samples
	}
	bw, bh := p.width, p.rows
	if bh == 0 {
		bh = p.height
	}
	if p.tileW > 0 {
		bw, bh = p.tileW, p.tileH
	}
	var blocks [][]byte
	for plane := range planes {
		for y := 0; y < p.height; y += bh {
			for x := 0; x < p.width; x += bw {
				n := bh
				if p.tileW == 0 {
					n = min(n, p.height-y)
				}
				var rows [][]byte
				for k := range n {
					rows = append(rows, p.row(x, bw, y+k, plane))
				}
				b := p.compress(rows)
				if p.reversed {
					for i := range b {
						b[i] = bits.Reverse8(b[i])
					}
				}
				blocks = append(blocks, b)
			}
		}
	}
	b := []byte("II")
	if p.order == binary.BigEndian {
		b = []byte("MM")
	}
	long, width := uint16(typeLong), 4
	if p.big {
		b = p.append(p.append(p.append(p.append(b, 2, 43), 2, 8), 2, 0), 8, 0)
		long, width = typeLong8, 8
	} else {
		b = p.append(p.append(b, 2, 42), 4, 0)
	}
	offsets, sizes := make([]uint64, len(blocks)), make([]uint64, len(blocks))
	for k := range blocks {
		if p.shuffle {
			k = len(blocks) - 1 - k
		}
		offsets[k], sizes[k] = uint64(len(b)), uint64(len(blocks[k]))
		b = append(b, blocks[k]...)
	}
	repeated := func(v int) []uint64 { return slices.Repeat([]uint64{uint64(v)}, p.samples) }
	one := func(v int) []uint64 { return []uint64{uint64(v)} }
	fields := append([]field{
		{tagWidth, typeLong, one(p.width)}, {tagHeight, typeLong, one(p.height)}, {tagBits, typeShort, repeated(p.bits)},
		{tagPhotometric, typeShort, one(p.photometric)}, {tagSamples, typeShort, one(p.samples)},
	}, p.more...)
	add := func(tag, kind uint16, vs ...uint64) { fields = append(fields, field{tag, kind, vs}) }
	if p.compression > 0 {
		add(tagCompression, typeShort, uint64(p.compression))
	}
	if p.predictor > 0 {
		add(tagPredictor, typeShort, uint64(p.predictor))
	}
	if p.planar {
		add(tagPlanar, typeShort, 2)
	}
	if p.reversed {
		add(tagFillOrder, typeShort, 2)
	}
	if p.format > 0 {
		add(tagSampleFormat, typeShort, repeated(p.format)...)
	}
	for name, vs := range map[uint16][]uint16{tagExtraSamples: p.extra, tagColorMap: p.palette} {
		var wide []uint64
		for _, v := range vs {
			wide = append(wide, uint64(v))
		}
		if wide != nil {
			add(name, typeShort, wide...)
		}
	}
	if p.tileW > 0 {
		add(tagTileWidth, typeLong, uint64(p.tileW))
		add(tagTileHeight, typeLong, uint64(p.tileH))
		add(tagTileOffsets, long, offsets...)
		add(tagTileByteCounts, long, sizes...)
	} else {
		add(tagRowsPerStrip, typeLong, uint64(bh))
		add(tagStripOffsets, long, offsets...)
		add(tagStripByteCounts, long, sizes...)
	}
	return p.directory(b, fields, width, 0)
}

// directory appends a directory and makes the file's header, or the last directory's end at link, point to it.
func (p *picture) directory(b []byte, fields []field, width, link int) []byte {
	slices.SortFunc(fields, func(a, b field) int { return int(a.tag) - int(b.tag) })
	var entries []byte
	for _, f := range fields {
		size := sizeOfType(f.kind)
		var data []byte
		for _, v := range f.values {
			if f.kind == typeRational {
				data = p.append(p.append(data, 4, v>>32), 4, v&(1<<32-1))
			} else {
				data = p.append(data, size, v)
			}
		}
		entries = p.append(p.append(entries, 2, uint64(f.tag)), 2, uint64(f.kind))
		entries = p.append(entries, width, uint64(len(f.values)))
		if len(data) > width {
			entries = p.append(entries, width, uint64(len(b)))
			b = append(b, data...)
			continue
		}
		entries = append(append(entries, data...), make([]byte, width-len(data))...)
	}
	if len(b)%2 > 0 {
		b = append(b, 0)
	}
	at := len(b)
	if width == 8 {
		b = p.append(b, 8, uint64(len(fields)))
		p.order.PutUint64(b[8:], uint64(at))
	} else {
		b = p.append(b, 2, uint64(len(fields)))
		p.order.PutUint32(b[4:], uint32(at))
	}
	return p.append(append(b, entries...), width, 0)
}

// pixels are what should be delivered, by the plainest arithmetic.
func (p *picture) pixels(value func(v uint64) byte) [][]byte {
	rows := make([][]byte, p.height)
	for y := range rows {
		rows[y] = make([]byte, 0, 3*p.width)
		for x := range p.width {
			at := func(s int) int { return int(value(p.sample(x, y, s))) }
			var px []int
			switch p.photometric {
			case whiteIsZero:
				px = []int{255 - at(0)}
			case blackIsZero:
				px = []int{at(0)}
			case colourMap:
				n, i := 1<<p.bits, int(p.sample(x, y, 0))
				px = []int{int(p.palette[i] >> 8), int(p.palette[n+i] >> 8), int(p.palette[2*n+i] >> 8)}
			case colourInks:
				for s := range 3 {
					px = append(px, (255-at(3))*(255-at(s))/255)
				}
			default:
				for s := range 3 {
					v := at(s)
					if p.samples == 4 && p.extra != nil && p.extra[0] == 2 {
						v = (v*at(3) + 127) / 255
					}
					px = append(px, v)
				}
			}
			for _, v := range px {
				rows[y] = append(rows[y], byte(v))
			}
		}
	}
	return rows
}

// eight is how samples without a scale become 8 bits.
func (p *picture) eight(v uint64) byte {
	switch {
	case p.bits == 16 && p.photometric == colourRGB:
		return byte((v + 128) / 257)
	case p.bits == 16:
		return byte(v >> 8)
	}
	return byte(v * 255 / (1<<p.bits - 1))
}
