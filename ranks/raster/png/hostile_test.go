package png

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"halorun/ranks/raster/scratch/scratchtest"
)

// small is a picture of 4×3 grey pixels in parts.
var small = struct {
	kind kind
	raw  []byte
}{kind{grey, 8, false}, []byte("\x00abcd\x01\x01\x01\x01\x01\x02\x01\x02\x03\x04")}

// fileOf returns a PNG of a header and chunks, each a kind and data.
func fileOf(header []byte, chunks ...string) []byte {
	b := appendChunk([]byte(signature), "IHDR", header)
	for i := 0; i < len(chunks); i += 2 {
		b = appendChunk(b, chunks[i], []byte(chunks[i+1]))
	}
	return b
}

// change returns b with a byte changed, counted from its end if at is negative.
func change(b []byte, at int) []byte {
	b = bytes.Clone(b)
	if at < 0 {
		at += len(b)
	}
	b[at] ^= 0x40
	return b
}

func TestBadFiles(t *testing.T) {
	h := small.kind.header(4, 3)
	data := string(deflated(small.raw))
	good := fileOf(h, "IDAT", data, "IEND", "")
	coloured := kind{palette, 8, false}.header(4, 3)
	header := func(at int, v byte) []byte {
		b := bytes.Clone(h)
		b[at] = v
		return fileOf(b, "IDAT", data, "IEND", "")
	}
	tests := map[string]struct {
		file []byte
		want string
	}{
		"empty":                {nil, "not a PNG"},
		"another format":       {[]byte("GIF89a......"), "not a PNG"},
		"signature":            {[]byte(signature), "damaged png: it ends too early"},
		"chunk's head cut":     {good[:12], "it ends too early"},
		"header cut":           {good[:30], "it ends too early"},
		"picture data cut":     {good[:50], "it ends too early"},
		"no IEND":              {fileOf(h, "IDAT", data), "it ends too early"},
		"IEND cut":             {good[:len(good)-1], "it ends too early"},
		"no IHDR":              {fileOf(nil)[:8], "it ends too early"},
		"another chunk first":  {appendChunk([]byte(signature), "IDAT"), "it does not begin with IHDR"},
		"short IHDR":           {fileOf(h[:12], "IDAT", data, "IEND", ""), "it does not begin with IHDR"},
		"two IHDR":             {fileOf(h, "IHDR", string(h), "IDAT", data, "IEND", ""), "it has a second IHDR"},
		"IHDR's sum":           {change(good, 29), "the checksum of its chunk IHDR at byte 8 is wrong"},
		"IDAT's sum":           {change(good, 33+8+len(data)), "the checksum of its chunk IDAT at byte 33 is wrong"},
		"IDAT's data":          {change(good, 33+8+len(data)-1), "the checksum of its picture data is wrong"},
		"IEND's sum":           {change(good, -1), "the checksum of its chunk IEND at byte"},
		"no width":             {header(3, 0), "it claims 0×3 pixels"},
		"too high":             {header(4, 0x80), "it claims 4×2147483651 pixels"},
		"too large":            {header(0, 1), "it claims 16777220×3 pixels, which its 25 bytes of picture data cannot hold"},
		"depth":                {header(8, 7), "it claims 7 bits a sample and colour type 0"},
		"colour":               {header(9, 5), "it claims 8 bits a sample and colour type 5"},
		"colour and depth":     {fileOf(kind{rgb, 4, false}.header(4, 3), "IDAT", data, "IEND", ""), "it claims 4 bits a sample and colour type 2"},
		"compression":          {header(10, 1), "its compression method is 1"},
		"filter method":        {header(11, 64), "its filter method is 64"},
		"interlace":            {header(12, 2), "its interlace method is 2"},
		"no data":              {fileOf(h, "IEND", ""), "it has no picture data"},
		"empty data":           {fileOf(h, "IDAT", "", "IEND", ""), "it claims 4×3 pixels, which its 0 bytes of picture data cannot hold"},
		"no zlib":              {fileOf(h, "IDAT", "no zlib stream", "IEND", ""), "its picture data begins with \"no\", which is no zlib stream"},
		"one byte of zlib":     {fileOf(h, "IDAT", "\x78", "IEND", ""), "its picture data ends before its last row"},
		"dictionary":           {fileOf(h, "IDAT", "\x78\xbb"+data[2:], "IEND", ""), "its picture data needs a dictionary"},
		"deflate":              {fileOf(h, "IDAT", "\x78\x9c\xff\xff", "IEND", ""), "its picture data: flate: corrupt input"},
		"deflate cut":          {fileOf(h, "IDAT", data[:9], "IEND", ""), "its picture data ends before its last row"},
		"a row short":          {fileOf(h, "IDAT", string(deflated(small.raw[:10])), "IEND", ""), "its picture data ends before its last row"},
		"a byte short":         {fileOf(h, "IDAT", string(deflated(small.raw[:14])), "IEND", ""), "its picture data ends before its last row"},
		"no sum":               {fileOf(h, "IDAT", data[:len(data)-4], "IEND", ""), "its picture data ends before its checksum"},
		"sum":                  {fileOf(h, "IDAT", string(change([]byte(data), -1)), "IEND", ""), "the checksum of its picture data is wrong"},
		"filter":               {fileOf(h, "IDAT", string(deflated([]byte("\x05abcd\x00abcd\x00abcd"))), "IEND", ""), "a row has the filter 5, which does not exist"},
		"data apart":           {fileOf(h, "IDAT", data[:9], "tEXt", "", "IDAT", data[9:], "IEND", ""), "its picture data ends before its last row"},
		"no palette":           {fileOf(coloured, "IDAT", data, "IEND", ""), "it has no palette"},
		"empty palette":        {fileOf(coloured, "PLTE", "", "IDAT", data, "IEND", ""), "its palette has 0 bytes"},
		"palette of bytes":     {fileOf(coloured, "PLTE", "abcd", "IDAT", data, "IEND", ""), "its palette has 4 bytes"},
		"large palette":        {fileOf(coloured, "PLTE", strings.Repeat("abc", 257), "IDAT", data, "IEND", ""), "its palette has 771 bytes"},
		"two palettes":         {fileOf(coloured, "PLTE", "abc", "PLTE", "abc", "IDAT", data, "IEND", ""), "it has a second PLTE"},
		"late palette":         {fileOf(coloured, "IDAT", data, "PLTE", "abc", "IEND", ""), "it has a second PLTE, or one behind its picture data"},
		"palette's sum":        {change(fileOf(coloured, "PLTE", "abc", "IDAT", data, "IEND", ""), 44), "the checksum of its chunk PLTE"},
		"unknown":              {fileOf(h, "CgBI", "", "IDAT", data, "IEND", ""), "its chunk CgBI at byte 33 is of an unknown kind that nobody may leave out"},
		"no kind":              {fileOf(h, "\x00\x00\x00\x00", "", "IDAT", data, "IEND", ""), `at byte 33 there is "\x00\x00\x00\x00" where a chunk should be`},
		"long chunk":           {append(fileOf(h), "\xff\xff\xff\xfftEXt"...), "its chunk tEXt at byte 33 claims 4294967295 bytes; 2147483647 is the most"},
		"long chunk, possibly": {append(fileOf(h), "\x7f\xff\xff\xfftEXt"...), "it ends too early"},
	}
	for name, test := range tests {
		for _, some := range []int{1, 3} {
			_, _, err := decode(test.file, some)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %v, not %s", name, err, test.want)
			}
		}
	}
	if _, got := mustDecode(t, good); string(got) != "abcd\x01\x02\x03\x04\x02\x04\x06\x08" {
		t.Errorf("the file that was changed: %q", got)
	}
}

