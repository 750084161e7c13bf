package raster

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// drawExtents makes extents below end.
func drawExtents(t *rapid.T, end int64) Extents {
	var s Extents
	for at := int64(0); ; {
		from := at + rapid.Int64Range(0, 9).Draw(t, "gap")
		to := from + rapid.Int64Range(1, 40).Draw(t, "length")
		if to > end || rapid.IntRange(0, 9).Draw(t, "end") == 0 {
			return s
		}
		s, at = append(s, Extent{from, to}), to
	}
}

func (s Extents) holds(at int64) bool {
	return slices.ContainsFunc(s, func(e Extent) bool { return e.From <= at && at < e.To })
}

// A byte of x is either inside or outside, as it is in s or not.
func TestInsideAndOutside(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawExtents(t, 200)
		x := Extent{From: rapid.Int64Range(0, 210).Draw(t, "from")}
		x.To = x.From + rapid.Int64Range(1, 100).Draw(t, "length")
		in, out := s.Inside(x), s.Outside(x)
		for at := range int64(320) {
			within := x.From <= at && at < x.To
			if in.holds(at) != (within && s.holds(at)) || out.holds(at) != (within && !s.holds(at)) {
				t.Fatalf("byte %d of %v with %v: inside %v, outside %v", at, x, s, in, out)
			}
		}
		for _, e := range append(in, out...) {
			if e.From >= e.To {
				t.Fatalf("%v: inside %v, outside %v", x, in, out)
			}
		}
	})
}

// A clipped writer writes the bytes it may, and leaves all others alone, however the rows are grouped.
func TestClipped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	rapid.Check(t, func(rt *rapid.T) {
		p := draw(rapid.IntRange(1, 20).Draw(rt, "width"), rapid.IntRange(1, 20).Draw(rt, "height"),
			rapid.SampledFrom([]int{1, 3}).Draw(rt, "channels"), rapid.Uint64().Draw(rt, "seed"))
		o := p.output(rapid.SampledFrom([]string{"tiff", "ppm", "pnm", "raw", "rgb", "npy"}).Draw(rt, "format")) // a PPM of one channel is written as three
		header, row := o.Layout()
		whole := write(t, p, o.Format, false, atOnce(p))
		if int64(len(whole)) != header+row*int64(p.height) {
			rt.Fatalf("%d bytes; a header of %d and %d rows of %d", len(whole), header, p.height, row)
		}
		s := drawExtents(rt, int64(len(whole))-header)
		for i := range s {
			s[i] = Extent{s[i].From + header, s[i].To + header}
		}

		untouched := bytes.Repeat([]byte{0xa5}, len(whole))
		if err := os.WriteFile(path, untouched, 0o666); err != nil {
			rt.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			rt.Fatal(err)
		}
		defer f.Close()
		w := Clipped(NewWriter(f, o, false), s.Inside)
		for y := 0; y < p.height; {
			n := min(rapid.IntRange(1, 9).Draw(rt, "run"), p.height-y)
			rows := p.rows(y, y+n)
			if rapid.Bool().Draw(rt, "apart") {
				for i := range rows {
					rows[i] = bytes.Clone(rows[i])
				}
			}
			if err := w.WriteRows(y, rows); err != nil {
				rt.Fatal(err)
			}
			y += n
		}
		got, err := os.ReadFile(path)
		if err != nil {
			rt.Fatal(err)
		}
		for i := range whole {
			want := untouched[i]
			if s.holds(int64(i)) {
				want = whole[i]
			}
			if len(got) != len(whole) || got[i] != want {
				rt.Fatalf("%s: byte %d of %d is %d, not %d, with %v", o.Format, i, len(got), got[i], want, s)
			}
		}
	})
}

func TestLayoutOfCompressedFormats(t *testing.T) {
	for _, format := range []string{"png", "jpeg"} {
		if header, row := (Output{Width: 3, Height: 3, Channels: 3, Format: format, Quality: 1}).Layout(); header != 0 || row != 0 {
			t.Errorf("%s: %d and %d bytes", format, header, row)
		}
	}
}
