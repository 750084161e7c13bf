package tiff

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// parse parses a file's bytes.
func parse(b []byte, o Options) (*Image, error) { return Parse(bytes.NewReader(b), int64(len(b)), o) }

// rowsOf makes rows to be filled.
func rowsOf(m *Image, n int) [][]byte {
	rows := make([][]byte, n)
	for y := range rows {
		rows[y] = make([]byte, m.Width*m.Channels)
	}
	return rows
}

// readWhole reads all rows at once.
func readWhole(m *Image) ([][]byte, error) {
	rows := rowsOf(m, m.Height)
	return rows, m.ReadRows(0, rows)
}

func equalRows(a, b [][]byte) error {
	if len(a) != len(b) {
		return fmt.Errorf("%d rows, not %d", len(a), len(b))
	}
	for y := range a {
		if !bytes.Equal(a[y], b[y]) {
			for x := range a[y] {
				if len(a[y]) != len(b[y]) || a[y][x] != b[y][x] {
					return fmt.Errorf("row %d of %d and %d bytes differs at %d: % x, not % x", y, len(a[y]), len(b[y]), x, a[y][x:min(x+8, len(a[y]))], b[y][x:min(x+8, len(b[y]))])
				}
			}
		}
	}
	return nil
}

// hash is a picture's content: smooth in parts, noisy in others, and never the same in two samples.
func hash(x, y, s, bits int) uint64 {
	v := uint64(x*3+y*5+s*40) * 0x0101010101010101
	if (x/7+y/5)%3 == 0 {
		v = uint64(x+1) * 0x9e3779b97f4a7c15 * uint64(y*4+s+3)
		v ^= v >> 29
	}
	return v >> (64 - bits)
}

// drawPicture draws a picture of any kind that needs neither bands nor a scale.
func drawPicture(t *rapid.T) *picture {
	p := &picture{
		width: rapid.IntRange(1, 70).Draw(t, "width"), height: rapid.IntRange(1, 50).Draw(t, "height"),
		bits:        rapid.SampledFrom([]int{1, 2, 4, 8, 8, 8, 16, 16}).Draw(t, "bits"),
		compression: rapid.SampledFrom([]int{1, 5, 8, 32946, 32773, 50000}).Draw(t, "compression"),
		planar:      rapid.Bool().Draw(t, "planar"), big: rapid.Bool().Draw(t, "big"), reversed: rapid.IntRange(0, 5).Draw(t, "reversed") == 0,
		shuffle: rapid.IntRange(0, 3).Draw(t, "shuffle") == 0,
		order:   rapid.SampledFrom([]binary.ByteOrder{binary.LittleEndian, binary.BigEndian}).Draw(t, "order"),
	}
	p.photometric = rapid.SampledFrom([]int{0, 1, 2, 2, 3, 5}).Draw(t, "photometric")
	switch p.photometric {
	case colourRGB:
		p.samples = rapid.IntRange(3, 4).Draw(t, "samples")
		if p.samples == 4 {
			p.extra = rapid.SampledFrom([][]uint16{nil, {0}, {1}, {2}}).Draw(t, "extra")
		}
	case colourMap:
		p.samples, p.bits = 1, min(p.bits, 8)
		for i := range 3 << p.bits {
			p.palette = append(p.palette, uint16(hash(i, i/5, 1, 16))|256)
		}
	case colourInks:
		p.samples, p.bits = 4, 8
	default:
		if p.samples = rapid.IntRange(1, 2).Draw(t, "samples"); p.samples == 2 {
			p.extra = rapid.SampledFrom([][]uint16{{1}, {2}}).Draw(t, "extra")
		}
	}
	if rapid.Bool().Draw(t, "tiled") {
		p.tileW, p.tileH = rapid.IntRange(1, 5).Draw(t, "tileW")*16, rapid.IntRange(1, 3).Draw(t, "tileH")*16
	} else {
		p.rows = rapid.IntRange(1, 60).Draw(t, "rows")
	}
	if (p.compression == 5 || p.compression == 8 || p.compression == 50000) && p.bits >= 8 && rapid.Bool().Draw(t, "predicted") {
		p.predictor = 2
	}
	p.sample = func(x, y, s int) uint64 { return hash(x, y, s, p.bits) }
	return p
}