// TestTolerated: what libpng tolerates, and does no harm.
func TestTolerated(t *testing.T) {
	h := small.kind.header(4, 3)
	data := string(deflated(small.raw))
	_, want := mustDecode(t, fileOf(h, "IDAT", data, "IEND", ""))
	for name, file := range map[string][]byte{
		"more rows":          fileOf(h, "IDAT", string(deflated(append(slices.Clone(small.raw), make([]byte, 5000)...))), "IEND", ""),
		"junk behind zlib":   fileOf(h, "IDAT", data+"junk", "IEND", ""),
		"junk in a chunk":    fileOf(h, "IDAT", data, "IDAT", "junk", "IEND", ""),
		"data apart":         fileOf(h, "IDAT", data, "tEXt", "a\x00b", "IDAT", "junk", "IEND", ""),
		"empty chunks":       fileOf(h, "IDAT", "", "IDAT", data[:1], "IDAT", "", "IDAT", data[1:], "IDAT", "", "IEND", ""),
		"text's sum":         change(fileOf(h, "tEXt", "a\x00b", "IDAT", data, "IEND", ""), 33+8),
		"profile's sum":      change(fileOf(h, "iCCP", "a\x00\x00b", "IDAT", data, "IEND", ""), 33+8),
		"data in IEND":       fileOf(h, "IDAT", data, "IEND", "data"),
		"junk behind IEND":   append(fileOf(h, "IDAT", data, "IEND", ""), "junk"...),
		"palette for grey":   fileOf(h, "PLTE", "abcd", "IDAT", data, "IEND", ""),
		"unknown, ancillary": fileOf(h, "abCd", "efg", "IDAT", data, "IEND", ""),
	} {
		if _, got, err := decode(file, 2); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	coloured := kind{palette, 8, false}.header(4, 3)
	_, got := mustDecode(t, fileOf(coloured, "PLTE", "012345", "IDAT", string(deflated([]byte("\x00\x00\x01\x02\x03\x02\x00\x00\x00\x00\x02\x00\x00\x00\x00"))), "IEND", ""))
	if want := strings.Repeat("012345\x00\x00\x00\x00\x00\x00", 3); string(got) != want {
		t.Errorf("indices beyond the palette: %q", got)
	}
	// More picture data is not looked at, unless it is in a chunk whose sum is wrong.
	if _, _, err := decode(change(fileOf(h, "IDAT", data, "IDAT", "junk", "IEND", ""), -17), 3); err == nil || !strings.Contains(err.Error(), "IDAT at byte") {
		t.Error(err)
	}
}

// TestBadMetadata: metadata that is damaged or too large is left out, and told of.
func TestBadMetadata(t *testing.T) {
	h := small.kind.header(4, 3)
	data := string(deflated(small.raw))
	icc := string(someMeta(3).ICC)
	long := make([]byte, maxProfile+1)
	copy(long, icc)
	binary.BigEndian.PutUint32(long, uint32(len(long)))
	xmp := xmpKeyword + "\x00"
	for name, test := range map[string]struct {
		file []byte
		want string
	}{
		"profile":           {fileOf(h, "iCCP", "name\x00\x00junk"), "ICC profile dropped, which is damaged"},
		"profile, cut":      {fileOf(h, "iCCP", "name\x00\x00"+string(deflated([]byte(icc[:199])))), "ICC profile dropped, which is damaged"},
		"profile, more":     {fileOf(h, "iCCP", "name\x00\x00"+string(deflated([]byte(icc+"x")))), "ICC profile dropped, which is damaged"},
		"profile, unnamed":  {fileOf(h, "iCCP", "\x00\x00"+string(deflated([]byte(icc)))), "ICC profile dropped, which is damaged"},
		"profile, method":   {fileOf(h, "iCCP", "name\x00\x01"+string(deflated([]byte(icc)))), "ICC profile dropped, which is damaged"},
		"profile, no name":  {fileOf(h, "iCCP", ""), "ICC profile dropped, which is damaged"},
		"profile, bomb":     {fileOf(h, "iCCP", "name\x00\x00"+string(deflated(long))), "ICC profile dropped, which is too long"},
		"profile, zeros":    {fileOf(h, "iCCP", "name\x00\x00"+string(deflated(make([]byte, 1<<20)))), "ICC profile dropped, which is damaged"},
		"exif":              {fileOf(h, "eXIf", "MM*\x00"), "EXIF data dropped, which is damaged"},
		"exif, long":        {fileOf(h, "eXIf", "MM\x00*"+string(make([]byte, maxEXIF))), "EXIF data dropped, which is too long"},
		"resolution":        {fileOf(h, "pHYs", "\x00\x00\x00\x01\x00\x00\x00\x01\x02"), "resolution dropped, which is damaged"},
		"resolution 0":      {fileOf(h, "pHYs", "\x00\x00\x00\x01\x00\x00\x00\x00\x01"), "resolution dropped, which is damaged"},
		"resolution, short": {fileOf(h, "pHYs", ""), "resolution dropped, which is damaged"},
		"xmp, short":        {fileOf(h, "iTXt", xmp), "XMP data dropped, which is damaged"},
		"xmp, no text":      {fileOf(h, "iTXt", xmp+"\x00\x00\x00"), "XMP data dropped, which is damaged"},
		"xmp, method":       {fileOf(h, "iTXt", xmp+"\x01\x01\x00\x00text"), "XMP data dropped, which is damaged"},
		"xmp, junk":         {fileOf(h, "iTXt", xmp+"\x01\x00\x00\x00junk"), "XMP data dropped, which is damaged"},
		"xmp, long":         {fileOf(h, "iTXt", xmp+"\x00\x00\x00\x00"+string(make([]byte, maxXMP))), "XMP data dropped, which is too long"},
		"xmp, bomb":         {fileOf(h, "iTXt", xmp+"\x01\x00\x00\x00"+string(deflated(make([]byte, maxXMP+1)))), "XMP data dropped, which is too long"},
		"another text":      {fileOf(h, "iTXt", "Comment\x00junk"), ""},
		"xmp, compressed":   {fileOf(h, "iTXt", xmp+"\x01\x00en\x00\x00"+string(deflated([]byte("text")))), ""},
		"two exif":          {fileOf(h, "eXIf", "Exif\x00\x00MM\x00*", "eXIf", "junk"), ""},
	} {
		m, err := parse(append(test.file, dataChunks([]byte(data), 0)...))
		if err != nil || strings.Join(m.Notices, ", ") != test.want {
			t.Errorf("%s: %v, not %s", name, err, test.want)
			continue
		}
		kept := m.Meta.ICC != nil || m.Meta.EXIF != nil || m.Meta.XMP != nil || m.Meta.Resolution != nil
		if want := test.want == "" && name != "another text"; kept != want {
			t.Errorf("%s: metadata %v", name, kept)
		}
	}
}

// TestOrientation: EXIF data may come behind the picture data; what is no orientation is none.
func TestOrientation(t *testing.T) {
	h := small.kind.header(4, 3)
	data := string(deflated(small.raw))
	exif := string(someMeta(3).EXIF) // 6
	for _, c := range []struct {
		exif string
		want int
	}{
		{exif, 6}, {exif[:8], 1}, {exif[:12], 1}, {strings.Replace(exif, "\x06", "\x09", 1), 1}, {strings.Replace(exif, "\x06", "\x00", 1), 1},
		{"II*\x00\x08\x00\x00\x00\x02\x00\x00\x01\x03\x00\x01\x00\x00\x00\x07\x00\x00\x00\x12\x01\x03\x00\x01\x00\x00\x00\x03\x00\x00\x00", 3},
		{"II*\x00\xff\xff\xff\xff\x02\x00", 1}, {"II*\x00", 1},
	} {
		for _, file := range [][]byte{fileOf(h, "eXIf", c.exif, "IDAT", data, "IEND", ""), fileOf(h, "IDAT", data, "eXIf", c.exif, "IEND", "")} {
			if m, err := parse(file); err != nil || m.Orientation != c.want {
				t.Errorf("%q: %v, not %d", c.exif, err, c.want)
			}
		}
	}
}

// spent returns how many bytes f allocates.
func spent(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestBombs: large and countless things in small pictures take little memory, and no more time than to go through the file.
func TestBombs(t *testing.T) {
	h := small.kind.header(4, 3)
	data := string(deflated(small.raw))
	begin, end := fileOf(h), dataChunks([]byte(data), 0)
	many := func(chunk []byte) []byte { return slices.Concat(begin, bytes.Repeat(chunk, 1<<19), end) }
	long := someMeta(3).ICC
	binary.BigEndian.PutUint32(long, maxProfile)
	profile := append([]byte("n\x00\x00"), deflatedZeros(long, 16)...)
	bomb := appendChunk(nil, "iTXt", append([]byte(xmpKeyword+"\x00\x01\x00\x00\x00"), deflatedZeros(nil, 16)...))
	for name, file := range map[string][]byte{
		"tiny chunks":         many(appendChunk(nil, "teXt")),
		"empty picture data":  many(appendChunk(nil, "IDAT")),
		"text bombs":          slices.Concat(begin, bytes.Repeat(bomb, 200), end),
		"profiles":            slices.Concat(begin, bytes.Repeat(appendChunk(nil, "iCCP", profile), 200), end),
		"damaged profiles":    slices.Concat(begin, bytes.Repeat(change(appendChunk(nil, "iCCP", profile), -1), 200), end),
		"picture data behind": fileOf(h, "IDAT", string(deflatedZeros(small.raw, 64)), "IEND", ""),
		"long text":           fileOf(h, "zTXt", string(make([]byte, 32<<20)), "IDAT", data, "IEND", ""),
	} {
		n := spent(func() {
			if _, _, err := decode(file, 3); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
		if n > 40<<20 {
			t.Errorf("%s: %d MiB of memory", name, n>>20)
		}
	}
	// A picture that is truncated costs what there is of it.
	truncated := deflatedZeros(nil, 64)
	file := fileOf(kind{rgb, 16, false}.header(1<<20, 10), "IDAT", string(truncated[:20000]), "IEND", "")
	if n := spent(func() {
		if _, _, err := decode(file, 1); err == nil {
			t.Error("a truncated picture passes")
		}
	}); n > 64<<20 {
		t.Errorf("a truncated picture: %d MiB of memory", n>>20)
	}
}

// failing is a file whose disk fails from some byte on.
type failing struct {
	*bytes.Reader
	from int64
}

func (f failing) ReadAt(p []byte, at int64) (int, error) {
	if at+int64(len(p)) > f.from {
		return 0, &fs.PathError{Op: "read", Path: "picture", Err: errors.New("input/output error")}
	}
	return f.Reader.ReadAt(p, at)
}

// TestReadErrors: errors of reading come through, and are no fault of the file's; a file that becomes shorter is.
func TestReadErrors(t *testing.T) {
	file := random(rand.New(rand.NewPCG(1, 2)), kind{rgb, 8, false}, 300, 300).file(5000)
	for from := int64(0); from < int64(len(file)); from += 1999 {
		m, err := Parse(failing{bytes.NewReader(file), from}, int64(len(file)))
		if err == nil {
			err = m.ReadRows(299, makeRows(300, 1, 3))
		}
		var path *fs.PathError
		if !errors.As(err, &path) {
			t.Errorf("from byte %d on: %v", from, err)
		}
	}
	m, err := parse(file)
	if err != nil {
		t.Fatal(err)
	}
	m.src = failing{bytes.NewReader(file), int64(len(file) / 2)}
	if err := m.ReadRows(299, makeRows(300, 1, 3)); err == nil || errors.As(err, new(Damage)) {
		t.Error(err)
	}
	m.src = bytes.NewReader(file[:len(file)/2])
	if err := m.ReadRows(299, makeRows(300, 1, 3)); err != errShort {
		t.Error(err)
	}
}

// repair makes the checksums of chunks right, so that decoders look further than these.
func repair(b []byte) {
	for b = b[min(8, len(b)):]; len(b) >= 12; {
		n := binary.BigEndian.Uint32(b)
		if int64(n) > int64(len(b)-12) {
			return
		}
		binary.BigEndian.PutUint32(b[8+n:], crc32.ChecksumIEEE(b[4:8+n]))
		b = b[12+n:]
	}
}

// check decodes any bytes, in bounded memory, and reads them again.
func check(t *testing.T, file []byte) {
	m, err := parse(file)
	if err != nil || int64(m.Width)*int64(m.Height) > 1<<20 {
		return
	}
	n := spent(func() { _, _, err = decode(file, 5) })
	if most := uint64(48<<20 + 4*len(file)); n > most {
		t.Errorf("%d bytes took %d MiB of memory", len(file), n>>20)
	}
	if err != nil {
		if !errors.As(err, new(Damage)) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q", err)
		}
		return
	}
	if _, err := NewEncoder(Options{Width: m.Width, Height: m.Height, Channels: m.Channels, Meta: m.Meta}); err != nil {
		t.Error(err)
	}
}

// TestFlippedBytes: bytes that were changed at random give an error or some picture.
func TestFlippedBytes(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, k := range allKinds() {
		file := random(rng, k, 23, 17).file(100)
		for range 60 {
			b := bytes.Clone(file)
			for range 1 + rng.IntN(3) {
				b[rng.IntN(len(b))] = byte(rng.Uint32())
			}
			repair(b)
			check(t, b)
			check(t, file[:rng.IntN(len(file))])
		}
	}
}

func FuzzDecode(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, k := range allKinds() {
		f.Add(random(rng, k, 9, 7).file(20))
	}
	f.Add(encode(f, Options{Width: 20, Height: 10, Channels: 3, Meta: someMeta(3)}, photo(20, 10, 3)))
	f.Add(fileOf(small.kind.header(4, 3), "iTXt", xmpKeyword+"\x00\x01\x00\x00\x00"+string(deflated([]byte("text"))),
		"IDAT", string(deflated(small.raw)), "IEND", ""))
	files := scratchtest.New(f)
	f.Fuzz(func(t *testing.T, file []byte) {
		repair(file)
		check(t, file)
		m, err := parse(file)
		if err != nil || !m.interlaced || m.Memory() > 16<<20 {
			return
		}
		_, want, err := decode(file, m.Height)
		if got, errIn := readIn(m, 0, files); fmt.Sprint(err) != fmt.Sprint(errIn) || !bytes.Equal(got, want) {
			t.Errorf("%v, but with a scratch file %v", err, errIn)
		}
	})
}

// FuzzInflate: what compress/zlib makes of picture data is what is delivered.
func FuzzInflate(f *testing.F) {
	rng := rand.New(rand.NewPCG(3, 4))
	f.Add(deflated(small.raw))
	f.Add(deflated(random(rng, kind{rgb, 8, false}, 50, 50).raw))
	f.Fuzz(func(t *testing.T, data []byte) {
		want, wantErr := []byte(nil), error(nil)
		if z, err := zlib.NewReader(bytes.NewReader(data)); err != nil {
			wantErr = err
		} else {
			want, wantErr = io.ReadAll(io.LimitReader(z, 1<<20))
		}
		if wantErr != nil || len(want) < 2 || len(want) > 1<<16 || want[0] != filterNone {
			return
		}
		file := fileOf(small.kind.header(len(want)-1, 1), "IDAT", string(data), "IEND", "")
		if _, got, err := decode(file, 1); err != nil || !bytes.Equal(got, want[1:]) {
			t.Errorf("%d bytes differ: %v", len(want), err)
		}
	})
}
