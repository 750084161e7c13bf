package raster

import "sort"

// Extent is the bytes From to To of a file, the last one not included.
type Extent struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// Extents are parts of a file that rise and do not overlap.
type Extents []Extent

// Inside returns what of x, which is not empty, lies in s.
func (s Extents) Inside(x Extent) Extents {
	var in Extents
	for _, e := range s[s.first(x.From):] {
		if e.From >= x.To {
			break
		}
		in = append(in, Extent{max(e.From, x.From), min(e.To, x.To)})
	}
	return in
}

// Outside returns what of x, which is not empty, does not lie in s.
func (s Extents) Outside(x Extent) Extents {
	var out Extents
	for _, e := range s[s.first(x.From):] {
		if e.From >= x.To {
			break
		}
		if x.From < e.From {
			out = append(out, Extent{x.From, e.From})
		}
		x.From = e.To
	}
	if x.From < x.To {
		out = append(out, x)
	}
	return out
}

// first returns the number of the first extent that ends behind at.
func (s Extents) first(at int64) int {
	return sort.Search(len(s), func(i int) bool { return s[i].To > at })
}
