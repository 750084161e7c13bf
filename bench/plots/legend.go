package plots

import "gonum.org/v1/plot/vg"

// legend is the rows of samples and names above the data.
type legend struct{ rows [][]entry }

type entry struct {
	Style
	bar    bool
	hollow bool
	x      vg.Length // from the left of the row
}

const (
	sample   = 21 // width of a line's sample
	patch    = 14 // of a part's
	spacing  = 10
	nearness = 4 // of a name to its sample
)

// legend arranges the names in as many rows of a width as they need.
func (f *Plot) legend(p *pen, room vg.Length) *legend {
	var all []entry
	for _, s := range f.Parts {
		all = append(all, entry{Style: s, bar: true})
	}
	for _, l := range f.Lines {
		hollow := len(l.Hollow) > 0
		for _, h := range l.Hollow {
			hollow = hollow && h
		}
		all = append(all, entry{Style: l.Style, hollow: hollow})
	}
	g := new(legend)
	x := room
	for _, e := range all {
		if e.Name == "" {
			continue
		}
		w := e.sample() + nearness + p.width(letters, e.Name)
		if x+w > room || len(g.rows) == 0 {
			g.rows = append(g.rows, nil)
			x = 0
		}
		e.x = x
		last := len(g.rows) - 1
		g.rows[last] = append(g.rows[last], e)
		x += w + spacing
	}
	return g
}

func (e entry) sample() vg.Length {
	if e.bar || e.Width == 0 {
		return patch
	}
	return sample
}

func (g *legend) height() vg.Length { return vg.Length(len(g.rows)) * lineHeight }

func (g *legend) draw(p *pen, a frame) {
	for i, row := range g.rows {
		y := Height - margin - vg.Length(i+1)*lineHeight + 3
		for _, e := range row {
			x := a.x0 + e.x
			if e.bar {
				p.patch(x, y-1, x+patch, y+8, e.Style)
			} else {
				if e.Width > 0 {
					p.stroke(e.Colour, e.Width, e.Dashes, x, y+3.5, x+sample, y+3.5)
				}
				p.marker(e.Marker, x+e.sample()/2, y+3.5, e.Colour, e.hollow)
			}
			p.text(letters, x+e.sample()+nearness, y, e.Name, Black)
		}
	}
}
