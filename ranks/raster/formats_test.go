package raster

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// pamOf makes a PAM.
func pamOf(width, height, depth, maxval int, tuple string, data []byte) []byte {
	b := fmt.Appendf(nil, "P7\nWIDTH %d\nHEIGHT %d\nDEPTH %d\nMAXVAL %d\n", width, height, depth, maxval)
	if tuple != "" {
		b = fmt.Appendf(b, "TUPLTYPE %s\n", tuple)
	}
	return append(append(b, "ENDHDR\n"...), data...)
}

// npyOf makes an .npy of version 1.
func npyOf(dict string, data []byte) []byte {
	b := append([]byte(npyMagic), 1, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(dict)))
	return append(append(b, dict...), data...)
}

func arrayOf(descr, shape string, data []byte) []byte {
	return npyOf(fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n", descr, shape), data)
}

// TestNewFormats reads small pictures whose samples are plain to see.
func TestNewFormats(t *testing.T) {
	const alpha, sixteen = "alpha dropped", "16 bits reduced to 8"
	scale := func(low, high float64) Options { return Options{Scale: &Scale{low, high}} }
	bands := func(b ...int) Options { return Options{Bands: b} }
	le := func(values ...any) []byte {
		var b bytes.Buffer
		for _, v := range values {
			if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
				t.Fatal(err)
			}
		}
		return b.Bytes()
	}
	raw := Options{Geometry: &Geometry{2, 1, 4, 1}, Bands: []int{4, 2, 1}}
	tests := map[string]struct {
		file     []byte
		options  Options
		width    int
		channels int
		want     string
		notices  []string
	}{
		"pam grey":          {pamOf(3, 1, 1, 255, "GRAYSCALE", []byte{1, 2, 3}), Options{}, 3, 1, "\x01\x02\x03", nil},
		"pam of nothing":    {pamOf(3, 1, 1, 255, "", []byte{1, 2, 3}), Options{}, 3, 1, "\x01\x02\x03", nil},
		"pam rgb":           {pamOf(1, 1, 3, 255, "RGB", []byte{1, 2, 3}), Options{}, 1, 3, "\x01\x02\x03", nil},
		"pam grey alpha":    {pamOf(2, 1, 2, 255, "GRAYSCALE_ALPHA", []byte{1, 2, 3, 4}), Options{}, 2, 1, "\x01\x03", []string{alpha}},
		"pam rgb alpha":     {pamOf(2, 1, 4, 255, "RGB_ALPHA", []byte{1, 2, 3, 4, 5, 6, 7, 8}), Options{}, 2, 3, "\x01\x02\x03\x05\x06\x07", []string{alpha}},
		"pam 16 bits":       {pamOf(2, 1, 1, 65535, "GRAYSCALE", []byte{1, 2, 3, 4}), Options{}, 2, 1, "\x01\x03", []string{sixteen}},
		"pam 16 bits alpha": {pamOf(1, 1, 4, 65535, "RGB_ALPHA", []byte{1, 2, 3, 4, 5, 6, 7, 8}), Options{}, 1, 3, "\x01\x03\x05", []string{sixteen, alpha}},
		"pam bits":          {pamOf(4, 1, 1, 1, "BLACKANDWHITE", []byte{1, 0, 0, 1}), Options{}, 4, 1, "\xff\x00\x00\xff", nil},
		"pam bits alpha":    {pamOf(2, 1, 2, 1, "BLACKANDWHITE_ALPHA", []byte{1, 0, 0, 1}), Options{}, 2, 1, "\xff\x00", []string{alpha}},
		"pam bands":         {pamOf(1, 1, 5, 255, "SPECTRUM", []byte{1, 2, 3, 4, 5}), bands(5, 1, 3), 1, 3, "\x05\x01\x03", nil},
		"pam alpha alone":   {pamOf(1, 1, 2, 255, "GRAYSCALE_ALPHA", []byte{1, 2}), bands(2), 1, 1, "\x02", nil},
		"pam scaled":        {pamOf(3, 1, 1, 65535, "GRAYSCALE", []byte{0, 0, 8, 0, 16, 0}), scale(0, 4096), 3, 1, "\x00\x80\xff", nil},
		"pam comments":      {[]byte("P7\n# a comment\n  WIDTH 1\nTUPLTYPE\tRGB\n\nHEIGHT  1\nDEPTH 3 \nMAXVAL 255\r\nENDHDR\nabc"), Options{}, 1, 3, "abc", nil},
		"ppm 16 bits":       {[]byte("P6 1 1 65535\nabcdef"), Options{}, 1, 3, "ace", []string{sixteen}},
		"ppm 16 bits, band": {[]byte("P6 1 1 65535\nabcdef"), bands(3), 1, 1, "e", []string{sixteen}},
		"ppm bands":         {[]byte("P6 2 1 255\nabcdef"), bands(3, 2, 1), 2, 3, "cbafed", nil},
		"pgm scaled":        {[]byte("P5 4 1 100\n\x00\x0a\x14\x64"), scale(0, 20), 4, 1, "\x00\x80\xff\xff", nil},
		"text scaled":       {[]byte("P2 4 1 100\n0 10 20 100"), scale(0, 20), 4, 1, "\x00\x80\xff\xff", nil},
		"bitmap":            {[]byte("P4 11 1\n\xaa\x20"), Options{}, 11, 1, "\x00\xff\x00\xff\x00\xff\x00\xff\xff\xff\x00", nil},
		"npy grey":          {arrayOf("|u1", "(1, 3)", []byte("abc")), Options{}, 3, 1, "abc", nil},
		"npy grey of 3":     {arrayOf("|u1", "(1, 3, 1)", []byte("abc")), Options{}, 3, 1, "abc", nil},
		"npy rgb":           {arrayOf("<u1", "(1, 1, 3)", []byte("abc")), Options{}, 1, 3, "abc", nil},
		"npy rgba":          {arrayOf("|u1", "(1, 1, 4)", []byte("abcd")), bands(1, 2, 3), 1, 3, "abc", nil},
		"npy bool":          {arrayOf("|b1", "(1, 3)", []byte{0, 1, 0}), Options{}, 3, 1, "\x00\xff\x00", nil},
		"npy u2":            {arrayOf("<u2", "(1, 4)", le([]uint16{0, 2048, 4096, 9999})), scale(0, 4096), 4, 1, "\x00\x80\xff\xff", nil},
		"npy i1":            {arrayOf("|i1", "(1, 3)", []byte{0x80, 0, 127}), scale(-128, 127), 3, 1, "\x00\x80\xff", nil},
		"npy i2":            {arrayOf("<i2", "(1, 3)", le([]int16{-10, 0, 10})), scale(-10, 10), 3, 1, "\x00\x80\xff", nil},
		"npy big i4":        {arrayOf(">i4", "(1, 2)", []byte{0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 2}), scale(-4, 4), 2, 1, "\x40\xbf", nil},
		"npy u4":            {arrayOf("<u4", "(1, 2)", le([]uint32{0, 1<<32 - 1})), scale(0, 1<<32-1), 2, 1, "\x00\xff", nil},
		"npy i8":            {arrayOf("<i8", "(1, 2)", le([]int64{-5, 5})), scale(-5, 5), 2, 1, "\x00\xff", nil},
		"npy u8":            {arrayOf("<u8", "(1, 2)", le([]uint64{0, 5})), scale(0, 5), 2, 1, "\x00\xff", nil},
		"npy f2":            {arrayOf("<f2", "(1, 4)", le([]uint16{0x3800, 0x3c00, 0xfc00, 0x7e00})), scale(0, 1), 4, 1, "\x80\xff\x00\x00", nil},
		"npy f4":            {arrayOf("<f4", "(1, 2, 3)", le([]float32{0, 0.5, 1, -1, 2, float32(math.NaN())})), scale(0, 1), 2, 3, "\x00\x80\xff\x00\xff\x00", nil},
		"npy big f4, band":  {arrayOf(">f4", "(1, 2, 2)", []byte{0, 0, 0, 0, 0x3f, 0x80, 0, 0, 0, 0, 0, 0, 0x3f, 0, 0, 0}), Options{Scale: &Scale{0, 1}, Bands: []int{2}}, 2, 1, "\xff\x80", nil},
		"npy f8":            {arrayOf("<f8", "(1, 3)", le([]float64{math.Inf(-1), 0.25, math.Inf(1)})), scale(0, 1), 3, 1, "\x00\x40\xff", nil},
		"npy, old Python":   {npyOf(`{"shape": (1L,3L),"fortran_order":False , "descr":"|u1"}`, []byte("abc")), Options{}, 3, 1, "abc", nil},
		"npy version 3":     {[]byte(npyMagic + "\x03\x00\x37\x00\x00\x00{'descr':'|u1','fortran_order':False,'shape':(1,3),}  \nabc"), Options{}, 3, 1, "abc", nil},
		"raw":               {[]byte("abcdef"), Options{Geometry: &Geometry{2, 1, 3, 0}}, 2, 3, "abcdef", nil},
		"raw, more":         {[]byte("xyabcdefz"), Options{Geometry: &Geometry{3, 2, 1, 2}}, 3, 1, "abcdef", []string{"there are 1 bytes behind the 3×2×1 of --geometry"}},
		"raw, bands":        {[]byte("_abcdefgh"), raw, 2, 3, "dbahfe", nil},
		"raw that is a PNG": {[]byte("\x89PNG\r\n\x1a\n"), Options{Geometry: &Geometry{8, 1, 1, 0}}, 8, 1, "\x89PNG\r\n\x1a\n", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.options.MaxPixels = 1 << 20
			path := filepath.Join(t.TempDir(), "in")
			if err := os.WriteFile(path, test.file, 0o666); err != nil {
				t.Fatal(err)
			}
			r := openFileWith(t, path, test.options)
			if name != "text scaled" && !r.Direct() {
				t.Error("it is not read by rows")
			}
			if in := r.Info(); in.Width != test.width || in.Channels != test.channels || !reflect.DeepEqual(in.Notices, test.notices) {
				t.Errorf("%+v", in)
			}
			if got := readAll(t, r); string(got.data) != test.want {
				t.Errorf("%q", got.data)
			}
		})
	}
}

