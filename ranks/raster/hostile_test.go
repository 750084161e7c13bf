package raster

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// readBytes reads a picture whole from a file of the given content.
func readBytes(t testing.TB, content []byte, l Options) (*pixels, error) {
	t.Helper()
	fd, err := unix.MemfdCreate("picture", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "picture")
	defer f.Close()
	if _, err := f.Write(content); err != nil {
		t.Fatal(err)
	}
	r, err := Open(f, "picture", l)
	if err == nil {
		defer r.Close()
		in := r.Info()
		if in.Width < 1 || in.Height < 1 || int64(in.Width)*int64(in.Height) > l.MaxPixels || in.Channels != 1 && in.Channels != 3 {
			t.Errorf("a picture of %d×%d×%d passed", in.Width, in.Height, in.Channels)
		}
		p := newPixels(in.Width, in.Height, in.Channels)
		if err = r.ReadRows(0, p.rows(0, p.height)); err == nil {
			return p, nil
		}
	}
	var input *InputError
	if !errors.As(err, &input) || !strings.HasPrefix(err.Error(), "picture: ") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q", err)
	}
	return nil, err
}

var roomy = Options{MaxPixels: 1 << 36}

func fixtureBytes(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "pictures", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// pngOf makes a PNG of a header and data, with right sums.
func pngOf(width, height uint32, depth, colour byte, data []byte) []byte {
	var b bytes.Buffer
	b.WriteString("\x89PNG\r\n\x1a\n")
	head := binary.BigEndian.AppendUint32(nil, width)
	head = append(binary.BigEndian.AppendUint32(head, height), depth, colour, 0, 0, 0)
	b.Write(appendChunk(nil, "IHDR", head))
	b.Write(appendChunk(nil, "IDAT", data))
	b.Write(appendChunk(nil, "IEND", nil))
	return b.Bytes()
}

// appendChunk appends a PNG's chunk.
func appendChunk(dst []byte, kind string, data []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(data)))
	at := len(dst)
	dst = append(append(dst, kind...), data...)
	return binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(dst[at:]))
}

// tag is an entry of a TIFF's directory, of a single 32-bit value.
type tag struct {
	id    uint16
	value uint32
}

// tiffOf makes a TIFF of 4×4 grey pixels whose tags were changed.
func tiffOf(changes ...tag) []byte {
	tags := []tag{{tagWidth, 4}, {tagHeight, 4}, {tagBits, 8}, {tagCompression, 1}, {tagPhotometric, 1}, {tagStripOffsets, 512},
		{tagSamples, 1}, {tagRowsPerStrip, 4}, {tagStripByteCounts, 16}}
	for _, c := range changes {
		i := 0
		for i < len(tags) && tags[i].id != c.id {
			i++
		}
		if i == len(tags) {
			tags = append(tags, c)
		}
		tags[i] = c
	}
	le := binary.LittleEndian
	b := le.AppendUint32([]byte("II*\x00"), 8)
	b = le.AppendUint16(b, uint16(len(tags)))
	for _, t := range tags {
		b = le.AppendUint16(b, t.id)
		b = le.AppendUint16(b, 4)
		b = le.AppendUint32(b, 1)
		b = le.AppendUint32(b, t.value)
	}
	b = append(b, make([]byte, 512-len(b))...)
	return append(b, "the sixteen bytes"[:16]...)
}

// tiffEntry is tiffOf with an entry of another kind or count.
func tiffEntry(id, kind uint16, count, value uint32) []byte {
	b := tiffOf()
	le := binary.LittleEndian
	for e := b[10:]; ; e = e[12:] {
		if le.Uint16(e) == id {
			le.PutUint16(e[2:], kind)
			le.PutUint32(e[4:], count)
			le.PutUint32(e[8:], value)
			return b
		}
	}
}

func jpegOf(t testing.TB, change func(frame []byte)) []byte {
	b := bytes.Clone(fixtureBytes(t, "444.jpg"))
	change(b[bytes.Index(b, []byte{0xff, 0xc0}):])
	return b
}

