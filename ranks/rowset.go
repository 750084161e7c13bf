package ranks

import (
	"slices"
	"sort"

	"halorun/kernels"
)

// rowSet is a set of rows: runs that rise and neither overlap nor touch.
type rowSet []kernels.Rows

// with returns the union of s, which it may use up, and a run.
func (s rowSet) with(r kernels.Rows) rowSet {
	if r.Len() == 0 {
		return s
	}
	// Those from i to j, the last one not included, touch it.
	i := sort.Search(len(s), func(i int) bool { return s[i].Hi >= r.Lo })
	j := i
	for ; j < len(s) && s[j].Lo <= r.Hi; j++ {
		r = kernels.Rows{Lo: min(r.Lo, s[j].Lo), Hi: max(r.Hi, s[j].Hi)}
	}
	return slices.Replace(s, i, j, r)
}

// union returns the rows that are in any of some runs, in any order.
func union(runs ...[]kernels.Rows) rowSet {
	all := slices.Concat(runs...)
	slices.SortFunc(all, func(a, b kernels.Rows) int { return a.Lo - b.Lo })
	u := rowSet(all[:0])
	for _, r := range all {
		switch n := len(u); {
		case r.Len() == 0:
		case n > 0 && r.Lo <= u[n-1].Hi:
			u[n-1].Hi = max(u[n-1].Hi, r.Hi)
		default:
			u = append(u, r)
		}
	}
	return u
}

// within returns what of s lies in r.
func (s rowSet) within(r kernels.Rows) rowSet { return within(s, r) }

// without returns what of s does not lie in o.
func (s rowSet) without(o rowSet) rowSet {
	var rest rowSet
	for _, r := range s {
		for _, hole := range o.within(r) {
			if hole.Lo > r.Lo {
				rest = append(rest, kernels.Rows{Lo: r.Lo, Hi: hole.Lo})
			}
			r.Lo = hole.Hi
		}
		if r.Len() > 0 {
			rest = append(rest, r)
		}
	}
	return rest
}

// and returns what is in both.
func (s rowSet) and(o rowSet) rowSet {
	var both rowSet
	for _, r := range s {
		both = append(both, o.within(r)...)
	}
	return both
}

// len returns the number of rows.
func (s rowSet) len() int {
	n := 0
	for _, r := range s {
		n += r.Len()
	}
	return n
}

// within returns the parts of runs, which rise and do not overlap, that lie in tile.
func within(runs []kernels.Rows, tile kernels.Rows) []kernels.Rows {
	var parts []kernels.Rows
	for _, run := range runs[sort.Search(len(runs), func(i int) bool { return runs[i].Hi > tile.Lo }):] {
		if run.Lo >= tile.Hi {
			break
		}
		if part := run.Intersect(tile); part.Len() > 0 {
			parts = append(parts, part)
		}
	}
	return parts
}

// cut cuts runs into tiles of at most n rows.
func cut(runs []kernels.Rows, n int) []kernels.Rows {
	var tiles []kernels.Rows
	for _, run := range runs {
		for y := run.Lo; y < run.Hi; y += n {
			tiles = append(tiles, kernels.Rows{Lo: y, Hi: min(y+n, run.Hi)})
		}
	}
	return tiles
}