// Headers that lie, and what is not read, are errors that say what to do.
func TestBadFormats(t *testing.T) {
	raw := func(w, h, c int, offset int64) Options { return Options{Geometry: &Geometry{w, h, c, offset}} }
	tests := map[string]struct {
		file    []byte
		options Options
		want    string
	}{
		"pam, short":       {pamOf(2, 2, 1, 255, "GRAYSCALE", []byte("abc")), Options{}, "damaged pam: it ends too early"},
		"pam, huge":        {pamOf(1<<31-1, 1<<31-1, 65535, 65535, "", []byte("abc")), Options{Bands: []int{1}}, "damaged pam: it ends too early"},
		"pam, no width":    {[]byte("P7\nHEIGHT 1\nDEPTH 1\nMAXVAL 1\nENDHDR\na"), Options{}, "damaged pam: its header has no WIDTH"},
		"pam, zero":        {pamOf(0, 1, 1, 255, "", nil), Options{}, `its WIDTH is "0", not from 1 to 2147483647`},
		"pam, minus":       {pamOf(1, -1, 1, 255, "", nil), Options{}, `its HEIGHT is "-1"`},
		"pam, maxval":      {pamOf(1, 1, 1, 65536, "", nil), Options{}, `its MAXVAL is "65536", not from 1 to 65535`},
		"pam, depth":       {pamOf(1, 1, 65536, 255, "", nil), Options{}, `its DEPTH is "65536", not from 1 to 65535`},
		"pam, word":        {[]byte("P7\nWIDHT 1\n"), Options{}, `"WIDHT" in its header`},
		"pam, cmyk":        {pamOf(1, 1, 4, 255, "CMYK", []byte("abcd")), Options{}, `PAM of TUPLTYPE "CMYK" is not read; GRAYSCALE`},
		"pam, 4 of what":   {pamOf(1, 1, 4, 255, "", []byte("abcd")), Options{}, "it has 4 bands; say with --bands"},
		"pam, rgb of 4":    {pamOf(1, 1, 4, 255, "RGB", []byte("abcd")), Options{}, "damaged pam: TUPLTYPE RGB with a DEPTH of 4"},
		"pam, no band":     {pamOf(1, 1, 3, 255, "RGB", []byte("abc")), Options{Bands: []int{4}}, "--bands: there is no band 4 among its 3"},
		"pam, comments":    {append([]byte("P7\n"), bytes.Repeat([]byte("#\n"), 1<<20)...), Options{}, "its header has no ENDHDR"},
		"bitmap, bands":    {[]byte("P4 8 1\nx"), Options{Bands: []int{1}}, "--bands is for .npy"},
		"text, bands":      {[]byte("P2 1 1 255\n1"), Options{Bands: []int{1}}, "--bands is not for a PNM of text"},
		"png, scale":       {pngOf(4, 4, 8, 0, nil), Options{Scale: &Scale{0, 1}}, "--scale is for .npy, PAM, PGM, PPM and raw pictures, and this is a PNG"},
		"png, page":        {fixtureBytes(t, "rgb8.png"), Options{Page: 2}, "--page 2: it has one page"},
		"npy only":         {[]byte(npyMagic), Options{}, "damaged npy: it ends too early"},
		"npy, version":     {[]byte(npyMagic + "\x04\x00\x00\x00"), Options{}, ".npy of version 4 is not read; 1 to 3 are"},
		"npy, header":      {[]byte(npyMagic + "\x02\x00\xff\xff\xff\xff"), Options{}, "damaged npy: its header claims 4294967295 bytes"},
		"npy, short":       {[]byte(npyMagic + "\x01\x00\xff\x00{"), Options{}, "damaged npy: it ends too early"},
		"npy, no dict":     {npyOf("[]", nil), Options{}, "damaged npy: its header is no dictionary"},
		"npy, key":         {npyOf("{'descr': '|u1', 'shape': (1, 1), 'x': 1}", nil), Options{}, `"x" in its header`},
		"npy, two keys":    {npyOf("{'descr': '|u1', 'shape': (1, 1)}", nil), Options{}, "its header is wrong at"},
		"npy, twice":       {npyOf("{'descr': '|u1', 'descr': '|u1', 'shape': (1, 1)}", nil), Options{}, "its header is wrong at"},
		"npy, open":        {npyOf("{'descr': '|u1', ", nil), Options{}, "its header is wrong at"},
		"npy, behind":      {npyOf("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1)} x", nil), Options{}, "its header is wrong at"},
		"npy, records":     {npyOf("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, 1)}", nil), Options{}, "its values are records, not numbers"},
		"npy, complex":     {arrayOf("<c8", "(1, 1)", make([]byte, 8)), Options{}, `.npy of type "<c8" is not read`},
		"npy, object":      {arrayOf("|O", "(1, 1)", make([]byte, 8)), Options{}, `.npy of type "|O" is not read`},
		"npy, f3":          {arrayOf("<f3", "(1, 1)", make([]byte, 8)), Options{Scale: &Scale{0, 1}}, `.npy of type "<f3" is not read`},
		"npy, long":        {arrayOf("<u99999999999999999999", "(1, 1)", make([]byte, 8)), Options{}, "is not read"},
		"npy, float":       {arrayOf("<f4", "(1, 1)", make([]byte, 8)), Options{}, ".npy of type <f4: say with --scale MIN,MAX"},
		"npy, u2":          {arrayOf("<u2", "(1, 1)", make([]byte, 8)), Options{}, ".npy of type <u2: say with --scale MIN,MAX"},
		"npy, fortran":     {npyOf("{'descr': '|u1', 'fortran_order': True, 'shape': (1, 1)}", []byte("a")), Options{}, "save it with numpy.ascontiguousarray"},
		"npy, line":        {arrayOf("|u1", "(9,)", make([]byte, 9)), Options{}, ".npy of shape (9,) is no picture"},
		"npy, point":       {arrayOf("|u1", "()", make([]byte, 9)), Options{}, ".npy of shape () is no picture"},
		"npy, film":        {arrayOf("|u1", "(1, 2, 3, 4, 5)", make([]byte, 120)), Options{}, ".npy of shape (1, 2, 3, 4, …) is no picture"},
		"npy, empty":       {arrayOf("|u1", "(0, 2)", nil), Options{}, ".npy of shape (0, 2) has no pixels"},
		"npy, deep":        {arrayOf("|u1", "(1, 1, 65536)", nil), Options{}, "a pixel has at most 65535 bands"},
		"npy, rgba":        {arrayOf("|u1", "(1, 1, 4)", []byte("abcd")), Options{}, "it has 4 bands; say with --bands"},
		"npy, huge":        {arrayOf("<f8", "(2147483647, 2147483647, 65535)", nil), Options{Scale: &Scale{0, 1}, Bands: []int{1}}, "damaged npy: it ends too early"},
		"npy, overflow":    {arrayOf("|u1", "(99999999999999999999, 1)", nil), Options{}, "its header is wrong at"},
		"npy, dimensions":  {arrayOf("|u1", "("+strings.Repeat("1, ", 1000)+")", nil), Options{}, "its header is wrong at"},
		"raw, short":       {[]byte("abcde"), raw(2, 1, 3, 0), "--geometry claims 1 rows of 6 bytes from byte 0 on, which its 5 bytes cannot hold"},
		"raw, offset":      {[]byte("abcde"), raw(1, 1, 1, 6), "--geometry claims 1 rows of 1 bytes from byte 6 on"},
		"raw, huge":        {[]byte("abcde"), raw(1<<31-1, 1<<31-1, 3, 1<<62), "--geometry claims"},
		"raw, two bands":   {[]byte("abcd"), raw(2, 1, 2, 0), "it has 2 bands; say with --bands"},
		"raw, many pixels": {make([]byte, 1<<20+1), raw(1<<20+1, 1, 1, 0), "are beyond --max-pixels 1048576"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.options.MaxPixels = 1 << 20
			if _, err := readBytes(t, test.file, test.options); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, not %s", err, test.want)
			}
		})
	}
}

