package ranks_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"halorun/ranks"
	"halorun/ranks/raster"
)

// inputs writes one picture of 41×66 pixels in forms that are converted row by row, or come from top to bottom.
func inputs(t *testing.T, dir string) map[string]raster.Options {
	t.Helper()
	const width, height = 41, 66
	sample := func(x, y, c int) byte { return byte((x*x/7 + y*y/5 + (x^y)*3 + 40*c) % 256) }
	var text, alpha, wide, floats, raw bytes.Buffer
	for y := range height {
		for x := range width {
			for c := range 3 {
				v := sample(x, y, c)
				fmt.Fprintln(&text, v)
				alpha.WriteByte(v)
				wide.Write([]byte{v, byte(x)})
				floats.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(v)/2)))
				raw.Write([]byte{v})
			}
			alpha.WriteByte(byte(y))
			raw.Write([]byte{1, 2})
		}
	}
	dict := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d, 3)}", height, width)
	files := map[string]struct {
		header  string
		body    []byte
		options raster.Options
	}{
		"in.p3":    {fmt.Sprintf("P3 %d %d 255\n", width, height), text.Bytes(), raster.Options{}},
		"alpha.p7": {fmt.Sprintf("P7\nWIDTH %d\nHEIGHT %d\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n", width, height), alpha.Bytes(), raster.Options{}},
		"in.p6":    {fmt.Sprintf("P6 %d %d 65535\n", width, height), wide.Bytes(), raster.Options{}},
		"in.npy":   {"\x93NUMPY\x01\x00" + string(binary.LittleEndian.AppendUint16(nil, uint16(len(dict)))) + dict, floats.Bytes(), raster.Options{Scale: &raster.Scale{Min: 0, Max: 127.5}}},
		"in.raw":   {"before", raw.Bytes(), raster.Options{Geometry: &raster.Geometry{Width: width, Height: height, Channels: 5, Offset: 6}, Bands: []int{1, 2, 3}}},
	}
	options := make(map[string]raster.Options)
	for name, f := range files {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, append([]byte(f.header), f.body...), 0o666); err != nil {
			t.Fatal(err)
		}
		options[path] = f.options
	}
	return options
}

// TestFormats is the law of the same bytes over the formats that are a header and open rows, and over inputs of which nothing but
// samples or their order differs.
func TestFormats(t *testing.T) {
	t.Parallel()
	setups := []setup{{size: 1}, {size: 3, tileRows: 7}, {size: 4, tileRows: 1, private: true, head: 4}, {size: 2, threads: 3, hosts: 1}, {size: 5, head: 2, hosts: 1}}
	ops := []string{"edges:low=20,high=60", "blur:size=5"}
	colour := []string{"blur:size=9"}
	all := inputs(t, t.TempDir())
	for _, format := range []string{"pam", "npy", "raw", "rgb", "gray"} {
		for _, ops := range [][]string{ops, colour} {
			t.Run(fmt.Sprint(format, ops), func(t *testing.T) {
				t.Parallel()
				var want []byte
				for in, options := range all {
					job := ranks.Job{Input: ranks.File{Name: in, Path: in}, Ops: ops, Format: format, Read: options}
					for _, s := range setups {
						got := run(t, job, s)
						if want == nil {
							want = got
						}
						if !bytes.Equal(got, want) {
							t.Errorf("%s, %+v: the file differs", filepath.Base(in), s)
						}
					}
				}
			})
		}
	}
}
