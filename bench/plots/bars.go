package plots

import (
	"math"

	"gonum.org/v1/plot/vg"
)

// Hatch is a pattern over the colour of a part of a bar.
type Hatch int

// The patterns.
const (
	Plain Hatch = iota
	Rising
	Falling
	Crossed
	Flat
	Upright
)

// barWidth is that of a bar, as a part of the distance between two whole numbers.
const barWidth = 0.62

func (f *Plot) bar(p *pen, a frame, b Bar) {
	x0, _ := f.at(a, b.At-barWidth/2, 0)
	x1, _ := f.at(a, b.At+barWidth/2, 0)
	sum := 0.0
	for i, part := range b.Parts {
		if !(part > 0) || math.IsInf(part, 0) {
			continue
		}
		_, y0 := f.at(a, b.At, sum)
		sum += part
		_, y1 := f.at(a, b.At, sum)
		p.patch(x0, y0, x1, y1, f.Parts[i])
	}
}

// patch draws a rectangle in a style.
func (p *pen) patch(x0, y0, x1, y1 vg.Length, s Style) {
	p.box(x0, y0, x1, y1, s.Colour)
	const gap = 4.5
	switch s.Hatch {
	case Rising, Crossed:
		p.slanted(x0, y0, x1, y1, gap, 1)
		if s.Hatch == Crossed {
			p.slanted(x0, y0, x1, y1, gap, -1)
		}
	case Falling:
		p.slanted(x0, y0, x1, y1, gap, -1)
	case Flat:
		for y := y0 + gap/2; y < y1; y += gap / 1.4 {
			p.stroke(Black, 0.45, nil, x0, y, x1, y)
		}
	case Upright:
		for x := x0 + gap/2; x < x1; x += gap / 1.4 {
			p.stroke(Black, 0.45, nil, x, y0, x, y1)
		}
	}
	p.rect(x0, y0, x1, y1, Black, 0.5)
}

// slanted draws lines of slope 1 or −1 within a rectangle.
func (p *pen) slanted(x0, y0, x1, y1, gap, slope vg.Length) {
	w, h := x1-x0, y1-y0
	for d := gap / 2; d < w+h; d += gap {
		// From the left or lower edge to the upper or right one, for a rising line with its start moved by d.
		ax, ay := max(0, d-h), min(h, d)
		bx, by := min(w, d), max(0, d-w)
		if slope > 0 {
			ay, by = h-ay, h-by
		}
		p.stroke(Black, 0.45, nil, x0+ax, y0+ay, x0+bx, y0+by)
	}
}
