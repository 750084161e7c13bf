package ranks

import (
	"cmp"
	"slices"

	"halorun/comm"
	"halorun/kernels"
	"halorun/ranks/raster"
)

// Plan says who does what in an epoch. The head decides it and everybody else obeys it.
type Plan struct {
	Readers []bool      `json:"readers"` // by member: reads its rows of INPUT itself
	Writers []bool      `json:"writers"` // by member: writes its rows of OUTPUT itself
	Lanes   int         `json:"lanes"`   // of a rank
	Stages  []StagePlan `json:"stages"`
	// Shared lists the parts of OUTPUT that the head alone writes, though they hold bytes of ranks that write themselves.
	Shared raster.Extents `json:"shared"`
	// Done are the rows of OUTPUT that are there already.
	Done []kernels.Rows `json:"done"`
	// Complete tells that nothing is to be computed, because all rows are in OUTPUT.
	Complete bool `json:"complete"`
}

// StagePlan says who computes which rows of a stage's result.
type StagePlan struct {
	TileRows int `json:"tile_rows"` // height of a tile; the last of a run may be lower
	// Runs holds for each lane its runs of rows, rising; lane l of rank r is Runs[r*Lanes+l]. A head that is no rank has none.
	Runs [][]kernels.Rows `json:"runs"`
	// Held lists by member the rows that it has from an earlier epoch; nil if nobody has any. Runs and Held, and for the last stage what
	// is in OUTPUT already, cover the result once.
	Held [][]kernels.Rows `json:"held"`
}

// tileBytes is the size of a tile's result when the user leaves its height to us: large enough for fast writes and
// messages, small enough to stay in the cache until it is written.
const tileBytes = 1 << 20

// division is by what a Plan divides the work.
type division struct {
	ranks, lanes int
	tileRows     int                 // 0: as is best
	shrink       int                 // how often to halve that
	segment      int                 // rows of a segment of OUTPUT, of which a tile is a multiple; 0 if there are none
	most         func(stage int) int // rows of a tile for which there is memory
	comesInOrder bool                // INPUT is decoded from top to bottom
	takesInOrder bool                // OUTPUT is written from top to bottom
}

// division returns how a world of the given size divides the work. encoder is that of OUTPUT, or nil, and direct tells whether rows of OUTPUT can be written in any order.
func (j Job) division(p *Picture, size int, encoder raster.Encoder, direct bool) division {
	return division{
		ranks: j.ranks(size), lanes: j.lanes(), tileRows: j.TileRows, shrink: j.Shrink,
		segment: segmentRows(encoder), comesInOrder: !p.Direct, takesInOrder: !direct,
		most: func(stage int) int {
			return j.mostTileRows(p, p.stages[stage], encoder != nil && stage == len(p.stages)-1, size)
		},
	}
}

// rows returns the height of a stage's tiles.
func (d division) rows(stage, auto int) int {
	rows := d.tileRows
	if rows == 0 {
		rows = min(auto, d.most(stage))
	}
	rows = max(1, rows>>min(d.shrink, 30))
	if d.segment > 0 {
		rows = max(1, rows/d.segment) * d.segment
	}
	return rows
}

// decide makes the plan for the given stages, and as many members as there are readers and writers.
//
// A lane's runs are one contiguous band where rows may be read and written in any order: that needs the fewest halo rows. Where they
// come in order, or the sink takes them so, tiles are dealt out in turn, so that nobody waits for half a picture to be decoded, or to be
// written.
func decide(stages []kernels.Stage, readers, writers []bool, there standing, d division) Plan {
	p := Plan{Readers: readers, Writers: writers, Lanes: d.lanes, Done: there.done}
	last := len(stages) - 1
	inTurn := func(i int) bool {
		switch {
		case d.ranks*d.lanes == 1:
			return false // one lane goes from top to bottom anyway
		case i == 0 && d.comesInOrder:
			return true
		case i == last-1 && len(stages[last].Steps) == 0 && d.segment > 0:
			return d.takesInOrder // the last stage only encodes what is there
		}
		return i == last && d.takesInOrder
	}
	all := rowSet{{Hi: stages[last].Out.Height}}
	p.Complete = all.without(there.done).len() == 0
	for i, s := range stages {
		need := rowSet{{Hi: s.Out.Height}}
		if i == last {
			need = need.without(there.done)
		}
		if p.Complete {
			need = nil
		}
		var held [][]kernels.Rows
		if there.held != nil {
			held, need = assign(there.held[i], need)
		}
		if i > 0 && len(s.Steps) == 0 && held == nil && p.Stages[i-1].Held == nil && len(there.done) == 0 {
			same := p.Stages[i-1] // nothing to compute: rows stay where they are
			same.TileRows = d.rows(i, autoRows(s))
			p.Stages = append(p.Stages, same)
			continue
		}
		if inTurn(i) {
			p.Stages = append(p.Stages, dealt(i, s, d, need))
		} else {
			p.Stages = append(p.Stages, banded(i, s, d, need))
		}
		plan := &p.Stages[i]
		plan.Runs = append(plan.Runs, make([][]kernels.Rows, len(readers)*d.lanes-len(plan.Runs))...)
		plan.Held = held
	}
	return p
}

