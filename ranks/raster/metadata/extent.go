package metadata

import (
	"cmp"
	"slices"
	"sort"
)

// extent is bytes, the last one not included.
type extent struct{ from, to uint64 }

func (x extent) within(size uint64) extent { return extent{min(x.from, size), min(x.to, size)} }

// union returns the same bytes in extents that rise and do not touch.
func union(all []extent) []extent {
	slices.SortFunc(all, func(a, b extent) int { return cmp.Compare(a.from, b.from) })
	var out []extent
	for _, x := range all {
		switch n := len(out); {
		case x.from >= x.to:
		case n > 0 && x.from <= out[n-1].to:
			out[n-1].to = max(out[n-1].to, x.to)
		default:
			out = append(out, x)
		}
	}
	return out
}

// minus returns what of x is not in others, which are a union.
func (x extent) minus(others []extent) []extent {
	var out []extent
	for _, o := range others[sort.Search(len(others), func(i int) bool { return others[i].to > x.from }):] {
		if o.from >= x.to {
			break
		}
		if x.from < o.from {
			out = append(out, extent{x.from, o.from})
		}
		x.from = o.to
	}
	if x.from < x.to {
		out = append(out, x)
	}
	return out
}
