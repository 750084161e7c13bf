package png

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/adler32"
	"math/rand/v2"
	"testing"
)

// kind is a kind of PNG.
type kind struct {
	colour     byte
	depth      int
	interlaced bool
}

func (k kind) String() string {
	return fmt.Sprintf("colour %d, %d bits, interlaced %v", k.colour, k.depth, k.interlaced)
}

// allKinds lists all that the standard allows.
func allKinds() (all []kind) {
	for _, interlaced := range []bool{false, true} {
		for _, c := range []struct {
			colour byte
			depths []int
		}{{grey, []int{1, 2, 4, 8, 16}}, {rgb, []int{8, 16}}, {palette, []int{1, 2, 4, 8}}, {greyAlpha, []int{8, 16}}, {rgbAlpha, []int{8, 16}}} {
			for _, d := range c.depths {
				all = append(all, kind{c.colour, d, interlaced})
			}
		}
	}
	return all
}

// header returns the data of IHDR.
func (k kind) header(width, height int) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(width))
	b = binary.BigEndian.AppendUint32(b, uint32(height))
	b = append(b, byte(k.depth), k.colour, 0, 0, 0)
	if k.interlaced {
		b[12] = 1
	}
	return b
}

// made is a PNG in parts.
type made struct {
	kind          kind
	width, height int
	header        []byte
	palette       []byte
	before        [][]byte // chunks before the picture data
	raw           []byte   // what is deflated
}

// random makes a picture of noise or of smooth samples, each row by a random filter. It filters in the plainest way, by what the
// standard says.
func random(rng *rand.Rand, k kind, width, height int) *made {
	m := &made{kind: k, width: width, height: height, header: k.header(width, height)}
	if k.colour == palette {
		m.palette = make([]byte, 3*(1+rng.IntN(1<<k.depth)))
		for i := range m.palette {
			m.palette[i] = byte(rng.Uint32())
		}
	}
	img := &Image{Width: width, Height: height, Depth: k.depth, colour: k.colour, interlaced: k.interlaced}
	smooth := rng.IntN(2) == 0
	for _, p := range img.passes() {
		n, size := img.rowBytes(p.width), img.pixelBytes()
		above := make([]byte, n)
		for range p.height {
			row := make([]byte, n)
			for i := range row {
				row[i] = byte(rng.Uint32())
				if smooth {
					row[i] = above[i] + byte(rng.IntN(5)) - 2
				}
			}
			if k.colour == palette && k.depth == 8 {
				for i := range row {
					row[i] = byte(int(row[i]) % (len(m.palette) / 3))
				}
			}
			m.raw = append(append(m.raw, 0), row...)
			slowFilter(m.raw[len(m.raw)-n-1:], rng.IntN(filters), row, above, size)
			above = row
		}
	}
	return m
}

// slowFilter writes a filter's type and what it makes of row, as 9.2 to 9.4 of the standard say.
func slowFilter(dst []byte, filter int, row, above []byte, size int) {
	dst[0] = byte(filter)
	for i, x := range row {
		a, b, c := 0, int(above[i]), 0
		if i >= size {
			a, c = int(row[i-size]), int(above[i-size])
		}
		guess := 0
		switch filter {
		case filterSub:
			guess = a
		case filterUp:
			guess = b
		case filterAverage:
			guess = (a + b) / 2
		case filterPaeth:
			guess = slowPaeth(a, b, c)
		}
		dst[1+i] = x - byte(guess)
	}
}

func slowPaeth(a, b, c int) int {
	distance := func(v int) int { return max(v-(a+b-c), a+b-c-v) }
	switch pa, pb, pc := distance(a), distance(b), distance(c); {
	case pa <= pb && pa <= pc:
		return a
	case pb <= pc:
		return b
	}
	return c
}

// file returns the file, its data in IDAT chunks of that many bytes, or in one.
func (m *made) file(each int) []byte {
	b := appendChunk([]byte(signature), "IHDR", m.header)
	for _, c := range m.before {
		b = append(b, c...)
	}
	if m.palette != nil {
		b = appendChunk(b, "PLTE", m.palette)
	}
	return append(b, dataChunks(deflated(m.raw), each)...)
}

// dataChunks returns IDAT chunks and IEND.
func dataChunks(data []byte, each int) (b []byte) {
	for ; each > 0 && len(data) > each; data = data[each:] {
		b = appendChunk(b, "IDAT", data[:each])
	}
	return appendChunk(appendChunk(b, "IDAT", data), "IEND")
}

func deflated(raw []byte) []byte {
	var b bytes.Buffer
	level := zlib.DefaultCompression
	if len(raw) > 1<<16 {
		level = zlib.BestSpeed
	}
	z, err := zlib.NewWriterLevel(&b, level)
	if err != nil {
		panic(err)
	}
	_, _ = z.Write(raw)
	_ = z.Close()
	return b.Bytes()
}

// deflatedZeros is deflated of bytes that so many MiB of zeros follow, which costs next to nothing.
func deflatedZeros(begin []byte, mebibytes int) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write(begin)
	_ = z.Flush()
	stream := bytes.Clone(b.Bytes())
	b.Reset()
	f, err := flate.NewWriter(&b, flate.BestSpeed)
	if err != nil {
		panic(err)
	}
	_, _ = f.Write(make([]byte, 1<<20))
	_ = f.Flush()
	stream = append(stream, bytes.Repeat(b.Bytes(), mebibytes)...)
	sum := adler32.Checksum(begin)
	low, high := uint64(sum&0xffff), uint64(sum>>16)
	high = (high + low*uint64(mebibytes)<<20) % 65521
	return binary.BigEndian.AppendUint32(append(stream, 1, 0, 0, 0xff, 0xff), uint32(high<<16|low))
}

// parse parses bytes.
func parse(b []byte) (*Image, error) { return Parse(bytes.NewReader(b), int64(len(b))) }

// decode reads a whole picture, some rows at a time.
func decode(b []byte, some int) (*Image, []byte, error) {
	m, err := parse(b)
	if err != nil {
		return nil, nil, err
	}
	s, err := m.Stream()
	if err != nil {
		return m, nil, err
	}
	defer s.Close()
	var out []byte
	for y := 0; y < m.Height; y += some {
		n := min(some, m.Height-y)
		out = append(out, make([]byte, n*m.Width*m.Channels)...)
		rows := make([][]byte, n)
		for i := range rows {
			rows[i] = out[(y+i)*m.Width*m.Channels:][:m.Width*m.Channels]
		}
		if err := s.ReadRows(rows); err != nil {
			return m, nil, err
		}
	}
	return m, out, nil
}

func mustDecode(t testing.TB, b []byte) (*Image, []byte) {
	t.Helper()
	m, samples, err := decode(b, 7)
	if err != nil {
		t.Fatal(err)
	}
	return m, samples
}
