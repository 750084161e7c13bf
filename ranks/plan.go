package ranks

import (
	"slices"

	"halorun/comm"
	"halorun/kernels"
	"halorun/ranks/raster"
)

// Plan says who does what. The head decides it and everybody else obeys it.
type Plan struct {
	Readers []bool      `json:"readers"` // by member: reads its rows of INPUT itself
	Writers []bool      `json:"writers"` // by member: writes its rows of OUTPUT itself
	Lanes   int         `json:"lanes"`   // of a rank
	Stages  []StagePlan `json:"stages"`
	// Shared lists the parts of OUTPUT that the head alone writes, though they hold bytes of ranks that write themselves.
	Shared raster.Extents `json:"shared"`
}

// StagePlan says who computes which rows of a stage's result.
type StagePlan struct {
	TileRows int `json:"tile_rows"` // height of a tile; the last of a run may be lower
	// Runs holds for each lane its runs of rows, rising; lane l of rank r is Runs[r*Lanes+l]. A head that is no rank has none.
	// Together they cover the result once.
	Runs [][]kernels.Rows `json:"runs"`
}

// tileBytes is the size of a tile's result when the user leaves its height to us: large enough for fast writes and
// messages, small enough to stay in the cache until it is written.
const tileBytes = 1 << 20

// decide makes the plan for the given stages, as many members as there are readers and writers, and the given number of ranks.
//
// A lane's runs are one contiguous band where rows may be written in any order: that needs the fewest halo rows. Where
// the sink takes rows in order only, tiles are dealt out in turn, so that it never waits for one rank to work through half a picture.
func decide(stages []kernels.Stage, readers, writers []bool, ranks, lanes, tileRows int, inOrder bool) Plan {
	p := Plan{Readers: readers, Writers: writers, Lanes: lanes}
	if ranks*lanes == 1 {
		inOrder = false // one lane takes the rows in order anyway
	}
	for i, s := range stages {
		if i > 0 && len(s.Steps) == 0 {
			p.Stages = append(p.Stages, p.Stages[i-1]) // nothing to compute: rows stay where they are
			continue
		}
		if inOrder && i == len(stages)-1 {
			p.Stages = append(p.Stages, dealt(s, ranks, lanes, tileRows))
		} else {
			p.Stages = append(p.Stages, banded(s, ranks*lanes, tileRows))
		}
		last := &p.Stages[i]
		last.Runs = append(last.Runs, make([][]kernels.Rows, len(readers)*lanes-len(last.Runs))...)
	}
	return p
}

func autoRows(s kernels.Stage) int { return max(1, tileBytes/s.Out.RowBytes()) }

func banded(s kernels.Stage, lanes, tileRows int) StagePlan {
	height := s.Out.Height
	tileRows = min(tileRows, height)
	if tileRows == 0 {
		tileRows = min(autoRows(s), (height+lanes-1)/lanes)
	}
	p := StagePlan{TileRows: tileRows, Runs: make([][]kernels.Rows, lanes)}
	tiles := (height-1)/tileRows + 1
	for l := range p.Runs {
		run := kernels.Rows{Lo: l * tiles / lanes * tileRows, Hi: (l + 1) * tiles / lanes * tileRows}.Clamp(height)
		if run.Len() > 0 {
			p.Runs[l] = []kernels.Rows{run}
		}
	}
	return p
}

func dealt(s kernels.Stage, size, lanes, tileRows int) StagePlan {
	height := s.Out.Height
	tileRows = min(tileRows, height)
	if tileRows == 0 {
		// Each tile's halo is computed and sent again, so a tile is several times as high as its halo.
		halo := s.InRows(kernels.Rows{Lo: height / 2, Hi: height/2 + 1}).Len() - 1
		tileRows = min(max(autoRows(s), 4*halo), (height+size*lanes-1)/(size*lanes))
	}
	p := StagePlan{TileRows: tileRows, Runs: make([][]kernels.Rows, size*lanes)}
	for i := 0; i*tileRows < height; i++ {
		rank, lane := i%size, i/size%lanes
		l := rank*lanes + lane
		p.Runs[l] = append(p.Runs[l], kernels.Rows{Lo: i * tileRows, Hi: (i + 1) * tileRows}.Clamp(height))
	}
	return p
}

// rising returns the runs of all lanes from top to bottom.
func (p StagePlan) rising(lanes int) []owned {
	var runs []owned
	for l, rs := range p.Runs {
		for _, run := range rs {
			runs = append(runs, owned{run, l / lanes})
		}
	}
	slices.SortFunc(runs, func(a, b owned) int { return a.tile.Lo - b.tile.Lo })
	return runs
}

// ascending returns the tiles of several lanes' runs from top to bottom.
func (p StagePlan) ascending(lanes [][]kernels.Rows) []kernels.Rows {
	var tiles []kernels.Rows
	for _, runs := range lanes {
		for _, run := range runs {
			for y := run.Lo; y < run.Hi; y += p.TileRows {
				tiles = append(tiles, kernels.Rows{Lo: y, Hi: min(y+p.TileRows, run.Hi)})
			}
		}
	}
	slices.SortFunc(tiles, func(a, b kernels.Rows) int { return a.Lo - b.Lo })
	return tiles
}

// laneTile is a tile and the lane of its rank that computes it.
type laneTile struct {
	tile kernels.Rows
	lane int
}

// inTurn returns the tiles of a rank's lanes: each lane's first, from the first lane to the last, then each lane's second, and
// so on, in which order they are done if all lanes are equally fast.
func (p StagePlan) inTurn(lanes [][]kernels.Rows) []laneTile {
	of := make([][]kernels.Rows, len(lanes))
	for l, runs := range lanes {
		of[l] = p.ascending([][]kernels.Rows{runs})
	}
	var tiles []laneTile
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

// holdings says for every run of every rank who has it, as comm wants to know it.
func (p StagePlan) holdings(lanes, rowBytes int) []comm.Placed {
	var have []comm.Placed
	for l, runs := range p.Runs {
		for _, run := range runs {
			have = append(have, comm.Placed{Rank: l / lanes, Rect: rect(run, rowBytes)})
		}
	}
	return have
}

func rect(r kernels.Rows, rowBytes int) comm.Rect {
	return comm.Rect{Y0: int64(r.Lo), Y1: int64(r.Hi), X1: int64(rowBytes)}
}
