package ranks

import (
	"context"
	"fmt"

	"halorun/kernels"
	"halorun/ranks/raster"
)

// Describe derives from the header of an input what the job makes of it. The error is a matter of usage: the chain does not take such a
// picture, or the output's format does not hold the result.
func (j Job) Describe(info raster.Info, reading raster.Reading) (*Picture, error) {
	return j.picture(info, reading)
}

// Alone computes the picture's result in the calling goroutine, as one rank with one lane does, without a world: read supplies the input's
// rows, and put is given the result's, tile by tile, from top to bottom. The rows are its own only until it returns. A Picture may
// be computed by several goroutines at once.
func (p *Picture) Alone(ctx context.Context, read kernels.Reader, put func(y int, rows [][]byte) error) error {
	for i, stage := range p.stages {
		take := put
		var decision kernels.Decision
		if g := stage.Global(); g != nil {
			var err error
			if decision, err = g.Decide(stage.Out, []kernels.Rows{{Hi: stage.Out.Height}}, kernels.Room{}); err != nil {
				return err
			}
			take = func(y int, rows [][]byte) error {
				for i, row := range rows {
					if err := decision.Put(y+i, row); err != nil {
						return err
					}
				}
				return nil
			}
		}
		pipeline := kernels.NewPipeline(stage, read)
		height := min(autoRows(stage), stage.Out.Height)
		rows := newRows(height, stage.Out.RowBytes())
		for y := 0; y < stage.Out.Height; y += height {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			tile := kernels.Rows{Lo: y, Hi: min(y+height, stage.Out.Height)}
			if err := pipeline.Run(tile, rows[:tile.Len()]); err != nil {
				return fmt.Errorf("compute rows %v of stage %d: %w", tile, i, err)
			}
			if err := take(y, rows[:tile.Len()]); err != nil {
				return err
			}
		}
		if decision == nil {
			continue // only the last stage has none
		}
		if err := decision.Resolve(kernels.Alone{}); err != nil {
			return fmt.Errorf("settle stage %d: %w", i, err)
		}
		read = func(y int, dst [][]byte) error {
			for i, row := range dst {
				if err := decision.Row(y+i, row); err != nil {
					return err
				}
			}
			return nil
		}
	}
	return nil
}

// AloneMemory returns about how many bytes Alone takes for it, and an encoder of what it puts.
func (p *Picture) AloneMemory() int64 {
	var most, kept int64
	for _, s := range p.stages {
		most = max(most, s.Memory()+max(tileBytes, int64(s.Out.RowBytes())))
		if g := s.Global(); g != nil {
			kept += g.DecisionBytes(s.Out)
		}
	}
	if e := p.Output.Encoder(); e != nil {
		most += int64(e.SegmentRows())*int64(p.Output.Width)*int64(p.Output.Channels) + 2*int64(e.Bound())
	}
	return most + kept
}
