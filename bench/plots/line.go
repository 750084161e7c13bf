package plots

import (
	"math"

	"gonum.org/v1/plot/vg"
)

// Marker is the form of a line's points.
type Marker int

// The markers.
const (
	NoMarker Marker = iota
	Disc
	Square
	Triangle
	Diamond
)

// line draws a series. Points that have no place on a logarithmic axis are left out.
func (f *Plot) line(p *pen, a frame, l Line) {
	var path vg.Path
	for i := range l.X {
		if !f.placed(l.X[i], l.Y[i]) {
			continue
		}
		x, y := f.at(a, l.X[i], l.Y[i])
		if len(path) == 0 {
			path.Move(vg.Point{X: x, Y: y})
		} else {
			path.Line(vg.Point{X: x, Y: y})
		}
	}
	if l.Width > 0 && len(path) > 1 {
		p.strokePath(l.Colour, l.Width, l.Dashes, path)
	}
	for i := range l.X {
		if !f.placed(l.X[i], l.Y[i]) {
			continue
		}
		x, y := f.at(a, l.X[i], l.Y[i])
		if l.Low != nil && f.placed(l.X[i], l.Low[i]) && f.placed(l.X[i], l.High[i]) {
			_, lo := f.at(a, l.X[i], l.Low[i])
			_, hi := f.at(a, l.X[i], l.High[i])
			const cap = 3
			p.stroke(l.Colour, 0.9, nil, x, lo, x, hi)
			p.stroke(l.Colour, 0.9, nil, x-cap, lo, x+cap, lo)
			p.stroke(l.Colour, 0.9, nil, x-cap, hi, x+cap, hi)
		}
		p.marker(l.Marker, x, y, l.Colour, l.Hollow != nil && l.Hollow[i])
	}
}

func (f *Plot) placed(x, y float64) bool {
	return !math.IsNaN(x+y) && !math.IsInf(x+y, 0) && (!f.X.Log || x > 0) && (!f.Y.Log || y > 0)
}

// marker draws one point, white inside if it is hollow.
func (p *pen) marker(m Marker, x, y vg.Length, c Colour, hollow bool) {
	const r = 3.2
	var path vg.Path
	switch m {
	case NoMarker:
		return
	case Disc:
		path.Move(vg.Point{X: x + r, Y: y})
		path.Arc(vg.Point{X: x, Y: y}, r, 0, 2*math.Pi)
	case Square:
		path = polygon(x-r, y-r, x+r, y-r, x+r, y+r, x-r, y+r)
	case Triangle:
		path = polygon(x-1.15*r, y-0.8*r, x+1.15*r, y-0.8*r, x, y+1.2*r)
	case Diamond:
		path = polygon(x-1.3*r, y, x, y-1.3*r, x+1.3*r, y, x, y+1.3*r)
	}
	path.Close()
	inside := c
	if hollow {
		inside = White
	}
	p.SetColor(inside)
	p.Fill(path)
	p.strokePath(c, 1.1, nil, path)
}

// polygon returns a path through points given as x, y, x, y, …
func polygon(at ...vg.Length) (path vg.Path) {
	path.Move(vg.Point{X: at[0], Y: at[1]})
	for i := 2; i < len(at); i += 2 {
		path.Line(vg.Point{X: at[i], Y: at[i+1]})
	}
	return path
}
