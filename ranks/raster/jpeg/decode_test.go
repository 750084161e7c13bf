package jpeg

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"halorun/ranks/raster/scratch/scratchtest"
)

// picture is rows of samples.
type picture struct {
	width, height, channels int
	data                    []byte
}

func (p *picture) rows() [][]byte {
	rows := make([][]byte, p.height)
	n := p.width * p.channels
	for y := range rows {
		rows[y] = p.data[y*n : (y+1)*n : (y+1)*n]
	}
	return rows
}

func newPicture(width, height, channels int) *picture {
	return &picture{width, height, channels, make([]byte, width*height*channels)}
}

// pnm returns the picture as a PPM or PGM.
func (p *picture) pnm() []byte {
	kind := 6
	if p.channels == 1 {
		kind = 5
	}
	return append(fmt.Appendf(nil, "P%d\n%d %d\n255\n", kind, p.width, p.height), p.data...)
}

func fromPNM(t testing.TB, b []byte) *picture {
	t.Helper()
	var kind, w, h, most int
	if _, err := fmt.Sscanf(string(b[:min(len(b), 40)]), "P%d\n%d %d\n%d\n", &kind, &w, &h, &most); err != nil {
		t.Fatalf("%q: %v", b[:min(len(b), 40)], err)
	}
	p := &picture{width: w, height: h, channels: map[int]int{5: 1, 6: 3}[kind]}
	p.data = b[len(b)-w*h*p.channels:]
	return p
}

// run runs a program on bytes.
func run(t testing.TB, in []byte, name string, args ...string) []byte {
	t.Helper()
	c := exec.Command(name, args...)
	c.Stdin = bytes.NewReader(in)
	var out, msg bytes.Buffer
	c.Stdout, c.Stderr = &out, &msg
	if err := c.Run(); err != nil {
		t.Fatalf("%s %q: %v: %s", name, args, err, msg.String())
	}
	return out.Bytes()
}

func djpeg(t testing.TB, file []byte) *picture {
	t.Helper()
	return fromPNM(t, run(t, file, "djpeg", "-pnm"))
}

// decoded reads a file by a Stream, some rows at a time.
func decoded(file []byte, some int) (*picture, error) {
	m, err := Parse(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, err
	}
	s, err := m.Stream()
	if err != nil {
		return nil, err
	}
	return rowsOf(m, s, some)
}

// rowsOf reads all rows.
func rowsOf(m *Image, s *Stream, some int) (*picture, error) {
	defer s.Close()
	p := newPicture(m.Width, m.Height, m.Channels)
	for rows := p.rows(); len(rows) > 0; {
		n := min(some, len(rows))
		if err := s.ReadRows(rows[:n]); err != nil {
			return nil, err
		}
		rows = rows[n:]
	}
	return p, nil
}

// same fails if pictures differ.
func same(t testing.TB, what string, got, want *picture) {
	t.Helper()
	if got.width != want.width || got.height != want.height || got.channels != want.channels {
		t.Fatalf("%s: %d×%d×%d, not %d×%d×%d", what, got.width, got.height, got.channels, want.width, want.height, want.channels)
	}
	if bytes.Equal(got.data, want.data) {
		return
	}
	n, first := 0, -1
	for i := range got.data {
		if got.data[i] != want.data[i] {
			if n++; first < 0 {
				first = i
			}
		}
	}
	w := got.width * got.channels
	t.Fatalf("%s: %d of %d samples differ, the first in row %d, column %d, channel %d: %d, not %d", what, n, len(got.data),
		first/w, first%w/got.channels, first%got.channels, got.data[first], want.data[first])
}

// scene draws a picture that has smooth parts, edges and noise.
func scene(t *rapid.T, width, height, channels int) *picture {
	p := newPicture(width, height, channels)
	seed := rapid.Uint32().Draw(t, "seed")
	noise := rapid.SampledFrom([]uint32{0, 3, 20, 255}).Draw(t, "noise")
	for i := range p.data {
		x, y, c := i/channels%width, i/channels/width, i%channels
		seed = seed*1664525 + 1013904223
		v := uint32(x*(3+c)+y*(5-c)) + (seed>>16)*noise/65536
		if (x/11+y/7)%3 == c {
			v = 255 - v/3
		}
		p.data[i] = byte(v)
	}
	return p
}

var sizes = rapid.OneOf(rapid.IntRange(1, 40), rapid.SampledFrom([]int{47, 48, 49, 63, 64, 65, 97, 127, 128, 129, 255, 256, 257, 271}))

// cjpegOptions draws options of cjpeg.
func cjpegOptions(t *rapid.T) []string {
	args := []string{"-quality", strconv.Itoa(rapid.SampledFrom([]int{1, 10, 50, 75, 90, 95, 100}).Draw(t, "quality"))}
	args = append(args, rapid.SampledFrom([][]string{
		{"-sample", "2x2"}, {"-sample", "2x2"}, {"-sample", "2x1"}, {"-sample", "1x2"}, {"-sample", "1x1"}, {"-sample", "4x1"}, {"-sample", "4x2"}, {"-sample", "1x4"},
		{"-sample", "2x4"}, {"-sample", "2x2,2x1,1x2"}, {"-sample", "1x1,2x2,1x2"}, {"-sample", "2x1,2x1,2x1"}, {"-sample", "1x1,1x2,1x2"}, {"-sample", "1x2,1x2"}, {"-sample", "2x2,1x2"},
		{"-grayscale"}, {"-grayscale", "-sample", "2x2"}, {"-rgb"},
	}).Draw(t, "sampling")...)
	if rapid.Bool().Draw(t, "progressive") {
		args = append(args, "-progressive")
	} else if rapid.Bool().Draw(t, "optimised") {
		args = append(args, "-optimize")
	}
	return append(args, rapid.SampledFrom([][]string{nil, {"-restart", "1"}, {"-restart", "2"}, {"-restart", "1B"}, {"-restart", "7B"}}).Draw(t, "restart")...)
}

