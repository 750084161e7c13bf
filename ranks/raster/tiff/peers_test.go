package tiff

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The other programs are those of libtiff (libtiff-tools), GDAL (gdal-bin) and libvips (libvips-tools).

// tool runs a program, which has to succeed.
func tool(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// readPath reads a picture from a file.
func readPath(t testing.TB, path string, o Options) (*Image, [][]byte) {
	t.Helper()
	b := readFile(t, path)
	m, err := parse(b, o)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	rows, err := readWhole(m)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return m, rows
}

// kinds are pictures from which others make their files.
func kinds() map[string]*picture {
	all := map[string]*picture{
		"rgb":    {samples: 3, bits: 8, photometric: 2},
		"grey":   {samples: 1, bits: 8, photometric: 1},
		"rgba":   {samples: 4, bits: 8, photometric: 2, extra: []uint16{2}},
		"rgb16":  {samples: 3, bits: 16, photometric: 2},
		"grey16": {samples: 1, bits: 16, photometric: 1},
		"white":  {samples: 1, bits: 8, photometric: 0},
		"bits":   {samples: 1, bits: 1, photometric: 1},
		"four":   {samples: 1, bits: 4, photometric: 1},
		"cmyk":   {samples: 4, bits: 8, photometric: 5},
		"map":    {samples: 1, bits: 8, photometric: 3},
		"ga":     {samples: 2, bits: 8, photometric: 1, extra: []uint16{1}},
	}
	for _, p := range all {
		p.width, p.height, p.rows = 71, 53, 9
		p.sample = func(x, y, s int) uint64 { return hash(x, y, s, p.bits) }
		if p.photometric == colourMap {
			for i := range 3 << p.bits {
				p.palette = append(p.palette, uint16(i*71+i/256*500)|256)
			}
		}
	}
	return all
}

// What tiffcp makes of every kind of picture, in every way, is read.
func TestReadsLibtiff(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	turn := 0
	for _, name := range slices.Sorted(maps.Keys(kinds())) {
		p := kinds()[name]
		source := writeFile(t, name+".tif", p.file())
		want := p.pixels(p.eight)
		for _, compression := range []string{"none", "lzw", "lzw:2", "zip", "zip:2", "zip:p9", "packbits", "zstd", "zstd:2"} {
			if p.bits < 8 && strings.HasSuffix(compression, ":2") {
				continue
			}
			turn++
			args := append([]string{"tiffcp", "-c", compression}, [][]string{{"-s", "-r", "7"}, {"-s", "-r", "1000"}, {"-t", "-w", "32", "-l", "16"}}[turn%3]...)
			args = append(args, [][]string{{"-L"}, {"-B"}, {"-8", "-B"}, {"-8", "-f", "lsb2msb"}, {"-L", "-f", "lsb2msb"}}[turn%5]...)
			if turn%2 == 1 && p.samples > 1 && p.bits == 8 {
				args = append(args, "-p", "separate")
			}
			out := filepath.Join(dir, "out.tif")
			tool(t, append(args, source, out)...)
			_, got := readPath(t, out, Options{})
			if err := equalRows(got, want); err != nil {
				t.Errorf("%s: %s: %v", name, strings.Join(args, " "), err)
			}
		}
	}
}

// Libtiff's other programs make what is read.
func TestReadsDitheredAndRaw(t *testing.T) {
	dir := t.TempDir()
	grey := kinds()["grey"]
	source := writeFile(t, "grey.tif", grey.file())
	out := filepath.Join(dir, "out.tif")
	for _, compression := range []string{"none", "lzw", "zip", "packbits"} {
		tool(t, "tiffdither", "-c", compression, source, out)
		m, rows := readPath(t, out, Options{})
		if m.Depth != 1 || m.Width != grey.width {
			t.Errorf("%s: %+v", compression, m)
		}
		ones := 0
		for _, v := range bytes.Join(rows, nil) {
			if v != 0 && v != 255 {
				t.Fatalf("%s: a sample of %d", compression, v)
			}
			ones += int(v) / 255
		}
		if ones < grey.width*grey.height/4 {
			t.Errorf("%s: %d white pixels", compression, ones)
		}
	}
	rows := noisyRows(40, 30, 3)
	raw := writeFile(t, "raw", bytes.Join(rows, nil))
	tool(t, "raw2tiff", "-w", "40", "-l", "30", "-b", "3", "-p", "rgb", "-c", "lzw", "-r", "4", raw, out)
	_, got := readPath(t, out, Options{})
	if err := equalRows(got, rows); err != nil {
		t.Error(err)
	}
	values := make([]byte, 0, 4*40*30)
	want := make([][]byte, 30)
	for i := range 40 * 30 {
		values = binary.LittleEndian.AppendUint32(values, math.Float32bits(float32(i)/10))
		want[i/40] = append(want[i/40], scaled(float64(float32(i)/10), Scale{20, 90}))
	}
	tool(t, "raw2tiff", "-w", "40", "-l", "30", "-d", "float", "-c", "lzw", writeFile(t, "float", values), out)
	if _, err := parse(readFile(t, out), Options{}); err == nil || !strings.Contains(err.Error(), "--scale") {
		t.Error(err)
	}
	_, got = readPath(t, out, Options{Scale: &Scale{20, 90}})
	if err := equalRows(got, want); err != nil {
		t.Error(err)
	}
}

// opened returns a picture's rows as a program of others reads them, which writes them without compression.
func opened(t *testing.T, path string, channels int, program ...string) [][]byte {
	t.Helper()
	plain := filepath.Join(t.TempDir(), "plain.tif")
	tool(t, append(program, path, plain)...)
	m, rows := readPath(t, plain, Options{})
	if m.Channels > channels { // those of tiff2rgba are always three
		for y, row := range rows {
			for x := range m.Width {
				row[x] = row[3*x]
			}
			rows[y] = row[:m.Width]
		}
	}
	return rows
}

// equalJPEG fails unless a file is the picture that others read, also if its strips or tiles are decoded row by row.
func equalJPEG(t *testing.T, what, path string, program ...string) {
	t.Helper()
	m, got := readPath(t, path, Options{})
	if m.unpack.compression != compressJPEG {
		t.Errorf("%s is of compression %s", what, m.Compression)
	}
	if err := equalRows(got, opened(t, path, m.Channels, program...)); err != nil {
		t.Errorf("%s by %s: %v", what, program[0], err)
	}
	m.mode = modeRows
	s, err := m.Stream()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rows := rowsOf(m, m.Height)
	if err := s.ReadRows(rows); err != nil {
		t.Fatal(err)
	}
	if err := equalRows(rows, got); err != nil {
		t.Errorf("%s, row by row: %v", what, err)
	}
}

// JPEG in TIFF is what libtiff makes of it, with libjpeg, sample for sample; GDAL and libvips do it so, too.
func TestReadsJPEG(t *testing.T) {
	t.Parallel()
	rgba := []string{"tiff2rgba", "-c", "none"}
	dir := t.TempDir()
	out := filepath.Join(dir, "jpeg.tif")
	for name, p := range kinds() {
		if p.bits != 8 || p.samples == 2 || p.photometric == colourMap || p.photometric == whiteIsZero || name == "rgba" {
			continue
		}
		source := writeFile(t, name+".tif", p.file())
		for _, how := range [][]string{{"-c", "jpeg:r:95", "-r", "16"}, {"-c", "jpeg:r:50", "-t", "-w", "32", "-l", "32"}, {"-c", "jpeg:95", "-r", "16"}, {"-c", "jpeg:60", "-t", "-w", "32", "-l", "48"}, {"-c", "jpeg:r:95", "-p", "separate", "-r", "24"}} {
			tool(t, append(append([]string{"tiffcp"}, how...), source, out)...)
			equalJPEG(t, fmt.Sprint(name, how), out, rgba...)
		}
		if name == "cmyk" {
			continue
		}
		for _, how := range []string{"PHOTOMETRIC=YCBCR JPEGTABLESMODE=0", "PHOTOMETRIC=YCBCR TILED=YES BLOCKXSIZE=32 BLOCKYSIZE=16", "JPEG_QUALITY=100 JPEGTABLESMODE=3", "INTERLEAVE=BAND BLOCKYSIZE=24"} {
			if p.samples == 1 {
				how = strings.TrimPrefix(how, "PHOTOMETRIC=YCBCR ")
			}
			args := []string{"gdal_translate", "-q", "-co", "COMPRESS=JPEG"}
			for o := range strings.FieldsSeq(how) {
				args = append(args, "-co", o)
			}
			tool(t, append(args, source, out)...)
			equalJPEG(t, fmt.Sprint(name, how), out, "gdal_translate", "-q")
		}
		for _, how := range []string{"tile,tile-width=32,tile-height=16,Q=80", "Q=92"} {
			tool(t, "vips", "copy", source, out+"[compression=jpeg,"+how+"]")
			equalJPEG(t, fmt.Sprint(name, how), out, "vips", "copy")
		}
	}
}

// cjpeg makes a JPEG of rows of colours.
func cjpeg(t testing.TB, rows [][]byte, args ...string) []byte {
	t.Helper()
	c := exec.Command("cjpeg", args...)
	c.Stdin = bytes.NewReader(append(fmt.Appendf(nil, "P6 %d %d 255\n", len(rows[0])/3, len(rows)), bytes.Join(rows, nil)...))
	b, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// So is JPEG of any sampling, and progressive, whose chroma is interpolated within each strip or tile.
func TestReadsJPEGOfAnySampling(t *testing.T) {
	t.Parallel()
	for i, sampling := range [][2]int{{1, 1}, {2, 1}, {1, 2}, {2, 2}, {4, 1}, {4, 2}} {
		for j, kind := range []string{"-optimize", "-progressive"} {
			p := &picture{width: 61, height: 47, samples: 3, bits: 8, photometric: colourYCbCr, compression: compressJPEG, rows: 16}
			if (i+j)%2 == 0 {
				p.tileW, p.tileH = 32, 48
			}
			p.more = []field{{530, typeShort, []uint64{uint64(sampling[0]), uint64(sampling[1])}}}
			p.sample = func(x, y, s int) uint64 { return (uint64(x*x/9+y*(5-s)) + hash(x, y, s, 5)) & 255 }
			p.jpeg = func(rows [][]byte) []byte {
				return cjpeg(t, rows, "-quality", "85", "-sample", fmt.Sprintf("%dx%d", sampling[0], sampling[1]), kind)
			}
			equalJPEG(t, fmt.Sprint(sampling, kind), writeFile(t, "sampled.tif", p.file()), "tiff2rgba", "-c", "none")
		}
	}
}

// What GDAL writes is read: also numbers that are no picture, if it is said how.
func TestReadsGDAL(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out := filepath.Join(dir, "out.tif")
	translate := func(args ...string) {
		tool(t, append(append([]string{"gdal_translate", "-q"}, args...), out)...)
	}
	for _, name := range []string{"rgb", "grey16"} {
		p := kinds()[name]
		source := writeFile(t, name+".tif", p.file())
		want := p.pixels(p.eight)
		for _, how := range []string{"COMPRESS=LZW PREDICTOR=2", "COMPRESS=ZSTD PREDICTOR=2 TILED=YES BLOCKXSIZE=32 BLOCKYSIZE=16", "COMPRESS=DEFLATE BIGTIFF=YES ENDIANNESS=BIG",
			"COMPRESS=PACKBITS INTERLEAVE=BAND", "INTERLEAVE=BAND TILED=YES BIGTIFF=YES BLOCKXSIZE=16 BLOCKYSIZE=16", "COMPRESS=DEFLATE PREDICTOR=2 INTERLEAVE=BAND ENDIANNESS=BIG"} {
			var args []string
			for o := range strings.FieldsSeq(how) {
				args = append(args, "-co", o)
			}
			translate(append(args, source)...)
			_, got := readPath(t, out, Options{})
			if err := equalRows(got, want); err != nil {
				t.Errorf("%s %s: %v", name, how, err)
			}
		}
	}
	rgb := kinds()["rgb"]
	source := writeFile(t, "rgb.tif", rgb.file())
	for kind, creation := range map[string]string{"Float32": "PREDICTOR=3", "Float64": "PREDICTOR=3", "Int16": "PREDICTOR=2", "UInt32": "PREDICTOR=2"} {
		for _, order := range []string{"ENDIANNESS=LITTLE", "ENDIANNESS=BIG"} {
			if strings.HasPrefix(kind, "Float") && order == "ENDIANNESS=BIG" {
				continue // GDAL 3.6 writes what it cannot read itself
			}
			translate("-ot", kind, "-co", "COMPRESS=LZW", "-co", creation, "-co", order, source)
			if _, err := parse(readFile(t, out), Options{}); err == nil || !strings.Contains(err.Error(), "--scale") {
				t.Errorf("%s: %v", kind, err)
			}
			_, got := readPath(t, out, Options{Bands: []int{1, 2, 3}, Scale: &Scale{0, 255}})
			if err := equalRows(got, rgb.pixels(rgb.eight)); err != nil {
				t.Errorf("%s: %v", kind, err)
			}
		}
	}
	// Overviews and masks are no pages.
	translate("-mask", "2", "-b", "1", "--config", "GDAL_TIFF_INTERNAL_MASK", "YES", source)
	tool(t, "gdaladdo", "-q", out, "2", "4")
	if n, err := Pages(bytes.NewReader(readFile(t, out)), 1<<40); err != nil || n != 1 {
		t.Errorf("%d pages, %v", n, err)
	}
	m, _ := readPath(t, out, Options{})
	if m.Width != rgb.width {
		t.Errorf("%d pixels wide", m.Width)
	}
}

// What libvips writes is read.
func TestReadsVips(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "out.tif")
	for i, name := range []string{"rgb", "cmyk", "grey", "grey16", "rgb16"} {
		p := kinds()[name]
		source := writeFile(t, name+".tif", p.file())
		want := p.pixels(p.eight)
		for k, how := range []string{"", "--compression lzw", "--compression deflate --tile --tile-width 32 --tile-height 16", "--compression zstd --bigtiff", "--compression packbits --tile",
			"--compression lzw --predictor none --tile --pyramid", "--compression zstd --tile --pyramid --subifd --bigtiff"} {
			if i > 0 && k%4 != i-1 {
				continue
			}
			tool(t, append([]string{"vips", "tiffsave", source, out}, strings.Fields(how)...)...)
			_, got := readPath(t, out, Options{})
			if err := equalRows(got, want); err != nil {
				t.Errorf("%s %s: %v", name, how, err)
			}
		}
	}
	grey := kinds()["grey"]
	source := writeFile(t, "grey.tif", grey.file())
	for _, bits := range []int{1, 2, 4} {
		for _, how := range []string{"none", "lzw"}[bits/4:] {
			tool(t, "vips", "tiffsave", source, out, "--bitdepth", fmt.Sprint(bits), "--compression", how, "--predictor", "none")
			m, got := readPath(t, out, Options{})
			if m.Depth != bits {
				t.Errorf("%d bits, not %d", m.Depth, bits)
			}
			for y := range got {
				for x, v := range got[y][:len(got[y])/8*8] { // libvips 8.14 spoils what does not fill a byte
					if d := int(v) - int(hash(x, y, 0, 8)); max(d, -d) > 255>>bits+1 {
						t.Fatalf("%d bits: %d at %d, %d, not %d", bits, v, x, y, hash(x, y, 0, 8))
					}
				}
			}
		}
	}
}

// pnm reads a binary PNM.
func pnm(t testing.TB, path string) [][]byte {
	t.Helper()
	b := readFile(t, path)
	var head []string
	for line := range strings.Lines(string(b[:min(len(b), 200)])) {
		if !strings.HasPrefix(line, "#") {
			head = append(head, strings.Fields(line)...)
		}
		if len(head) >= 4 {
			break
		}
	}
	var w, h, most int
	if _, err := fmt.Sscan(strings.Join(head[1:4], " "), &w, &h, &most); err != nil || most != 255 {
		t.Fatal(path, err)
	}
	n := w
	if head[0] == "P6" {
		n = 3 * w
	}
	rows := make([][]byte, h)
	b = b[len(b)-n*h:]
	for y := range rows {
		rows[y] = b[y*n : (y+1)*n]
	}
	return rows
}

// What is written others read, with its metadata.
func TestOthersRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i, c := range []Compression{None, LZW, Deflate, Zstd, PackBits, "laid out"} {
		for k, big := range []bool{false, true} {
			channels := 1 + 2*((i+k)%2)
			o := Output{Width: 1501, Height: 401, Channels: channels, Compression: c, Big: big, Meta: someMetadata()}
			o.Meta.Geo = nil // which libtiff's own programs do not know
			rows := noisyRows(o.Width, o.Height, o.Channels)
			var b []byte
			if c == "laid out" {
				b = lay(o, rows)
			} else {
				var err error
				if b, err = encode(o, rows); err != nil {
					t.Fatal(err)
				}
			}
			path := writeFile(t, "ours.tif", b)
			what := fmt.Sprintf("%d channels, %s, big %v", channels, c, big)
			plain := filepath.Join(dir, "plain.tif")
			if out := tool(t, "tiffcp", "-c", "none", path, plain); out != "" {
				t.Errorf("%s: tiffcp says %s", what, out)
			}
			_, got := readPath(t, plain, Options{})
			if err := equalRows(got, rows); err != nil {
				t.Errorf("%s: tiffcp: %v", what, err)
			}
			out := filepath.Join(dir, map[int]string{1: "out.pgm", 3: "out.ppm"}[channels])
			tool(t, "gdal_translate", "-q", "-of", "PNM", path, out)
			if err := equalRows(pnm(t, out), rows); err != nil {
				t.Errorf("%s: GDAL: %v", what, err)
			}
			tool(t, "vips", "copy", path, out)
			if err := equalRows(pnm(t, out), rows); err != nil {
				t.Errorf("%s: vips: %v", what, err)
			}
			info := tool(t, "tiffinfo", path)
			for _, want := range []string{"Resolution: 300, 72.5 pixels/cm", "XMP Metadata", "ICC Profile: <present>, 20 bytes", "Make: camera",
				"Orientation: row 0 top, col 0 lhs", "ExposureTime: 0.005", "Latitude: 4.5"} {
				if !strings.Contains(info, want) {
					t.Errorf("%s: tiffinfo does not say %q:\n%s", what, want, info)
				}
			}
			if info = strings.ReplaceAll(info, "Warning, Unknown field with tag 40965", ""); strings.Contains(info, "arning") || strings.Contains(info, "rror") {
				t.Errorf("%s: tiffinfo says %s", what, info)
			}
		}
	}
}

