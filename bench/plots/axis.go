package plots

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"
)

// Axis is one of a plot's.
type Axis struct {
	Label  string // with the unit
	Log    bool   // equal factors are equally far apart
	Lo, Hi float64
	Ticks  []Tick
}

// Tick is a mark on an axis.
type Tick struct {
	At    float64
	Label string // "" for a mark without one
}

// place returns where a value is, from 0 at Lo to 1 at Hi.
func (a Axis) place(v float64) float64 {
	if a.Log {
		return math.Log(v/a.Lo) / math.Log(a.Hi/a.Lo)
	}
	return (v - a.Lo) / (a.Hi - a.Lo)
}

// LogAxis returns an axis over the given values, with a mark at each power of two and labels at as many as there is room for. Values of 0
// and less have no place on it.
func LogAxis(label string, most int, values ...float64) Axis {
	values = slices.DeleteFunc(slices.Clone(values), func(v float64) bool { return !(v > 0) || math.IsInf(v, 0) })
	if len(values) == 0 {
		values = []float64{1}
	}
	first, last := math.Floor(math.Log2(slices.Min(values))+1e-9), math.Ceil(math.Log2(slices.Max(values))-1e-9)
	if last == first {
		last++
	}
	every := math.Ceil((last - first + 1) / float64(most))
	a := Axis{Label: label, Log: true, Lo: math.Exp2(first), Hi: math.Exp2(last)}
	for e := first; e <= last; e++ {
		t := Tick{At: math.Exp2(e)}
		if math.Mod(e, every) == 0 {
			t.Label = powerOfTwo(e)
		}
		a.Ticks = append(a.Ticks, t)
	}
	return a
}

func powerOfTwo(e float64) string {
	if e < 0 {
		return "1/" + strconv.FormatFloat(math.Exp2(-e), 'f', -1, 64)
	}
	return strconv.FormatFloat(math.Exp2(e), 'f', -1, 64)
}

// LinearAxis returns an axis from lo to at least hi, with marks at round numbers.
func LinearAxis(label string, lo, hi float64) Axis {
	if !(hi > lo) || math.IsInf(hi, 0) {
		hi = lo + 1
	}
	step := roundStep((hi - lo) / 5)
	a := Axis{Label: label, Lo: lo, Hi: lo + step*math.Ceil((hi-lo)/step-1e-9)}
	_, decimals, _ := strings.Cut(strconv.FormatFloat(step, 'f', -1, 64), ".")
	for i := range int(math.Round((a.Hi-lo)/step)) + 1 {
		v := lo + step*float64(i)
		a.Ticks = append(a.Ticks, Tick{v, strconv.FormatFloat(v, 'f', len(decimals), 64)})
	}
	return a
}

// roundStep returns the least of 1, 2, 2.5 and 5 times a power of ten that is not less than v.
func roundStep(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 2.5, 5} {
		if m*power >= v*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// axes draws ticks, labels and the lines of the grid.
func (f *Plot) axes(p *pen, a frame) {
	for _, t := range f.X.Ticks {
		x, _ := f.at(a, t.At, f.Y.Lo)
		p.stroke(Black, 0.8, nil, x, a.y0, x, a.y0-tickLength)
		if len(f.Bars) == 0 && t.Label != "" {
			p.stroke(LightGrey, 0.5, nil, x, a.y0, x, a.y1)
		}
		p.text(letters, x-p.width(letters, t.Label)/2, a.y0-tickLength-letters, t.Label, Black)
	}
	for _, t := range f.Y.Ticks {
		_, y := f.at(a, f.X.Lo, t.At)
		p.stroke(Black, 0.8, nil, a.x0, y, a.x0-tickLength, y)
		if t.Label != "" {
			p.stroke(LightGrey, 0.5, nil, a.x0, y, a.x1, y)
		}
		p.text(letters, a.x0-tickLength-3-p.width(letters, t.Label), y-letters*0.35, t.Label, Black)
	}
	p.text(letters, (a.x0+a.x1-p.width(letters, f.X.Label))/2, a.y0-tickLength-2*lineHeight+1, f.X.Label, Black)
	p.Push()
	p.Translate(vg.Point{X: margin + letters, Y: (a.y0 + a.y1 - p.width(letters, f.Y.Label)) / 2})
	p.Rotate(math.Pi / 2)
	p.text(letters, 0, 0, f.Y.Label, Black)
	p.Pop()
}
