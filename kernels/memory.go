package kernels

import (
	"golang.org/x/sync/errgroup"
)

// Runner applies a chain to pictures in memory, as one rank does it: tile by tile, with a number of threads. It takes all its memory
// when it is made. One goroutine may use a Runner at a time.
type Runner struct {
	stages []Stage
	lanes  [][]*lane // by stage and thread
	src    [][]byte
	before Decision // the one that the stage at work reads
}

// lane is what one thread needs for one stage.
type lane struct {
	pipeline *Pipeline
	rows     Rows // of the stage's result that it computes
	tile     [][]byte
}

// tileBytes is the size of a tile's result, as ranks choose it.
const tileBytes = 1 << 20

// farBytes is the size of a result beyond which its beginning has left the caches by the time it is complete.
const farBytes = 32 << 20

// NewRunner returns a Runner for pictures of shape in.
func (c Chain) NewRunner(in Shape, threads int) (*Runner, error) {
	stages, err := c.Stages(in)
	if err != nil {
		return nil, err
	}
	r := &Runner{stages: stages}
	lend := func(y int) []byte { return r.src[y] }
	read := func(y int, dst [][]byte) error {
		for i, row := range dst {
			if err := r.before.Row(y+i, row); err != nil {
				return err
			}
		}
		return nil
	}
	for i, s := range stages {
		var lanes []*lane
		height := s.Out.Height
		for t := range threads {
			l := &lane{rows: Rows{height * t / threads, height * (t + 1) / threads}}
			if i == 0 {
				l.pipeline = NewPipelineOver(s, lend)
			} else {
				l.pipeline = NewPipeline(s, read)
			}
			if far := s.Out.Height*s.Out.RowBytes() > farBytes; far && i == len(stages)-1 && s.Global() == nil && len(s.Steps) > 0 {
				l.pipeline.far(s)
			}
			if s.Global() != nil {
				l.tile = makeRows(Shape{s.Out.Width, min(tileRows(s), l.rows.Len()), s.Out.Channels})
			}
			lanes = append(lanes, l)
		}
		r.lanes = append(r.lanes, lanes)
	}
	return r, nil
}

// tileRows returns how many rows of the stage's result make a tile.
func tileRows(s Stage) int { return max(1, tileBytes/max(1, s.Out.RowBytes())) }

// Out returns the shape of the result.
func (r *Runner) Out() Shape { return r.stages[len(r.stages)-1].Out }

// Run computes the result of the picture src into dst, both a slice per row.
func (r *Runner) Run(dst, src [][]byte) error {
	r.src, r.before = src, nil
	for _, lanes := range r.lanes {
		for _, l := range lanes {
			l.pipeline.forget()
		}
	}
	for i, s := range r.stages {
		g := s.Global()
		if g == nil { // only the last stage may lack one
			return r.each(i, func(l *lane, tile Rows) error { return l.pipeline.Run(tile, dst[tile.Lo:tile.Hi]) })
		}
		d, err := g.Decide(s.Out, []Rows{{0, s.Out.Height}}, Room{})
		if err != nil {
			return err
		}
		err = r.each(i, func(l *lane, tile Rows) error {
			err := l.pipeline.Run(tile, l.tile[:tile.Len()])
			for y := tile.Lo; err == nil && y < tile.Hi; y++ {
				err = d.Put(y, l.tile[y-tile.Lo])
			}
			return err
		})
		if err != nil {
			return err
		}
		if err := d.Resolve(Alone{}); err != nil {
			return err
		}
		r.before = d
	}
	return r.each(len(r.stages)-1, func(_ *lane, tile Rows) error {
		for y := tile.Lo; y < tile.Hi; y++ {
			if err := r.before.Row(y, dst[y]); err != nil {
				return err
			}
		}
		return nil
	})
}

// each calls do for the tiles of a stage's result, in as many threads as there are lanes.
func (r *Runner) each(stage int, do func(*lane, Rows) error) error {
	var g errgroup.Group
	n := tileRows(r.stages[stage])
	for _, l := range r.lanes[stage] {
		g.Go(func() error {
			for y := l.rows.Lo; y < l.rows.Hi; y += n {
				if err := do(l, Rows{y, min(y+n, l.rows.Hi)}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// Alone are the Peers of the only rank.
type Alone struct{}

// SwapBorders implements Peers.
func (Alone) SwapBorders(func(int) ([]byte, error), func(int, []byte) error) error { return nil }

// Any implements Peers.
func (Alone) Any(b bool) (bool, error) { return b, nil }

// Sum implements Peers.
func (Alone) Sum([]int64) error { return nil }

// makeRows returns the rows of a picture.
func makeRows(s Shape) [][]byte {
	rows := make([][]byte, s.Height)
	all := make([]byte, s.Height*s.RowBytes())
	for y := range rows {
		rows[y] = all[y*s.RowBytes():][:s.RowBytes():s.RowBytes()]
	}
	return rows
}
