package tiff

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// small is a picture that the tests below damage: 4×4 grey pixels in one strip.
func small() *picture {
	p := &picture{width: 4, height: 4, samples: 1, bits: 8, photometric: 1}
	p.sample = func(x, y, s int) uint64 { return uint64(16*y + x) }
	return p
}

// changed is small with other entries.
func changed(fields ...field) []byte {
	p := small()
	b := p.file()
	at := int(binary.LittleEndian.Uint32(b[4:]))
	d, err := (&file{src: bytes.NewReader(b), size: int64(len(b)), order: p.order}).directoryAt(uint64(at))
	if err != nil {
		panic(err)
	}
	var all []field
	for tag, e := range d.entries {
		vs, err := d.wholes(e, 1<<10)
		if err != nil {
			panic(err)
		}
		all = append(all, field{tag, e.kind, vs})
	}
	for _, f := range fields {
		i := 0
		for i < len(all) && all[i].tag != f.tag {
			i++
		}
		if i == len(all) {
			all = append(all, f)
		}
		all[i] = f
	}
	return p.directory(b[:at:at], all, 4, 0)
}

// set is an entry of one value.
func set(tag uint16, v uint64) field { return field{tag, typeLong, []uint64{v}} }

// sharing is a picture of n strips of a row of one pixel, which all lie in the same bytes.
func sharing(n int, compression uint64, strip []byte) []byte {
	p := small()
	b := append(p.file()[:8:8], strip...)
	at, size := make([]uint64, n), make([]uint64, n)
	for i := range at {
		at[i], size[i] = 8, uint64(len(strip))
	}
	return p.directory(b, []field{set(tagWidth, 1), set(tagHeight, uint64(n)), set(tagBits, 8), set(tagCompression, compression), set(tagPhotometric, 1),
		{tagStripOffsets, typeLong, at}, set(tagRowsPerStrip, 1), {tagStripByteCounts, typeLong, size}}, 4, 0)
}

// chain is a file of n directories, of which the last points to the one of the given number, or nowhere.
func chain(n, back int) []byte {
	p := small()
	b := p.file()
	le := binary.LittleEndian
	at := int(le.Uint32(b[4:]))
	directory := bytes.Clone(b[at:])
	places := []int{at}
	for range n - 1 {
		le.PutUint32(b[len(b)-4:], uint32(len(b)))
		places = append(places, len(b))
		b = append(b, directory...)
	}
	if back >= 0 {
		le.PutUint32(b[len(b)-4:], uint32(places[back]))
	}
	return b
}

// entry changes an entry of small's, whatever that does.
func entryOf(tag, kind uint16, count, value uint32) []byte {
	b := small().file()
	le := binary.LittleEndian
	for e := b[le.Uint32(b[4:])+2:]; ; e = e[12:] {
		if le.Uint16(e) == tag {
			le.PutUint16(e[2:], kind)
			le.PutUint32(e[4:], count)
			le.PutUint32(e[8:], value)
			return b
		}
	}
}

func bigHeader(count uint64) []byte {
	b := []byte("II+\x00\x08\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00")
	return append(binary.LittleEndian.AppendUint64(b, count), make([]byte, 100)...)
}

// read reads a file's picture in every way.
func read(b []byte, o Options) error {
	m, err := parse(b, o)
	if err != nil {
		return err
	}
	if m.Width < 1 || m.Height < 1 || m.Channels != 1 && m.Channels != 3 || m.Orientation < 1 || m.Orientation > 8 {
		panic(fmt.Sprintf("%+v passed", m))
	}
	m.Place()
	if m.Memory() < 0 {
		panic("negative memory")
	}
	row := rowsOf(m, 1)
	for y := range m.Height {
		if err := m.ReadRows(y, row); err != nil {
			return err
		}
	}
	return nil
}

