package plots

import (
	"strings"

	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot/vg"
)

// Colour is an opaque colour, as 0xRRGGBB.
type Colour uint32

// The colours of Okabe and Ito (2008), “Color Universal Design”, and greys.
const (
	Black      Colour = 0x000000
	Orange     Colour = 0xe69f00
	SkyBlue    Colour = 0x56b4e9
	Green      Colour = 0x009e73
	Yellow     Colour = 0xf0e442
	Blue       Colour = 0x0072b2
	Vermillion Colour = 0xd55e00
	Purple     Colour = 0xcc79a7
	DarkGrey   Colour = 0x5a5a5a
	Grey       Colour = 0xa0a0a0
	LightGrey  Colour = 0xdedede
	White      Colour = 0xffffff
)

// RGBA makes it a color.Color.
func (c Colour) RGBA() (r, g, b, a uint32) {
	return uint32(c>>16&0xff) * 0x101, uint32(c>>8&0xff) * 0x101, uint32(c&0xff) * 0x101, 0xffff
}

// faces is the font of a plot.
type faces struct {
	font  *sfnt.Font
	units fixed.Int26_6 // of the size of the font
}

func newFaces() (*faces, error) {
	font, err := sfnt.Parse(liberationsansregular.TTF)
	if err != nil {
		return nil, err
	}
	return &faces{font, fixed.Int26_6(font.UnitsPerEm())}, nil
}

// outline adds the outlines of a text, and returns how wide it is.
func (f *faces) outline(path *vg.Path, size, x, y vg.Length, s string) vg.Length {
	var b sfnt.Buffer
	var last sfnt.GlyphIndex
	scale := size / vg.Length(f.units)
	began := x
	for i, r := range s {
		// Errors are of damaged fonts, which this one is not.
		glyph, _ := f.font.GlyphIndex(&b, r)
		if i > 0 {
			kern, _ := f.font.Kern(&b, last, glyph, f.units, font.HintingNone)
			x += vg.Length(kern) * scale
		}
		at := func(p fixed.Point26_6) vg.Point {
			return vg.Point{X: x + vg.Length(p.X)*scale, Y: y - vg.Length(p.Y)*scale}
		}
		segments, _ := f.font.LoadGlyph(&b, glyph, f.units, nil)
		for _, s := range segments {
			switch s.Op {
			case sfnt.SegmentOpMoveTo:
				path.Move(at(s.Args[0]))
			case sfnt.SegmentOpLineTo:
				path.Line(at(s.Args[0]))
			case sfnt.SegmentOpQuadTo:
				path.QuadTo(at(s.Args[0]), at(s.Args[1]))
			case sfnt.SegmentOpCubeTo:
				path.CubeTo(at(s.Args[0]), at(s.Args[1]), at(s.Args[2]))
			}
		}
		advance, _ := f.font.GlyphAdvance(&b, glyph, f.units, font.HintingNone)
		x += vg.Length(advance) * scale
		last = glyph
	}
	return x - began
}

// pen draws the simple things that plots are made of. All lengths are points from the lower left corner.
type pen struct {
	vg.Canvas
	*faces
}

func (p *pen) width(size vg.Length, s string) vg.Length {
	return p.outline(new(vg.Path), size, 0, 0, s)
}

// text draws letters as what they look like, so that they do so where the font is not installed, too.
func (p *pen) text(size, x, y vg.Length, s string, c Colour) {
	if s = strings.TrimSpace(s); s == "" {
		return
	}
	var path vg.Path
	p.outline(&path, size, x, y, s)
	p.SetColor(c)
	p.Fill(path)
}

func (p *pen) box(x0, y0, x1, y1 vg.Length, c Colour) {
	path := polygon(x0, y0, x1, y0, x1, y1, x0, y1)
	path.Close()
	p.SetColor(c)
	p.Fill(path)
}

func (p *pen) rect(x0, y0, x1, y1 vg.Length, c Colour, width float64) {
	path := polygon(x0, y0, x1, y0, x1, y1, x0, y1)
	path.Close()
	p.strokePath(c, width, nil, path)
}

// stroke draws a line through points given as x, y, x, y, …
func (p *pen) stroke(c Colour, width float64, dashes []float64, at ...vg.Length) {
	p.strokePath(c, width, dashes, polygon(at...))
}

func (p *pen) strokePath(c Colour, width float64, dashes []float64, path vg.Path) {
	p.SetColor(c)
	p.SetLineWidth(vg.Length(width))
	lengths := make([]vg.Length, len(dashes))
	for i, d := range dashes {
		lengths[i] = vg.Length(d)
	}
	p.SetLineDash(lengths, 0)
	p.Stroke(path)
}