// Whatever cjpeg makes is decoded as djpeg does, sample for sample.
func TestDecodesAsDjpeg(t *testing.T) {
	t.Parallel()
	files := scratchtest.New(t)
	rapid.Check(t, func(r *rapid.T) {
		p := scene(r, sizes.Draw(r, "width"), sizes.Draw(r, "height"), rapid.SampledFrom([]int{1, 3, 3, 3}).Draw(r, "channels"))
		args := cjpegOptions(r)
		if p.channels == 1 { // cjpeg cannot make RGB of it
			args = slices.DeleteFunc(args, func(arg string) bool { return arg == "-rgb" })
		}
		file := run(t, p.pnm(), "cjpeg", args...)
		got, err := decoded(file, rapid.SampledFrom([]int{1, 7, 16, 1000}).Draw(r, "some"))
		if err != nil {
			r.Fatal(err)
		}
		same(t, "decoded", got, djpeg(t, file))
		sameSpilled(t, r, files, file, got)
	})
}

// Scans of any kind, also such as leave the picture unfinished, which is smoothed.
func TestScripts(t *testing.T) {
	t.Parallel()
	const dc = "0,1,2: 0-0, 0, %d;\n"
	scripts := map[string]string{
		"components apart":      "0;\n1;\n2;\n",
		"one apart":             "0;\n1,2;\n",
		"spectral selection":    fmt.Sprintf(dc, 0) + "0: 1-5, 0, 0;\n0: 6-63, 0, 0;\n1: 1-63, 0, 0;\n2: 1-63, 0, 0;\n",
		"DC alone":              fmt.Sprintf(dc, 0),
		"DC without last bit":   fmt.Sprintf(dc, 1),
		"DC refined":            fmt.Sprintf(dc, 3) + "0,1,2: 0-0, 3, 2;\n0,1,2: 0-0, 2, 1;\n0,1,2: 0-0, 1, 0;\n",
		"little of luma":        fmt.Sprintf(dc, 0) + "0: 1-3, 0, 0;\n",
		"luma alone":            fmt.Sprintf(dc, 0) + "0: 1-63, 0, 0;\n",
		"all without last bits": fmt.Sprintf(dc, 1) + "0: 1-63, 0, 2;\n1: 1-63, 0, 1;\n2: 1-63, 0, 1;\n0: 1-63, 2, 1;\n",
		"refined":               fmt.Sprintf(dc, 1) + "0: 1-63, 0, 2;\n1: 1-63, 0, 1;\n2: 1-63, 0, 1;\n0: 1-63, 2, 1;\n0,1,2: 0-0, 1, 0;\n0: 1-63, 1, 0;\n1: 1-63, 1, 0;\n2: 1-63, 1, 0;\n",
		"chroma first":          "1: 0-0, 0, 1;\n2: 0-0, 0, 0;\n0: 0-0, 0, 0;\n1: 1-9, 0, 1;\n1: 0-0, 1, 0;\n",
	}
	folder := t.TempDir()
	names := slices.Sorted(maps.Keys(scripts))
	for i, name := range names {
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprint(i)), []byte(scripts[name]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files := scratchtest.New(t)
	rapid.Check(t, func(r *rapid.T) {
		p := scene(r, sizes.Draw(r, "width"), sizes.Draw(r, "height"), 3)
		args := []string{"-quality", rapid.SampledFrom([]string{"30", "85"}).Draw(r, "quality"),
			"-sample", rapid.SampledFrom([]string{"2x2", "2x1", "1x1", "1x2", "4x2"}).Draw(r, "sampling")}
		args = append(args, rapid.SampledFrom([][]string{nil, {"-restart", "1"}, {"-restart", "5B"}}).Draw(r, "restart")...)
		some := rapid.SliceOfNDistinct(rapid.IntRange(0, len(names)-1), 3, 3, rapid.ID[int]).Draw(r, "scripts")
		// One program that runs the others takes less time than all of them.
		script := "cat >in; for s in " + strings.Trim(fmt.Sprint(some), "[]") + `; do cjpeg -scans $s "$@" <in >$s.jpg && djpeg -pnm <$s.jpg >$s.pnm || exit; done`
		run(t, p.pnm(), "sh", append([]string{"-c", "cd " + folder + "; " + script, "sh"}, args...)...)
		for _, i := range some {
			var both [2][]byte
			for k, kind := range []string{"jpg", "pnm"} {
				var err error
				if both[k], err = os.ReadFile(filepath.Join(folder, fmt.Sprintf("%d.%s", i, kind))); err != nil {
					r.Fatal(err)
				}
			}
			got, err := decoded(both[0], 1000)
			if err != nil {
				r.Fatal(names[i], err)
			}
			same(t, names[i], got, fromPNM(t, both[1]))
			sameSpilled(t, r, files, both[0], got)
		}
	})
}