// jpegStrip makes a TIFF of one strip of JPEG, of 9×6 pixels.
func jpegStrip(t testing.TB, change func(b []byte) []byte) []byte {
	p := &picture{width: 9, height: 6, samples: 3, bits: 8, photometric: colourYCbCr, compression: compressJPEG}
	p.sample = func(x, y, s int) uint64 { return uint64(x*9+y*5+s*40) & 255 }
	p.jpeg = func(rows [][]byte) []byte { return change(cjpeg(t, rows)) }
	return p.file()
}

func TestRefusals(t *testing.T) {
	tests := map[string]struct {
		content []byte
		want    string
	}{
		"empty":             {nil, "damaged tiff: it ends too early"},
		"header only":       {[]byte("II*\x00"), "damaged tiff: it ends too early"},
		"other":             {[]byte("GIF89a......"), `damaged tiff: it begins with "GIF8"`},
		"version":           {[]byte("II\x2c\x00\x08\x00\x00\x00"), "damaged tiff: its version is 44"},
		"big, cut":          {[]byte("II+\x00\x08\x00\x00\x00\x10\x00"), "damaged tiff: it ends too early"},
		"big, offsets":      {[]byte("II+\x00\x10\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00"), "a BigTIFF with offsets of 16 bytes"},
		"big, 2^32":         {bigHeader(1 << 32), "a directory cannot have 4294967296 entries"},
		"big, 2^64":         {bigHeader(1<<64 - 1), "a directory cannot have 18446744073709551615 entries"},
		"big, long":         {bigHeader(1000), "it ends too early"},
		"no directory":      {[]byte("II*\x00\x00\x00\x00\x00"), "it holds no picture"},
		"far":               {[]byte("II*\x00\xff\xff\xff\xff"), "a directory lies at byte 4294967295 of its 8: it ends too early"},
		"huge directory":    {[]byte("II*\x00\x08\x00\x00\x00\xff\xff"), "it ends too early"},
		"loop of one":       {chain(1, 0), "its directories go in a circle"},
		"loop of two":       {chain(2, 0), "its directories go in a circle"},
		"loop of 100":       {chain(100, 50), "its directories go in a circle"},
		"pages":             {chain(3, -1), "TIFF of 3 pages; choose with --page N, from 1 to 3, or --page all"},
		"very many pages":   {chain(2000, -1), "TIFF of very many pages; choose with --page N or --page all"},
		"count":             {entryOf(tagStripOffsets, 4, 1<<32-1, 0), "tag 273: it cannot have 4294967295 values"},
		"no values":         {entryOf(tagWidth, 4, 0, 4), "tag 256: it cannot have 0 values"},
		"kind":              {entryOf(tagWidth, 12, 1, 4), "tag 256: its type 12 is not that of whole numbers"},
		"no kind":           {entryOf(tagWidth, 1<<16-1, 1, 4), "tag 256: its type 65535 is not that"},
		"table of text":     {entryOf(tagStripOffsets, 2, 1, 8), "tag 273: its type 2 is not that"},
		"list far":          {entryOf(tagBits, 3, 3, 1<<32-1), "damaged tiff: it ends too early"},
		"two offsets":       {changed(field{tagStripOffsets, typeLong, []uint64{8, 8}}), "2 offsets and 1 sizes of 1 strips"},
		"no offsets":        {entryOf(tagStripOffsets, 4, 1, 8)[:8], "it ends too early"},
		"bits differ":       {changed(field{tagBits, typeShort, []uint64{8, 8, 16}}), "samples of different kinds"},
		"5 samples":         {changed(set(tagSamples, 5)), "TIFF of 5 bands; say with --bands which"},
		"2 samples":         {changed(set(tagSamples, 2)), "TIFF of 2 bands; say with --bands"},
		"no samples":        {changed(set(tagSamples, 0)), "TIFF of 0 samples"},
		"many samples":      {changed(set(tagSamples, 1<<32-1)), "TIFF of 65536 samples"},
		"2^31":              {changed(set(tagWidth, 1<<31), set(tagHeight, 1<<31)), "a side has at most 2147483647"},
		"large":             {changed(set(tagWidth, 1<<31-1), set(tagHeight, 1<<31-1)), "which its 126 bytes cannot hold"},
		"thin":              {changed(set(tagWidth, 1), set(tagHeight, 1<<31-1)), "which its 126 bytes cannot hold"},
		"wide samples":      {changed(set(tagSamples, 4000), set(tagWidth, 1<<31-1)), "TIFF of 4000 bands"},
		"old jpeg":          {changed(set(tagCompression, 6)), "TIFF of compression 6 (old JPEG) is not read; none, LZW, deflate, zstd, PackBits and JPEG are"},
		"fax":               {changed(set(tagCompression, 4)), "compression 4 (CCITT T.6) is not read"},
		"unknown":           {changed(set(tagCompression, 12345)), "compression 12345 is not read"},
		"float":             {changed(set(tagSampleFormat, 3), set(tagBits, 32)), "TIFF of floating-point samples; say with --scale MIN,MAX"},
		"half float":        {changed(set(tagSampleFormat, 3), set(tagBits, 16)), "floating-point numbers of 16 bits"},
		"signed":            {changed(set(tagSampleFormat, 2)), "TIFF of signed samples; say with --scale"},
		"32 bits":           {changed(set(tagBits, 32)), "TIFF of 32 bits a sample; say with --scale"},
		"complex":           {changed(set(tagSampleFormat, 5)), "TIFF of sample format 5"},
		"12 bits":           {changed(set(tagBits, 12)), "TIFF of 12 bits a sample is not read; 1, 2, 4, 8 and 16 are"},
		"no bits":           {changed(set(tagBits, 0)), "TIFF of 0 bits"},
		"lab":               {changed(set(tagSamples, 3), set(tagPhotometric, 8)), "photometric interpretation 8 is not read"},
		"ycbcr":             {changed(set(tagSamples, 3), set(tagPhotometric, 6)), "TIFF of YCbCr is read in JPEG only"},
		"inks":              {changed(set(tagSamples, 5), set(tagPhotometric, 5)), "TIFF of 5 inks of 8 bits"},
		"rgb of one":        {changed(set(tagPhotometric, 2)), "TIFF of 1 samples with photometric interpretation 2"},
		"predictor":         {changed(set(tagPredictor, 9), set(tagCompression, 5)), "TIFF of predictor 9"},
		"float predictor":   {changed(set(tagPredictor, 3), set(tagCompression, 5)), "TIFF of predictor 3 with 8 bits"},
		"no width":          {changed(set(tagWidth, 0)), "damaged tiff: it claims 0×4 pixels"},
		"no height":         {changed(set(tagHeight, 0)), "damaged tiff: it claims 4×0 pixels"},
		"huge tiles":        {changed(set(tagTileOffsets, 8), set(tagTileByteCounts, 16), set(tagTileWidth, 1<<31), set(tagTileHeight, 1<<31)), "cannot hold"},
		"huge packed tiles": {changed(set(tagCompression, 50000), set(tagTileOffsets, 8), set(tagTileByteCounts, 16), set(tagTileWidth, 1<<31), set(tagTileHeight, 1<<31)), "cannot hold"},
		"small tiles":       {changed(set(tagTileOffsets, 8), set(tagTileByteCounts, 16), set(tagTileWidth, 1), set(tagTileHeight, 1)), "1 offsets and 1 sizes of 16"},
		"tiles of nothing":  {changed(set(tagTileOffsets, 8)), "its strips or tiles are of 0×0 pixels"},
		"strips of nothing": {changed(set(tagRowsPerStrip, 0)), "its strips or tiles are of 4×0 pixels"},
		"strips":            {changed(set(tagRowsPerStrip, 1)), "1 offsets and 1 sizes of 4"},
		"packed strips":     {changed(set(tagRowsPerStrip, 1), set(tagCompression, 5)), "1 offsets and 1 sizes of 4"},
		"strip far":         {changed(set(tagStripOffsets, 1<<20)), "it ends too early: strip or tile 0 of 1 lies beyond its 126 bytes"},
		"strip out":         {changed(set(tagStripOffsets, 1<<32-1)), "it ends too early: strip or tile 0 of 1"},
		"missing":           {changed(set(tagStripByteCounts, 0), set(tagCompression, 5)), "strip or tile 0 of 1 is missing"},
		"sparse":            {changed(set(tagStripOffsets, 0), set(tagCompression, 5)), "strip or tile 0 of 1 is missing"},
		"bad lzw":           {changed(set(tagCompression, 5)), "damaged tiff: strip or tile 0: "},
		"bad deflate":       {changed(set(tagCompression, 8)), "damaged tiff: strip or tile 0: "},
		"bad zstd":          {changed(set(tagCompression, 50000)), "damaged tiff: strip or tile 0: "},
		"bad jpeg":          {changed(set(tagCompression, 7)), "strip or tile 0: its JPEG data does not begin as JPEG does"},
		"jpeg, cut":         {jpegStrip(t, func(b []byte) []byte { return b[:len(b)/2] }), "strip or tile 0: damaged jpeg: it ends too early"},
		"jpeg, larger":      {jpegStrip(t, func(b []byte) []byte { b[bytes.Index(b, []byte("\xff\xc0"))+8]++; return b }), "its JPEG data is of 10×6 pixels of 3 components, not 9×6 of 3"},
		"jpeg, lossless":    {jpegStrip(t, func(b []byte) []byte { b[bytes.Index(b, []byte("\xff\xc0"))+1] = 0xc3; return b }), "JPEG of kind SOF3 is not read"},
		"no packbits":       {changed(set(tagCompression, 32773), set(tagStripByteCounts, 1)), "it ends too early"},
		"no palette":        {changed(set(tagPhotometric, 3)), "its palette has 0 values"},
		"small palette":     {changed(set(tagPhotometric, 3), set(tagColorMap, 7)), "its palette has 1 values"},
		"overlap":           {sharing(20, 8, []byte{0x78, 1, 1, 1, 0, 0xfe, 0xff, 7}), "its strips or tiles overlap"},
		"overlap a little": {changed(set(tagRowsPerStrip, 2), set(tagCompression, 5), field{tagStripOffsets, typeLong, []uint64{8, 12}},
			field{tagStripByteCounts, typeLong, []uint64{5, 5}}), "its strips or tiles overlap, at byte 12"},
		"overlap behind": {changed(set(tagRowsPerStrip, 2), field{tagStripOffsets, typeLong, []uint64{12, 8}}), "its strips or tiles overlap, at byte 12"},
		"overlap, open":  {changed(set(tagRowsPerStrip, 1), field{tagStripOffsets, typeLong, []uint64{8, 8, 8, 8}}), "its strips or tiles overlap, at byte 8"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := read(test.content, Options{})
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, not %s", err, test.want)
			}
		})
	}
	if err := read(changed(), Options{}); err != nil {
		t.Errorf("the picture that was changed: %v", err)
	}
	for _, o := range []Options{{Page: -1}, {Page: 2}, {Bands: []int{}}, {Bands: []int{1, 1}}, {Bands: []int{0}}, {Bands: []int{2}}, {Scale: &Scale{5, 5}}, {Scale: &Scale{6, 5}}} {
		if err := read(changed(), o); err == nil {
			t.Errorf("%+v are taken", o)
		}
	}
	if !errors.Is(read(nil, Options{}), io.ErrUnexpectedEOF) {
		t.Error("an early end is not io.ErrUnexpectedEOF")
	}
}