// GeoTIFF written by GDAL comes back from us as it was.
func TestGeoTIFF(t *testing.T) {
	p := kinds()["rgb"]
	geo := filepath.Join(t.TempDir(), "geo.tif")
	tool(t, "gdal_translate", "-q", "-a_srs", "EPSG:32633", "-a_ullr", "500000", "5000000", "507100", "4994700", "-a_nodata", "7", "-mo", "WHAT=this",
		"-co", "ENDIANNESS=BIG", writeFile(t, "p.tif", p.file()), geo)
	m, rows := readPath(t, geo, Options{})
	o := Output{Width: m.Width, Height: m.Height, Channels: 3, Compression: Deflate, Meta: m.Meta}
	b, err := encode(o, rows)
	if err != nil {
		t.Fatal(err)
	}
	pick := func(path string) string {
		var lines []string
		for line := range strings.Lines(tool(t, "gdalinfo", path)) {
			if !strings.HasPrefix(line, "Files:") && !strings.Contains(line, "COMPRESSION") && !strings.Contains(line, "PREDICTOR") && !strings.HasPrefix(line, "Band") {
				lines = append(lines, line)
			}
		}
		return strings.Join(lines, "")
	}
	ours, theirs := pick(writeFile(t, "ours.tif", b)), pick(geo)
	if ours != theirs || !strings.Contains(theirs, "UTM zone 33N") || !strings.Contains(theirs, "WHAT=this") || !strings.Contains(theirs, "NoData Value=7") {
		t.Errorf("gdalinfo of ours:\n%s\nof GDAL's:\n%s", ours, theirs)
	}
}
