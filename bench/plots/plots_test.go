package plots

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image"
	"image/png"
	"io"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// anyPlot has all that can be drawn, with values that cannot.
func anyPlot() *Plot {
	values := []float64{1, 0.4, 0, -3, math.NaN(), math.Inf(1), 700}
	x := []float64{1, 2, 4, 8, 16, 32, 64}
	f := &Plot{X: LogAxis("number of ranks", 11, x...), Y: LogAxis("speed-up", 7, values...), Notes: []string{"a note"}}
	for m := NoMarker; m <= Diamond; m++ {
		f.Lines = append(f.Lines, Line{
			Style: Style{Name: "a name that is long & <odd>", Colour: Blue, Width: 1, Dashes: []float64{3, 2}, Marker: m},
			X:     x, Y: values, Low: values, High: values, Hollow: make([]bool, len(x)),
		})
	}
	return f
}

func anyBars() *Plot {
	f := &Plot{X: Axis{Label: "ranks", Lo: 0.4, Hi: 2.6, Ticks: []Tick{{1, "1"}, {2, "2*"}}}, Y: LinearAxis("time (s)", 0, 7)}
	for h := Plain; h <= Upright; h++ {
		f.Parts = append(f.Parts, Style{Name: "part", Colour: Green, Hatch: h})
	}
	f.Bars = []Bar{{1, []float64{1, 2, 0, math.NaN(), 1, 1}}, {2, []float64{0, 0, 0, 0, 0, 1e-9}}}
	return f
}

// TestDocuments wants well-formed SVG whose numbers are numbers, and PNG of the size that print needs.
func TestDocuments(t *testing.T) {
	for name, f := range map[string]*Plot{"lines": anyPlot(), "bars": anyBars(), "nothing": {X: LogAxis("", 5), Y: LinearAxis("", 0, 0)}} {
		svg, err := f.SVG()
		if err != nil {
			t.Fatal(err)
		}
		for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if s := string(svg); strings.Contains(s, "NaN") || strings.Contains(s, "Inf") || strings.Contains(s, "<text") {
			t.Errorf("%s: has what nobody can draw, or needs a font", name)
		}
		b, err := f.PNG()
		if err != nil {
			t.Fatal(err)
		}
		c, err := png.DecodeConfig(bytes.NewReader(b))
		if err != nil || c.Width != Width*dotsPerInch/72 || c.Height != (Height*dotsPerInch+36)/72 {
			t.Errorf("%s: %v × %v, %v", name, c.Width, c.Height, err)
		}
	}
}

// TestAxes wants ticks in order within the axis, and all values within it, too.
func TestAxes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(1e-3, 1e5), 1, 9).Draw(t, "values")
		lo := rapid.Float64Range(0, 10).Draw(t, "lo")
		hi := lo + rapid.Float64Range(1e-4, 1e6).Draw(t, "more")
		most := rapid.IntRange(2, 11).Draw(t, "most")
		log, linear := LogAxis("", most, values...), LinearAxis("", lo, hi)
		for _, v := range values {
			if p := log.place(v); p < -1e-9 || p > 1+1e-9 {
				t.Fatalf("%v is at %v", v, p)
			}
		}
		if linear.Hi < hi*(1-1e-9) {
			t.Fatalf("%v is beyond %v", hi, linear.Hi)
		}
		for _, a := range []Axis{log, linear} {
			labels, last := 0, math.Inf(-1)
			seen := make(map[string]bool)
			for _, tick := range a.Ticks {
				p := a.place(tick.At)
				if p <= last || p < -1e-9 || p > 1+1e-9 {
					t.Fatalf("tick %v of %+v", tick, a)
				}
				last = p
				if tick.Label != "" {
					labels++
					if seen[tick.Label] {
						t.Fatalf("label %s twice", tick.Label)
					}
					seen[tick.Label] = true
				}
			}
			if a.Log && labels > most || labels > 11 {
				t.Fatalf("%d labels", labels)
			}
		}
	})
	if a := LinearAxis("efficiency (%)", 0, 110); a.Hi != 125 || a.Ticks[1].Label != "25" {
		t.Errorf("%+v", a)
	}
	if a := LinearAxis("time", 0, 1.2); a.Hi != 1.25 || a.Ticks[1].Label != "0.25" {
		t.Errorf("%+v", a)
	}
	if a := LogAxis("ranks", 11, 0.3, 6); a.Lo != 0.25 || a.Hi != 8 || a.Ticks[0].Label != "1/4" || a.Ticks[5].Label != "8" {
		t.Errorf("%+v", a)
	}
}

// TestLegend keeps it out of the data, however much is in it.
func TestLegend(t *testing.T) {
	face, err := newFaces()
	if err != nil {
		t.Fatal(err)
	}
	p := pen{faces: face}
	f := anyBars()
	g := f.legend(&p, 200)
	for _, row := range g.rows {
		for i, e := range row {
			end := e.x + e.sample() + nearness + p.width(letters, e.Name)
			if end > 200 || i+1 < len(row) && end > row[i+1].x {
				t.Errorf("%s ends at %v", e.Name, end)
			}
		}
	}
	if p.width(letters, "iii") >= p.width(letters, "WWW") || p.width(letters, "") != 0 {
		t.Error("widths make no sense")
	}
}

// A PNG says how large it is on paper, and is one still.
func TestDensity(t *testing.T) {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 3, 2))); err != nil {
		t.Fatal(err)
	}
	all := withDensity(b.Bytes())
	if _, err := png.Decode(bytes.NewReader(all)); err != nil { // it checks sums of chunks
		t.Error(err)
	}
	if want := "\x00\x00\x00\x09pHYs\x00\x00\x2e\x23\x00\x00\x2e\x23\x01"; !bytes.Contains(all, []byte(want)) { // 11811 pixels a metre
		t.Errorf("%q", all)
	}
}