// Pages are counted and chosen.
func TestPages(t *testing.T) {
	for _, n := range []int{1, 2, 3, 50, 1500} {
		b := chain(n, -1)
		if got, err := Pages(bytes.NewReader(b), int64(len(b))); err != nil || got != n {
			t.Errorf("%d pages, not %d; %v", got, n, err)
		}
		for _, page := range []int{1, n/2 + 1, n} {
			if err := read(b, Options{Page: page}); err != nil {
				t.Errorf("page %d of %d: %v", page, n, err)
			}
		}
		if err := read(b, Options{Page: n + 1}); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("it has no page %d; there are %d", n+1, n)) {
			t.Error(err)
		}
	}
	if _, err := Pages(bytes.NewReader(chain(70, 35)), 1<<20); err == nil || !strings.Contains(err.Error(), "circle") {
		t.Error(err)
	}
	// Reduced versions and masks are none.
	b := chain(4, -1)
	le := binary.LittleEndian
	at := int(le.Uint32(b[4:]))
	size := 2 + 12*int(le.Uint16(b[at:])) + 4
	for i, kind := range []uint32{0, 1, 4, 5} {
		e := b[at+i*size+2:]
		le.PutUint16(e, tagNewSubfileType) // in place of the width
		le.PutUint32(e[8:], kind)
	}
	if n, err := Pages(bytes.NewReader(b), int64(len(b))); n != 1 || err != nil {
		t.Error(n, err)
	}
}