// Whatever the kind, the pixels are those of the plainest arithmetic: read whole, by random regions, and streamed.
func TestReadsEveryKind(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPicture(t)
		want, file := p.pixels(p.eight), p.file()
		for _, mode := range []mode{modeWhole, modeRows} {
			m, err := parse(file, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if m.Width != p.width || m.Height != p.height || m.Depth != p.bits || m.Big != p.big {
				t.Fatalf("%+v", m)
			}
			if m.mode == modeWhole {
				m.mode = mode // large blocks are decoded in another way
			}
			got, err := readWhole(m)
			if err == nil {
				err = equalRows(got, want)
			}
			if err != nil {
				t.Fatalf("whole: %v", err)
			}
			m.shared = m.newReader(int64(rapid.SampledFrom([]int{0, 500, 1 << 20}).Draw(t, "cache")))
			for range 5 {
				y := rapid.IntRange(0, m.Height-1).Draw(t, "y")
				rows := rowsOf(m, rapid.IntRange(1, m.Height-y).Draw(t, "n"))
				if err = m.ReadRows(y, rows); err == nil {
					err = equalRows(rows, want[y:y+len(rows)])
				}
				if err != nil {
					t.Fatalf("rows from %d on: %v", y, err)
				}
			}
			s, err := m.Stream()
			if err != nil {
				t.Fatal(err)
			}
			for y := 0; y < m.Height; {
				rows := rowsOf(m, rapid.IntRange(1, m.Height-y).Draw(t, "rows"))
				if err = s.ReadRows(rows); err == nil {
					err = equalRows(rows, want[y:y+len(rows)])
				}
				if err != nil {
					t.Fatalf("stream at %d: %v", y, err)
				}
				y += len(rows)
			}
			if err := s.ReadRows(rowsOf(m, 1)); err == nil {
				t.Fatal("a stream delivers more rows than there are")
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			checkPlace(t, m, file, want)
		}
	})
}

// Where rows lie open, they lie there.
func checkPlace(t *rapid.T, m *Image, b []byte, want [][]byte) {
	n, offset, ok := m.Place()
	if !ok {
		return
	}
	for y, w := range want {
		if !bytes.Equal(b[offset(y):][:n], w) {
			t.Fatalf("row %d does not lie at %d", y, offset(y))
		}
	}
}

func TestPlace(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*picture)
		want   bool
	}{
		"strips":        {func(p *picture) {}, true},
		"shuffled":      {func(p *picture) { p.shuffle = true }, true},
		"big":           {func(p *picture) { p.big, p.order = true, binary.BigEndian }, true},
		"one wide tile": {func(p *picture) { p.width, p.tileW, p.tileH = 32, 32, 16 }, true},
		"tiles":         {func(p *picture) { p.tileW, p.tileH = 16, 16 }, false},
		"planes":        {func(p *picture) { p.planar = true }, false},
		"compressed":    {func(p *picture) { p.compression = 8 }, false},
		"reversed":      {func(p *picture) { p.reversed = true }, false},
		"alpha":         {func(p *picture) { p.samples = 4 }, false},
	} {
		p := &picture{width: 33, height: 21, samples: 3, bits: 8, photometric: 2, rows: 4}
		test.change(p)
		p.sample = func(x, y, s int) uint64 { return hash(x, y, s, 8) }
		m, err := parse(p.file(), Options{})
		if err != nil {
			t.Fatal(name, err)
		}
		if _, _, ok := m.Place(); ok != test.want {
			t.Errorf("%s: %v", name, ok)
		}
	}
}