// A conversion row by row is the plain definition, whatever the rows, the pieces and the memory.
func TestConversion(t *testing.T) {
	kinds := []string{"u1", "i1", "u2", "i2", "f2", "u4", "i4", "f4", "u8", "i8", "f8"}
	rapid.Check(t, func(rt *rapid.T) {
		k := rapid.SampledFrom(kinds).Draw(rt, "kind")
		f := form{kind: kind{k[0], int(k[1] - '0')}, big: rapid.Bool().Draw(rt, "big"), samples: rapid.IntRange(1, 5).Draw(rt, "samples")}
		if f.kind.bytes > 2 || rapid.Bool().Draw(rt, "scaled") {
			f.scale = &Scale{-3, 1000}
		}
		for range rapid.SampledFrom([]int{1, 3}).Draw(rt, "bands") {
			f.pick = append(f.pick, rapid.IntRange(0, f.samples-1).Draw(rt, "band"))
		}
		width := rapid.IntRange(1, 40).Draw(rt, "width")
		src := rapid.SliceOfN(rapid.Byte(), width*f.pixelBytes(), width*f.pixelBytes()).Draw(rt, "src")
		dst := make([]byte, width*len(f.pick))
		f.conversion().apply(dst, src)
		number := f.number()
		for i, got := range dst {
			b := src[i/len(f.pick)*f.pixelBytes()+f.pick[i%len(f.pick)]*f.kind.bytes:]
			want := b[0]
			if f.kind.bytes == 2 && !f.big {
				want = b[1]
			}
			if f.scale != nil {
				want = f.scale.apply(number(b))
			}
			if got != want {
				rt.Fatalf("sample %d: %d, not %d", i, got, want)
			}
		}
	})
}