// deflatedZeros is what so many MiB of zeros are deflated to, which costs next to nothing.
func deflatedZeros(t *testing.T, mebibytes int) []byte {
	var block bytes.Buffer
	w, err := flate.NewWriter(&block, flate.BestSpeed)
	if err == nil {
		_, err = w.Write(make([]byte, 1<<20))
	}
	if err = errors.Join(err, w.Flush()); err != nil {
		t.Fatal(err)
	}
	stream := append([]byte{0x78, 1}, bytes.Repeat(block.Bytes(), mebibytes)...)
	return binary.BigEndian.AppendUint32(append(stream, 1, 0, 0, 0xff, 0xff), uint32(mebibytes<<20%65521)<<16|1)
}

// What a file costs grows with its size, not with what it claims, nor with how often it refers to the same bytes.
func TestCostOfHostileFiles(t *testing.T) {
	const many = 1 << 20
	empty := append([]byte{0x78, 1}, bytes.Repeat([]byte{0, 0, 0, 0xff, 0xff}, many/5)...) // stored blocks of nothing
	empty = append(empty, 1, 1, 0, 0xfe, 0xff, 7)
	bomb := deflatedZeros(t, 40)
	oneStrip := func(compression int, strip []byte, width, height uint64, more ...field) []byte {
		p := small()
		b := append(p.file()[:8:8], strip...)
		return p.directory(b, append([]field{set(tagWidth, width), set(tagHeight, height), set(tagBits, 8), set(tagCompression, uint64(compression)),
			set(tagPhotometric, 1), set(tagStripOffsets, 8), set(tagStripByteCounts, uint64(len(strip)))}, more...), 4, 0)
	}
	entries := append([]byte("II*\x00\x08\x00\x00\x00\xff\xff"), make([]byte, 12*65535+4)...)
	for i := range 65535 {
		binary.LittleEndian.PutUint16(entries[10+12*i:], uint16(i))
	}
	steps := make([]byte, 6*many) // directories without entries
	copy(steps, "II*\x00\x08\x00\x00\x00")
	for at := 8; at+12 <= len(steps); at += 6 {
		binary.LittleEndian.PutUint32(steps[at+2:], uint32(at+6))
	}
	overlapping := make([]byte, 8*many) // directories of one entry each, which lie inside each other
	copy(overlapping, "II*\x00\x08\x00\x00\x00")
	for at := 8; at+24 <= len(overlapping); at += 8 {
		binary.LittleEndian.PutUint16(overlapping[at:], 0)
		binary.LittleEndian.PutUint32(overlapping[at+2:], uint32(at+8))
	}
	files := map[string][]byte{
		"a huge strip":                changed(set(tagWidth, 1<<10), set(tagHeight, 1<<10), set(tagRowsPerStrip, 1<<32-1), set(tagCompression, 5)),
		"one PackBits strip":          sharing(2000, 32773, append(bytes.Repeat([]byte{0x80}, many), 0, 7)),
		"one deflate strip":           sharing(2000, 8, empty),
		"one LZW strip":               sharing(2000, 5, append(bytes.Repeat([]byte{0x80, 0x40, 0x20, 0x10, 8, 4, 2, 1, 0}, many/9), 0)),
		"many deflate strips":         sharing(20000, 8, []byte{0x78, 1, 1, 1, 0, 0xfe, 0xff, 7}),
		"a million strips":            sharing(many, 1, make([]byte, 2*many)),
		"a deflate bomb in a strip":   oneStrip(8, bomb, 16<<20, 1),
		"a deflate bomb, short strip": oneStrip(8, bomb, 4, 4),
		"a deflate bomb in rows":      oneStrip(8, bomb, 4<<10, 10<<10),
		"a deflate bomb in a tile":    oneStrip(8, bomb, 16, 16, set(tagTileWidth, 4<<10), set(tagTileHeight, 10<<10), set(tagTileOffsets, 8), set(tagTileByteCounts, uint64(len(bomb)))),
		"empty deflate, rows":         oneStrip(8, empty, 4<<10, 10<<10),
		"empty PackBits, rows":        oneStrip(32773, bytes.Repeat([]byte{0x80}, 4*many), 4<<10, 20<<10),
		"empty LZW, rows":             oneStrip(5, bytes.Repeat([]byte{0x80, 0x40, 0x20, 0x10, 8, 4, 2, 1, 0}, many/2), 4<<10, 10<<10),
		"a zstd window":               oneStrip(50000, append([]byte("\x28\xb5\x2f\xfd\x00\xb8"), make([]byte, many)...), 4<<10, 10<<10),
		"a zstd content size":         oneStrip(50000, append([]byte("\x28\xb5\x2f\xfd\xe0\x00\x00\x00\x00\x01\x00\x00\x00"), make([]byte, many)...), 4<<10, 1<<10),
		"65535 entries":               entries,
		"a million directories":       steps,
		"directories in each other":   overlapping,
		"zeros":                       append([]byte("II*\x00\x08\x00\x00\x00"), make([]byte, 4*many)...),
		"a wide zstd row":             oneStrip(50000, make([]byte, many), 1<<31-1, 1),
		"many wide tiles":             oneStrip(50000, make([]byte, many), 1<<24, 1<<8, set(tagTileWidth, 16), set(tagTileHeight, 1<<30), set(tagTileOffsets, 8), set(tagTileByteCounts, many)),
	}
	for name, content := range files {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			err := func() error {
				m, err := parse(content, Options{})
				if err != nil {
					Pages(bytes.NewReader(content), int64(len(content)))
					return err
				}
				row := make([][]byte, 1)
				row[0] = make([]byte, min(m.Width*m.Channels, 64<<20))
				for y := range min(m.Height, 3000) {
					if err := m.ReadRows(y, row); err != nil {
						return err
					}
				}
				return nil
			}()
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if spent := after.TotalAlloc - before.TotalAlloc; spent > 64<<20 {
				t.Errorf("%d bytes of file took %d MiB of memory: %v", len(content), spent>>20, err)
			}
			t.Logf("%v, %d KiB: %v", took.Round(time.Millisecond), (after.TotalAlloc-before.TotalAlloc)>>10, err)
			if took > 10*time.Second { // a second on a machine that does nothing else
				t.Errorf("%d bytes of file took %v", len(content), took)
			}
		})
	}
}

