package plots

import (
	"gonum.org/v1/plot/vg"
)

// Plot is a diagram with two axes.
type Plot struct {
	X, Y  Axis
	Lines []Line
	Bars  []Bar   // stacked, over whole numbers of the X axis
	Parts []Style // of each bar, from below
	Notes []string
}

// Line is a series of points, which X orders.
type Line struct {
	Style
	X, Y      []float64
	Low, High []float64 // ends of error bars; nil if there are none
	Hollow    []bool    // points whose marker is not filled; nil if all are
}

// Bar is a stack of parts over a place of the X axis.
type Bar struct {
	At    float64
	Parts []float64
}

// Style says how a line or a part of a bar looks.
type Style struct {
	Name   string // in the legend; "" leaves it out
	Colour Colour
	Dashes []float64 // points; nil is a line without gaps
	Width  float64   // of the line, in points; 0 draws none
	Marker Marker
	Hatch  Hatch
}

// Size of a plot, in points of 1/72 inch. It fits the width of a page of text; at half of it, that of a column, its letters are still to be read.
const (
	Width  = 396
	Height = 274
)

// Distances, in points.
const (
	margin     = 8
	letters    = 10 // size of the font
	small      = 8.5
	lineHeight = 13
	tickLength = 4
)

// draw draws the plot on a canvas of Width by Height.
func (f *Plot) draw(c vg.Canvas, face *faces) {
	p := pen{Canvas: c, faces: face}
	p.box(0, 0, Width, Height, White)
	yLabels := vg.Length(0)
	for _, t := range f.Y.Ticks {
		yLabels = max(yLabels, p.width(letters, t.Label))
	}
	area := frame{
		x0: margin + lineHeight + 4 + yLabels + tickLength + 3,
		x1: Width - margin - 6,
		y0: margin + vg.Length(len(f.Notes))*(small+3) + 2*lineHeight + tickLength + 6,
	}
	if n := len(f.X.Ticks); n > 0 { // the last label is around the corner
		area.x1 = Width - margin - max(6, p.width(letters, f.X.Ticks[n-1].Label)/2)
	}
	legend := f.legend(&p, Width-margin-area.x0)
	area.y1 = Height - margin - legend.height() - 6
	f.axes(&p, area)
	legend.draw(&p, area)
	for _, b := range f.Bars {
		f.bar(&p, area, b)
	}
	p.rect(area.x0, area.y0, area.x1, area.y1, Black, 0.8)
	for _, l := range f.Lines {
		f.line(&p, area, l)
	}
	for i, n := range f.Notes {
		y := margin + vg.Length(len(f.Notes)-1-i)*(small+3) + 2
		p.text(small, area.x0, y, n, DarkGrey)
	}
}

// frame is the part of a plot that has the data.
type frame struct{ x0, y0, x1, y1 vg.Length }

func (f *Plot) at(a frame, x, y float64) (vg.Length, vg.Length) {
	return a.x0 + (a.x1-a.x0)*vg.Length(f.X.place(x)), a.y0 + (a.y1-a.y0)*vg.Length(f.Y.place(y))
}