// A row is longer than what is read at a time; neither that nor the number of rows takes memory.
func TestConversionInPieces(t *testing.T) {
	files := map[string]struct {
		options   Options
		header    string
		bytes     int // of a pixel, or 0 for a bit
		want      func(b []byte) byte
		wide, all int
	}{
		"u2":   {Options{}, "P5 %d %d 65535\n", 2, func(b []byte) byte { return b[0] }, 400_000, 5},
		"bits": {Options{}, "P4 %d %d\n", 0, nil, 4_000_003, 3},
		"low":  {Options{}, "P5 %d %d 65535\n", 2, func(b []byte) byte { return b[0] }, 7, 60_000},
		"pam":  {Options{Bands: []int{2}}, "P7\nWIDTH %d\nHEIGHT %d\nDEPTH 5\nMAXVAL 255\nENDHDR\n", 5, func(b []byte) byte { return b[1] }, 262_145, 2},
	}
	for name, f := range files {
		t.Run(name, func(t *testing.T) {
			rowBytes := f.wide * f.bytes
			if f.bytes == 0 {
				rowBytes = (f.wide + 7) / 8
			}
			data := draw(rowBytes, f.all, 1, 3).data
			path := filepath.Join(t.TempDir(), "in")
			if err := os.WriteFile(path, append(fmt.Appendf(nil, f.header, f.wide, f.all), data...), 0o666); err != nil {
				t.Fatal(err)
			}
			r := openFileWith(t, path, Options{MaxPixels: 1 << 30, Bands: f.options.Bands})
			p := newPixels(f.wide, f.all, 1)
			rows := p.rows(0, p.height)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if err := r.ReadRows(0, rows); err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			if spent := after.TotalAlloc - before.TotalAlloc; spent > 1<<20 {
				t.Errorf("%d bytes of memory were taken", spent)
			}
			for y, row := range rows {
				for x, got := range row {
					var want byte
					if src := data[y*rowBytes:]; f.bytes > 0 {
						want = f.want(src[x*f.bytes:])
					} else if src[x/8]>>(7-x%8)&1 == 0 {
						want = 255
					}
					if got != want {
						t.Fatalf("row %d, column %d: %d, not %d", y, x, got, want)
					}
				}
			}
		})
	}
}