// A file cut at any length is refused, or all its rows lie before the cut.
func TestCutAnywhere(t *testing.T) {
	t.Parallel()
	for _, compression := range []int{1, 5, 8, 32773, 50000} {
		p := &picture{width: 23, height: 17, samples: 3, bits: 8, photometric: 2, rows: 5, compression: compression}
		p.sample = func(x, y, s int) uint64 { return hash(x, y, s, 8) }
		// Ours have the directory in front.
		o := Output{Width: 23, Height: 17, Channels: 3, Compression: map[int]Compression{1: None, 5: LZW, 8: Deflate, 32773: PackBits, 50000: Zstd}[compression]}
		ours, err := encode(o, p.pixels(p.eight))
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range [][]byte{p.file(), ours} {
			for n := range b {
				m, err := parse(b[:n], Options{})
				if err != nil {
					continue
				}
				got, err := readWhole(m)
				if err == nil {
					if err = equalRows(got, p.pixels(p.eight)); err != nil {
						t.Errorf("compression %d: the first %d of %d bytes: %v", compression, n, len(b), err)
					}
				}
			}
		}
	}
}

// The pictures of package raster come out as OpenCV 4.6 reads them; those that are turned are turned elsewhere.
func TestFixtures(t *testing.T) {
	var all []struct{ Picture, Expected string }
	if err := json.Unmarshal(readFile(t, "../testdata/manifest.json"), &all); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, f := range all {
		if !strings.HasSuffix(f.Picture, ".tif") {
			continue
		}
		m, got := readPath(t, filepath.Join("../testdata/pictures", f.Picture), Options{})
		if m.Orientation > 1 {
			continue
		}
		seen++
		r, err := os.Open(filepath.Join("../testdata/expected", f.Expected))
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		for y := range got {
			for x := range m.Width {
				r, g, b, _ := img.At(x, y).RGBA()
				want := []byte{byte(r >> 8), byte(g >> 8), byte(b >> 8)}
				have := got[y][x*m.Channels : (x+1)*m.Channels]
				if m.Channels == 1 {
					have = []byte{have[0], have[0], have[0]}
				}
				if !bytes.Equal(have, want) {
					t.Fatalf("%s: %v at %d, %d, not %v", f.Picture, have, x, y, want)
				}
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d pictures were compared", seen)
	}
}

// Any bytes make an error or a picture, in bounded memory.
func FuzzRead(f *testing.F) {
	for _, p := range kinds() {
		p.width, p.height = 17, 9
		f.Add(p.file(), 0, 0, 0.)
		p.compression, p.tileW, p.tileH, p.order, p.big = 5, 16, 16, binary.BigEndian, true
		f.Add(p.file(), 0, 0, 0.)
		p.compression, p.tileW, p.predictor = 8, 0, 2
		f.Add(p.file(), 1, 1, 255.)
		p.compression = 50000
		f.Add(p.file(), 1, 2, 255.)
	}
	f.Add(chain(3, 1), 1, 0, 0.)
	o := Output{Width: 9, Height: 7, Channels: 3, Compression: PackBits, Meta: someMetadata()}
	b, err := encode(o, noisyRows(9, 7, 3))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b, 0, 0, 0.)
	f.Add(lay(o, noisyRows(9, 7, 3)), 0, 0, 0.)
	f.Add(jpegStrip(f, func(b []byte) []byte { return b }), 0, 0, 0.)
	f.Fuzz(func(t *testing.T, b []byte, page, band int, scale float64) {
		o := Options{Page: page}
		if band > 0 {
			o.Bands = []int{band}
		}
		if scale != 0 {
			o.Scale = &Scale{0, scale}
		}
		m, err := parse(b, o)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q", err)
			}
			return
		}
		if m.Width < 1 || m.Height < 1 || m.Channels != 1 && m.Channels != 3 || m.Memory() < 0 {
			t.Fatalf("%+v passed", m)
		}
		if int64(m.Width)*int64(m.Height) > 1<<20 {
			return
		}
		got, err := readWhole(m)
		if err != nil {
			return
		}
		s, err := m.Stream()
		if err != nil {
			t.Fatal(err)
		}
		for y := range got {
			row := rowsOf(m, 1)
			if err := s.ReadRows(row); err != nil || !bytes.Equal(row[0], got[y]) {
				t.Fatalf("row %d of a stream: %v", y, err)
			}
		}
		s.Close()
		// Its metadata is written, and read again.
		o2 := Output{Width: 1, Height: 1, Channels: 1, Meta: m.Meta}
		again, err := parse(lay(o2, [][]byte{{1}}), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.Meta.ICC, m.Meta.ICC) || !bytes.Equal(again.Meta.EXIF, m.Meta.EXIF) || !bytes.Equal(again.Meta.XMP, m.Meta.XMP) {
			t.Fatalf("%+v, not %+v", again.Meta, m.Meta)
		}
	})
}