func TestBadInput(t *testing.T) {
	tests := map[string]struct {
		content []byte
		want    string // the error
	}{
		"empty":            {nil, "it is empty"},
		"one byte":         {[]byte("P"), `not a picture that Halorun reads (PNG, JPEG, TIFF, PNM, PAM, .npy; a raw one with --geometry); it begins with "P"`},
		"gif":              {[]byte("GIF89a......"), `it begins with "GIF89a.."`},
		"newlines":         {[]byte("\n\n\n\n"), `it begins with "\n\n\n\n"`},
		"bigtiff":          {[]byte("II+\x00\x08\x00\x00\x00"), "damaged tiff: it ends too early"},
		"pam":              {[]byte("P7\nWIDTH 1\n"), "damaged pam: its header has no ENDHDR"},
		"zeros":            {make([]byte, 5000), `it begins with "\x00\x00\x00\x00\x00\x00\x00\x00"`},
		"png only":         {[]byte("\x89PNG\r\n\x1a\n"), "damaged png: it ends too early"},
		"png, huge":        {pngOf(1<<31-1, 1<<31-1, 8, 2, nil), "damaged png: it claims 2147483647×2147483647 pixels, which its 0 bytes of picture data cannot hold"},
		"png, wider":       {pngOf(1<<32-1, 1<<32-1, 8, 2, nil), "damaged png: it claims 4294967295×4294967295 pixels"},
		"png, no pixels":   {pngOf(0, 7, 8, 2, nil), "damaged png: it claims 0×7 pixels"},
		"png, bomb":        {pngOf(60000, 60000, 8, 2, nil), "damaged png: it claims 60000×60000 pixels, which its 0 bytes of picture data cannot hold"},
		"png, depth":       {pngOf(2, 2, 7, 2, nil), "damaged png: "},
		"png, colour":      {pngOf(2, 2, 8, 9, nil), "damaged png: "},
		"png, no data":     {pngOf(2, 2, 8, 2, nil), "damaged png: it claims 2×2 pixels, which its 0 bytes of picture data cannot hold"},
		"png, bad zlib":    {pngOf(2, 2, 8, 2, []byte("not zlib at all")), "damaged png: "},
		"jpeg only":        {[]byte("\xff\xd8"), "damaged jpeg: it ends too early"},
		"jpeg, no marker":  {[]byte("\xff\xd8abcd"), "no marker where one should be"},
		"jpeg, short":      {[]byte("\xff\xd8\xff\xe0\x00\x01"), "a segment shorter than its length field"},
		"jpeg, lossless":   {jpegOf(t, func(f []byte) { f[1] = 0xc3 }), "JPEG of kind SOF3 is not read"},
		"jpeg, arithmetic": {jpegOf(t, func(f []byte) { f[1] = 0xc9 }), "JPEG of kind SOF9 is not read"},
		"jpeg, 12 bits":    {jpegOf(t, func(f []byte) { f[4] = 12 }), "JPEG of 12 bits a sample is not read; 8 are"},
		"jpeg, no height":  {jpegOf(t, func(f []byte) { f[5], f[6] = 0, 0 }), "damaged jpeg: it claims 47×0 pixels"},
		"jpeg, bomb":       {jpegOf(t, func(f []byte) { copy(f[5:], "\xff\xff\xff\xff") }), "which its "},
		"jpeg, other rows": {jpegOf(t, func(f []byte) { f[6] = 255 }), "damaged jpeg: "},
		"jpeg, components": {jpegOf(t, func(f []byte) { f[9] = 2 }), "damaged jpeg: its frame header is of 15 bytes, for 2 components"},
		"jpeg, sampling":   {jpegOf(t, func(f []byte) { f[11] = 0x33 }), "damaged jpeg: a scan of 11 blocks in an MCU; 10 are possible"},
		"pnm, no size":     {[]byte("P6\n"), "damaged pnm: it ends too early"},
		"pnm, letters":     {[]byte("P6\nab cd\n255\n"), "damaged pnm: 'a' where a number should be"},
		"pnm, mixed":       {[]byte("P6\n1x 2\n255\n"), "damaged pnm: 'x' in a number"},
		"pnm, negative":    {[]byte("P6\n-1 2\n255\n"), "damaged pnm: '-' where a number should be"},
		"pnm, maxval 0":    {[]byte("P5\n1 1\n0\n."), "its largest sample is 0"},
		"pnm, maxval":      {[]byte("P5\n1 1\n65536\n.."), "its largest sample is 65536"},
		"pnm, huge":        {[]byte("P6\n2147483647 2147483647\n255\n"), "damaged pnm: it ends too early"},
		"pnm, huge bits":   {[]byte("P4\n2147483647 2147483647\n"), "damaged pnm: it ends too early"},
		"pnm, overflow":    {[]byte("P6\n99999999999999999999 1\n255\n"), "a number in it is beyond 2^31"},
		"pnm, no pixels":   {[]byte("P6\n0 5\n255\n"), "damaged pnm: it claims 0×5 pixels"},
		"pnm, one short":   {[]byte("P5\n3 2\n255\n12345"), "it ends too early: 3×2 pixels need 3 bytes a row"},
		"pnm, bare text":   {[]byte("P2\n3 2\n255\n1 2 3 4 5 "), "damaged pnm: it ends too early"},
		"pnm, huge text":   {[]byte("P2\n100000 100000\n255\n1 2 3 4 5 "), "which its 31 bytes cannot hold"},
		"pnm, bad text":    {[]byte("P1\n3 1\n1 0 x"), "damaged pnm: 'x' where a number should be"},
		"pnm, comments":    {append([]byte("P6\n"), bytes.Repeat([]byte("#\n"), 1<<20)...), "damaged pnm: it ends too early"},
		"tiff only":        {[]byte("II*\x00"), "damaged tiff: it ends too early"},
		"tiff, far":        {[]byte("II*\x00\xff\xff\xff\xff"), "damaged tiff: a directory lies at byte 4294967295 of its 8: it ends too early"},
		"tiff, loop": {func() []byte {
			b := tiffOf()
			b[8+2+9*12] = 8 // the next directory is this one
			return b
		}(), "damaged tiff: its directories go in a circle"},
		"tiff, short table": {tiffOf()[:100], "damaged tiff: it ends too early"},
		"tiff, huge table":  {[]byte("II*\x00\x08\x00\x00\x00\xff\xff"), "damaged tiff: it ends too early"},
		"tiff, count":       {tiffEntry(tagStripOffsets, 4, 1<<32-1, 0), "tag 273: it cannot have 4294967295 values"},
		"tiff, many":        {tiffEntry(tagStripOffsets, 4, 2, 512), "damaged tiff: its tables have 2 offsets and 1 sizes of 1 strips or tiles"},
		"tiff, none":        {tiffEntry(tagWidth, 4, 0, 4), "tag 256: it cannot have 0 values"},
		"tiff, kind":        {tiffEntry(tagWidth, 12, 1, 4), "tag 256: its type 12 is not that of whole numbers"},
		"tiff, no kind":     {tiffEntry(tagWidth, 1<<16-1, 1, 4), "tag 256: its type 65535 is not that"},
		"tiff, list far":    {tiffEntry(tagBits, 3, 3, 1<<32-1), "damaged tiff: it ends too early"},
		"tiff, bits differ": {tiffEntry(tagBits, 3, 3, 8), "TIFF of "},
		"tiff, 5 samples":   {tiffOf(tag{tagSamples, 5}), "TIFF of 5 bands; say with --bands which become grey or red, green and blue"},
		"tiff, 2^31":        {tiffOf(tag{tagWidth, 1 << 31}, tag{tagHeight, 1 << 31}), "a side has at most 2147483647"},
		"tiff, thin":        {tiffOf(tag{tagWidth, 1}, tag{tagHeight, 1<<32 - 1}), "a side has at most 2147483647"},
		"tiff, old jpeg":    {tiffOf(tag{tagCompression, 6}), "TIFF of compression 6 (old JPEG) is not read"},
		"tiff, samples":     {tiffOf(tag{tagSamples, 2}), "TIFF of 2 bands; say with --bands"},
		"tiff, float":       {tiffOf(tag{tagSampleFormat, 3}), "TIFF of floating-point numbers of 8 bits is not read; 32 and 64 are, with --scale"},
		"tiff, signed":      {tiffOf(tag{tagSampleFormat, 2}), "TIFF of signed samples; say with --scale MIN,MAX"},
		"tiff, jpeg":        {tiffOf(tag{tagCompression, 7}), "damaged tiff: strip or tile 0: its JPEG data does not begin as JPEG does"},
		"tiff, planes":      {tiffOf(tag{tagPlanar, 2}, tag{tagSamples, 3}, tag{tagPhotometric, 2}), "damaged tiff: its tables have 1 offsets and 1 sizes of 3 strips or tiles"},
		"tiff, cmyk":        {tiffOf(tag{tagSamples, 4}, tag{tagPhotometric, 5}), "it ends too early: strip or tile 0 of 1 lies beyond its 528 bytes"},
		"tiff, 4 bits":      {tiffOf(tag{tagBits, 5}), "TIFF of 5 bits a sample is not read"},
		"tiff, predictor":   {tiffOf(tag{tagPredictor, 3}, tag{tagCompression, 5}), "TIFF of predictor 3 with 8 bits a sample is not read"},
		"tiff, no width":    {tiffOf(tag{tagWidth, 0}), "damaged tiff: it claims 0×4 pixels"},
		"tiff, huge":        {tiffOf(tag{tagWidth, 1<<32 - 1}, tag{tagHeight, 1<<32 - 1}), "a side has at most 2147483647"},
		"tiff, huge tiles":  {tiffOf(tag{tagTileOffsets, 512}, tag{tagTileWidth, 1<<32 - 1}, tag{tagTileHeight, 1<<32 - 1}), "which its 528 bytes cannot hold"},
		"tiff, small tiles": {tiffOf(tag{tagTileOffsets, 512}, tag{tagTileWidth, 1}, tag{tagTileHeight, 1}), "1 offsets and 0 sizes of 16"},
		"tiff, no tiles":    {tiffOf(tag{tagTileOffsets, 512}), "its strips or tiles are of 0×0 pixels"},
		"tiff, rows":        {tiffOf(tag{tagRowsPerStrip, 0}), "its strips or tiles are of 4×0 pixels"},
		"tiff, strips":      {tiffOf(tag{tagRowsPerStrip, 1}), "1 offsets and 1 sizes of 4"},
		"tiff, strip far":   {tiffOf(tag{tagStripOffsets, 513}), "it ends too early: strip or tile 0 of 1 lies beyond its 528 bytes"},
		"tiff, strip out":   {tiffOf(tag{tagStripOffsets, 1<<32 - 1}), "it ends too early: strip or tile 0 of 1"},
		"tiff, bad lzw":     {tiffOf(tag{tagCompression, 5}), "damaged tiff: strip or tile 0: "},
		"tiff, bad deflate": {tiffOf(tag{tagCompression, 8}), "damaged tiff: strip or tile 0: "},
		"tiff, no packbits": {tiffOf(tag{tagCompression, 32773}, tag{tagStripByteCounts, 1}), "damaged tiff: it ends too early"},
		"tiff, no palette":  {tiffOf(tag{tagPhotometric, 3}), "its palette has 0 values"},
		"tiff, small map":   {tiffOf(tag{tagPhotometric, 3}, tag{tagColorMap, 7}), "its palette has 1 values"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := readBytes(t, test.content, roomy); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, not %s", err, test.want)
			}
		})
	}
	if _, err := readBytes(t, tiffOf(), roomy); err != nil {
		t.Errorf("the TIFF that was changed: %v", err)
	}
}