// The header is the one that numpy.save makes.
func TestNPYHeader(t *testing.T) {
	pad := func(s string, n int) string { return s + strings.Repeat(" ", n-len(s)-1) + "\n" }
	for want, o := range map[string]Output{
		npyMagic + "\x01\x00\x76\x00" + pad("{'descr': '|u1', 'fortran_order': False, 'shape': (7, 5), }", 118):      {Width: 5, Height: 7, Channels: 1, Format: "npy"},
		npyMagic + "\x01\x00\x76\x00" + pad("{'descr': '|u1', 'fortran_order': False, 'shape': (70, 51, 3), }", 118): {Width: 51, Height: 70, Channels: 3, Format: "npy"},
	} {
		if got := string(o.layout().header); got != want {
			t.Errorf("%q\nnot\n%q", got, want)
		}
	}
}

// Netpbm reads our PAM as what we wrote.
func TestOthersReadPAM(t *testing.T) {
	eachOutput(t, []string{"pam"}, func(t *testing.T, p *pixels, format string) {
		path := filepath.Join(t.TempDir(), "out.pam")
		if err := os.WriteFile(path, write(t, p, format, false, atOnce(p)), 0o666); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("pamtopnm", path)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := readBytes(t, out, roomy); err != nil || got.width != p.width || got.height != p.height || got.channels != p.channels || !bytes.Equal(got.data, p.data) {
			t.Errorf("another picture, %v", err)
		}
	})
}

