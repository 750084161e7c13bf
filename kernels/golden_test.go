package kernels

import (
	"encoding/json"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const goldenDir = "../testdata/golden"

// TestGolden compares with what OpenCV 4.6 makes of the same pictures, pixel for pixel.
func TestGolden(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(goldenDir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Cases []struct {
			Input, Expected         string
			Ops                     []string
			Width, Height, Channels int
		}
	}
	if err := json.Unmarshal(b, &manifest); err != nil {
		t.Fatal(err)
	}
	if len(manifest.Cases) < 363 {
		t.Fatalf("only %d golden cases", len(manifest.Cases))
	}
	for _, c := range manifest.Cases {
		t.Run(c.Input+"/"+strings.Join(c.Ops, " "), func(t *testing.T) {
			in, shape := readPNG(t, filepath.Join(goldenDir, "inputs", c.Input))
			want, wantShape := readPNG(t, filepath.Join(goldenDir, "expected", c.Expected))
			got, gotShape := runChain(t, c.Ops, in, shape)
			if gotShape.Width != c.Width || gotShape.Height != c.Height {
				t.Fatalf("%v, want %d×%d", gotShape, c.Width, c.Height)
			}
			got, want = inRGB(got, gotShape), inRGB(want, wantShape)
			for y := range got {
				for i := range got[y] {
					if got[y][i] != want[y][i] {
						t.Fatalf("row %d, pixel %d, channel %d: %d, want %d", y, i/3, i%3, got[y][i], want[y][i])
					}
				}
			}
		})
	}
}

func readPNG(t *testing.T, name string) ([][]byte, Shape) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	b := img.Bounds()
	s := Shape{b.Dx(), b.Dy(), 3}
	if _, ok := img.(*image.Gray); ok {
		s.Channels = 1
	}
	rows := makeRows(s)
	for y := range rows {
		for x := range s.Width {
			r, g, b, _ := img.At(x, y).RGBA()
			copy(rows[y][x*s.Channels:(x+1)*s.Channels], []byte{byte(r >> 8), byte(g >> 8), byte(b >> 8)})
		}
	}
	return rows, s
}

func inRGB(rows [][]byte, s Shape) [][]byte {
	if s.Channels == 3 {
		return rows
	}
	out := makeRows(Shape{s.Width, s.Height, 3})
	spread.Apply(out, rows, Rows{0, s.Height})
	return out
}

// runChain runs a chain over a whole picture.
func runChain(t testing.TB, ops []string, rows [][]byte, shape Shape) ([][]byte, Shape) {
	t.Helper()
	chain, err := Parse(ops)
	if err != nil {
		t.Fatal(err)
	}
	r, err := chain.NewRunner(shape, 1)
	if err != nil {
		t.Fatal(err)
	}
	out := makeRows(r.Out())
	if err := r.Run(out, rows); err != nil {
		t.Fatal(err)
	}
	return out, r.Out()
}