func TestFolderAndMissingFile(t *testing.T) {
	f, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := Open(f, "name", roomy); err == nil || err.Error() != "name: it is a folder, not a picture" {
		t.Error(err)
	}
	_, err = os.Open(filepath.Join(t.TempDir(), "absent.png"))
	if err = (&InputError{"absent.png", err}); err.Error() != "absent.png: there is no such file" || !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestLimits(t *testing.T) {
	b := fixtureBytes(t, "rgb8.png") // 23×17
	if _, err := readBytes(t, b, Options{MaxPixels: 23 * 17}); err != nil {
		t.Error(err)
	}
	if _, err := readBytes(t, b, Options{MaxPixels: 23*17 - 1}); err == nil || !strings.Contains(err.Error(), "its 23×17 pixels are beyond --max-pixels 390") {
		t.Error(err)
	}
	if _, err := readBytes(t, fixtureBytes(t, "rgb8-interlaced.png"), Options{MaxPixels: 1 << 30, Memory: 1000}); err == nil || !strings.Contains(err.Error(), "of memory") {
		t.Error(err)
	}
	// What is read by rows needs no memory.
	for _, name := range []string{"p6.ppm", "rgb8.png"} {
		if _, err := readBytes(t, fixtureBytes(t, name), Options{MaxPixels: 1 << 30, Memory: 1}); err != nil {
			t.Error(name, err)
		}
	}
}

// A file cut anywhere is refused, or holds the whole picture before the cut.
func TestTruncatedInput(t *testing.T) {
	t.Parallel()
	for _, f := range fixtures(t) {
		b := fixtureBytes(t, f.Picture)
		whole, err := readBytes(t, b, roomy)
		if err != nil {
			t.Fatal(f.Picture, err)
		}
		for i := range 12 {
			n := len(b) * i / 12
			p, err := readBytes(t, b[:n], roomy)
			if err != nil {
				continue
			}
			if n < len(b)/2 || !bytes.Equal(p.data, whole.data) {
				t.Errorf("%s: its first %d of %d bytes are taken for a picture", f.Picture, n, len(b))
			}
		}
	}
}

func TestGarbageBehindIsTolerated(t *testing.T) {
	for _, f := range fixtures(t) {
		b := fixtureBytes(t, f.Picture)
		whole, err := readBytes(t, b, roomy)
		if err != nil {
			t.Fatal(f.Picture, err)
		}
		if p, err := readBytes(t, append(b, "\x00garbage\xff"...), roomy); err != nil || !bytes.Equal(p.data, whole.data) {
			t.Errorf("%s: %v", f.Picture, err)
		}
	}
}

// Bytes that were changed at random give an error or some picture, never a panic.
func TestFlippedBytes(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for _, f := range fixtures(t) {
		b := fixtureBytes(t, f.Picture)
		for range 15 {
			c := bytes.Clone(b)
			for range 1 + random.IntN(3) {
				c[random.IntN(min(len(c), 300))] = byte(random.Uint32())
			}
			repairPNG(c)
			readBytes(t, c, Options{MaxPixels: 1 << 16})
		}
	}
}

// repairPNG makes the sums of a PNG's chunks right, so that decoders look further than these.
func repairPNG(b []byte) {
	if !hasPrefix(b, "\x89PNG\r\n\x1a\n") {
		return
	}
	for b = b[8:]; len(b) >= 12; {
		n := binary.BigEndian.Uint32(b)
		if int64(n) > int64(len(b)-12) {
			return
		}
		binary.BigEndian.PutUint32(b[8+n:], crc32.ChecksumIEEE(b[4:8+n]))
		b = b[12+n:]
	}
}

// A direct file that shrinks while it is read is an error of the input.
func TestFileShrinks(t *testing.T) {
	for name, keep := range map[string]int{"p6.ppm": 100, "rgb-strips.tif": 300} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, fixtureBytes(t, name), 0o666); err != nil {
			t.Fatal(err)
		}
		r := openFile(t, path)
		if !r.Direct() {
			t.Fatalf("%s is not direct", name)
		}
		if err := os.Truncate(path, int64(keep)); err != nil {
			t.Fatal(err)
		}
		p := newPixels(r.Info().Width, r.Info().Height, r.Info().Channels)
		for _, rows := range [][][]byte{p.rows(0, p.height), {make([]byte, len(p.row(0))), p.row(1), p.row(2), p.row(3), p.row(8)}} {
			err := r.ReadRows(p.height-len(rows), rows)
			if want := fmt.Sprintf("%s: it became shorter while it was read", name); err == nil || err.Error() != want {
				t.Errorf("%v, not %s", err, want)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, fixture := range fixtures(f) {
		f.Add(fixtureBytes(f, fixture.Picture))
	}
	f.Add(tiffOf())
	f.Add([]byte("P6 1 1 255 rgb"))
	for _, format := range []string{"pam", "npy"} {
		f.Add(write(f, draw(5, 4, 3, 1), format, false, func() int { return 2 }))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		repairPNG(content)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		readBytes(t, content, Options{MaxPixels: 1 << 16})
		runtime.ReadMemStats(&after)
		// A strip of LZW has tables of its own, of 25 KB, and takes at least 8 bytes of the file.
		if spent, most := after.TotalAlloc-before.TotalAlloc, uint64(64<<20+4096*len(content)); spent > most {
			t.Errorf("%d bytes took %d MiB of memory", len(content), spent>>20)
		}
	})
}