// FuzzOptions reads strangers' files with the options that change samples.
func FuzzOptions(f *testing.F) {
	p := draw(5, 4, 3, 1)
	for _, format := range []string{"pam", "npy", "ppm", "raw"} {
		f.Add(write(f, p, format, false, func() int { return 2 }), format == "raw", uint16(5), uint16(4), uint16(3), byte(1), false)
	}
	f.Add(arrayOf("<f4", "(2, 2, 2)", make([]byte, 32)), false, uint16(1), uint16(1), uint16(1), byte(2), true)
	f.Add(pamOf(2, 2, 4, 65535, "RGB_ALPHA", make([]byte, 32)), false, uint16(1), uint16(1), uint16(1), byte(0), true)
	f.Fuzz(func(t *testing.T, content []byte, raw bool, w, h, c uint16, band byte, scaled bool) {
		o := Options{MaxPixels: 1 << 16}
		if raw {
			o.Geometry = &Geometry{1 + int(w), 1 + int(h), 1 + int(c), int64(band)}
		}
		if band > 0 {
			o.Bands = []int{int(band)}
		}
		if scaled {
			o.Scale = &Scale{0, 1}
		}
		repairPNG(content)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		readBytes(t, content, o)
		runtime.ReadMemStats(&after)
		if spent, most := after.TotalAlloc-before.TotalAlloc, uint64(64<<20+4096*len(content)); spent > most {
			t.Errorf("%d bytes took %d MiB of memory", len(content), spent>>20)
		}
	})
}