// Many goroutines read what they like at once.
func TestConcurrentReads(t *testing.T) {
	t.Parallel()
	p := &picture{width: 200, height: 300, samples: 3, bits: 8, photometric: 2, tileW: 64, tileH: 32, compression: 8, predictor: 2}
	p.sample = func(x, y, s int) uint64 { return hash(x, y, s, 8) }
	want, file := p.pixels(p.eight), p.file()
	for _, mode := range []mode{modeWhole, modeRows} {
		m, err := parse(file, Options{Cache: 100_000})
		if err != nil {
			t.Fatal(err)
		}
		m.mode = mode
		var all sync.WaitGroup
		for g := range 8 {
			all.Go(func() {
				for y := g; y < p.height; y += 8 {
					rows := rowsOf(m, min(1+g*7, p.height-y))
					if err := m.ReadRows(y, rows); err != nil {
						t.Error(err)
						return
					}
					if err := equalRows(rows, want[y:y+len(rows)]); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
		if c := m.shared.cache; c.wait.bytes+c.done.bytes > c.limit*9/8+8*64*32*3 || mode == modeRows && c.wait.bytes+c.done.bytes != 0 {
			t.Errorf("the cache holds %d and %d bytes of %d", c.wait.bytes, c.done.bytes, c.limit)
		}
	}
}

// countingReader counts reads of a size.
type countingReader struct {
	*bytes.Reader
	size, n int
}

func (r *countingReader) ReadAt(b []byte, at int64) (int, error) {
	if len(b) == r.size {
		r.n++
	}
	return r.Reader.ReadAt(b, at)
}

// countBlocks counts the blocks that are decoded, which all have the same size.
func countBlocks(p *picture, read func(m *Image) error) (int, error) {
	p.compression = compressPackBits
	file := p.file()
	m, err := parse(file, Options{})
	if err != nil {
		return 0, err
	}
	_, size, err := m.blocks.place(0)
	if err != nil {
		return 0, err
	}
	r := &countingReader{bytes.NewReader(file), int(size), 0}
	m.file.src = r
	err = read(m)
	return r.n, err
}

// Rows that rise decode each tile once, as long as a row of tiles fits into the cache, and always in a stream.
func TestEachTileOnce(t *testing.T) {
	p := &picture{width: 1000, height: 256, samples: 3, bits: 8, photometric: 2, tileW: 64, tileH: 64}
	p.sample = func(x, y, s int) uint64 { return 0 }
	by3 := func(read func(y int, rows [][]byte) error) func(m *Image) error {
		return func(m *Image) error {
			for y := 0; y < m.Height; y += 3 {
				if err := read(y, rowsOf(m, min(3, m.Height-y))); err != nil {
					return err
				}
			}
			return nil
		}
	}
	tests := map[string]func(m *Image) error{
		"regions": func(m *Image) error { return by3(m.ReadRows)(m) },
		"stream": func(m *Image) error {
			s, err := m.Stream()
			if err != nil {
				return err
			}
			return by3(func(_ int, rows [][]byte) error { return s.ReadRows(rows) })(m)
		},
	}
	for name, read := range tests {
		if n, err := countBlocks(p, read); err != nil || n != 16*4 {
			t.Errorf("%s: %d tiles were decoded, not 64; %v", name, n, err)
		}
	}
	if n, err := countBlocks(p, func(m *Image) error { return m.ReadRows(100, rowsOf(m, 20)) }); err != nil || n != 16 {
		t.Errorf("%d tiles were decoded for 20 rows, not 16; %v", n, err)
	}
}

// scaled is what Options.Scale promises.
func scaled(v float64, s Scale) byte {
	v = math.Floor((v-s.Min)*255/(s.Max-s.Min) + 0.5)
	switch {
	case !(v > 0):
		return 0
	case v > 255:
		return 255
	}
	return byte(v)
}

// Bands and a scale make pictures of numbers of any kind.
func TestBandsAndScale(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([][2]int{{1, 8}, {1, 16}, {1, 32}, {1, 64}, {2, 8}, {2, 16}, {2, 32}, {2, 64}, {3, 32}, {3, 64}, {1, 4}}).Draw(t, "kind")
		p := &picture{
			width: 19, height: 11, format: kind[0], bits: kind[1], samples: rapid.IntRange(1, 7).Draw(t, "samples"), photometric: blackIsZero,
			planar: rapid.Bool().Draw(t, "planar"), rows: 4, compression: rapid.SampledFrom([]int{1, 5, 8}).Draw(t, "compression"),
			order: rapid.SampledFrom([]binary.ByteOrder{binary.LittleEndian, binary.BigEndian}).Draw(t, "order"),
		}
		if p.compression != 1 && p.bits >= 8 {
			p.predictor = rapid.IntRange(1, 2).Draw(t, "predictor")
			if p.format == 3 {
				p.predictor = rapid.IntRange(1, 3).Draw(t, "predictor")
			}
		}
		number := func(x, y, s int) float64 {
			if x == 3 && y == 2 {
				return math.NaN()
			}
			v := float64(x*5 - y*7 + s)
			if p.format == 1 {
				v = math.Abs(v)
			}
			if p.format == 3 {
				v *= 1.37
			}
			if p.bits == 4 {
				v = math.Mod(v, 16)
			}
			if p.bits == 32 && p.format == 3 {
				v = float64(float32(v))
			}
			return v
		}
		p.sample = func(x, y, s int) uint64 {
			v := number(x, y, s)
			switch {
			case p.format == 3 && p.bits == 32:
				return uint64(math.Float32bits(float32(v)))
			case p.format == 3:
				return math.Float64bits(v)
			case v != v:
				return 0
			}
			return uint64(int64(v))
		}
		o := Options{Scale: &Scale{Min: rapid.Float64Range(-30, 10).Draw(t, "min"), Max: rapid.Float64Range(11, 90).Draw(t, "max")}}
		for range rapid.SampledFrom([]int{1, 3}).Draw(t, "channels") {
			o.Bands = append(o.Bands, rapid.IntRange(1, p.samples).Draw(t, "band"))
		}
		m, err := parse(p.file(), o)
		if err != nil {
			t.Fatal(err)
		}
		got, err := readWhole(m)
		if err != nil {
			t.Fatal(err)
		}
		for y := range got {
			for x := range p.width {
				for c, b := range o.Bands {
					v := number(x, y, b-1)
					if v != v && p.format != 3 {
						v = 0
					}
					if want := scaled(v, *o.Scale); got[y][x*len(o.Bands)+c] != want {
						t.Fatalf("%v at %d, %d became %d, not %d", v, x, y, got[y][x*len(o.Bands)+c], want)
					}
				}
			}
		}
	})
}