// assign gives every row that is needed and that somebody claims to have to one who does, never parts of two claims as one, and returns
// the rows that nobody has.
func assign(claims [][]kernels.Rows, need rowSet) (held [][]kernels.Rows, lacking rowSet) {
	var all []owned
	for m, rows := range claims {
		for _, r := range rows {
			all = append(all, owned{r, m, true})
		}
	}
	if len(all) == 0 {
		return nil, need
	}
	slices.SortFunc(all, func(a, b owned) int { return cmp.Or(a.tile.Lo-b.tile.Lo, b.tile.Hi-a.tile.Hi) })
	held = make([][]kernels.Rows, len(claims))
	taken := 0
	for _, c := range all {
		for _, part := range need.within(kernels.Rows{Lo: max(c.tile.Lo, taken), Hi: c.tile.Hi}) {
			held[c.rank] = append(held[c.rank], part)
			taken = part.Hi
		}
	}
	return held, need.without(union(held...))
}

// localBytes is that where the result stays on the rank, and small tiles stay in a nearer cache.
const localBytes = 256 << 10

func autoRows(s kernels.Stage) int {
	bytes := tileBytes
	if s.Global() != nil {
		bytes = localBytes
	}
	return max(1, bytes/s.Out.RowBytes())
}

func banded(stage int, s kernels.Stage, d division, need rowSet) StagePlan {
	height, lanes := max(1, need.len()), d.ranks*d.lanes
	tileRows := d.rows(stage, min(autoRows(s), (height+lanes-1)/lanes))
	p := StagePlan{TileRows: tileRows, Runs: make([][]kernels.Rows, lanes)}
	tiles := cut(need, tileRows)
	for l := range p.Runs {
		p.Runs[l] = union(tiles[l*len(tiles)/lanes : (l+1)*len(tiles)/lanes])
	}
	return p
}

func dealt(stage int, s kernels.Stage, d division, need rowSet) StagePlan {
	height, lanes := max(1, need.len()), d.ranks*d.lanes
	// Each tile's halo is computed and sent again, so a tile is several times as high as its halo.
	halo := s.InRows(kernels.Rows{Lo: s.Out.Height / 2, Hi: s.Out.Height/2 + 1}).Len() - 1
	tileRows := d.rows(stage, min(max(autoRows(s), 4*halo), (height+lanes-1)/lanes))
	p := StagePlan{TileRows: tileRows, Runs: make([][]kernels.Rows, lanes)}
	for i, tile := range cut(need, tileRows) {
		rank, lane := i%d.ranks, i/d.ranks%d.lanes
		l := rank*d.lanes + lane
		p.Runs[l] = append(p.Runs[l], tile)
	}
	return p
}

// rising returns the runs of all lanes, and what is held, from top to bottom.
func (p StagePlan) rising(lanes int) []owned {
	var runs []owned
	for m, rs := range p.Held {
		for _, run := range rs {
			runs = append(runs, owned{run, m, true})
		}
	}
	for l, rs := range p.Runs {
		for _, run := range rs {
			runs = append(runs, owned{run, l / lanes, false})
		}
	}
	slices.SortFunc(runs, func(a, b owned) int { return a.tile.Lo - b.tile.Lo })
	return runs
}

// ascending returns the tiles of several lanes' runs from top to bottom.
func (p StagePlan) ascending(lanes [][]kernels.Rows) []kernels.Rows {
	var tiles []kernels.Rows
	for _, runs := range lanes {
		tiles = append(tiles, cut(runs, p.TileRows)...)
	}
	slices.SortFunc(tiles, func(a, b kernels.Rows) int { return a.Lo - b.Lo })
	return tiles
}

// laneTile is a tile and the lane of its rank that computes it, or fromStock.
type laneTile struct {
	tile kernels.Rows
	lane int
}

// fromStock stands for the lane of a tile that is held.
const fromStock = -1

// inTurn returns the tiles that a rank holds, and then those of its lanes: each lane's first, from the first lane to the last, then each
// lane's second, and so on, in which order they are done if all lanes are equally fast.
func (p StagePlan) inTurn(rank, count int) []laneTile {
	lanes := p.of(rank, count)
	of := make([][]kernels.Rows, len(lanes))
	for l, runs := range lanes {
		of[l] = p.ascending([][]kernels.Rows{runs})
	}
	var tiles []laneTile
	for _, t := range p.heldBy(rank) {
		tiles = append(tiles, laneTile{t, fromStock})
	}
	for i, more := 0, true; more; i++ {
		more = false
		for l := range of {
			if i < len(of[l]) {
				tiles = append(tiles, laneTile{of[l][i], l})
				more = true
			}
		}
	}
	return tiles
}

// highest returns the height of the highest tile of the runs.
func (p StagePlan) highest(runs []kernels.Rows) int {
	h := 0
	for _, run := range runs {
		h = max(h, min(p.TileRows, run.Len()))
	}
	return h
}

// of returns the runs of a rank, lane by lane.
func (p StagePlan) of(rank, lanes int) [][]kernels.Rows { return p.Runs[rank*lanes : (rank+1)*lanes] }

// heldBy returns what a member holds.
func (p StagePlan) heldBy(member int) []kernels.Rows {
	if p.Held == nil {
		return nil
	}
	return p.Held[member]
}

// rowsOf returns the rows that a member holds or computes.
func (p StagePlan) rowsOf(member, lanes int) rowSet {
	return union(slices.Concat(p.of(member, lanes)...), p.heldBy(member))
}

// holdings says for every run of every rank who has it, as comm wants to know it.
func (p StagePlan) holdings(lanes, rowBytes int) []comm.Placed {
	var have []comm.Placed
	for _, run := range p.rising(lanes) {
		have = append(have, comm.Placed{Rank: run.rank, Rect: rect(run.tile, rowBytes)})
	}
	return have
}

func rect(r kernels.Rows, rowBytes int) comm.Rect {
	return comm.Rect{Y0: int64(r.Lo), Y1: int64(r.Hi), X1: int64(rowBytes)}
}
