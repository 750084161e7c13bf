package ranks

import "halorun/ranks/raster"

// probe is how tests look into a rank. The zero value does nothing.
type probe struct {
	Block int64                 // instead of blockBytes
	Plan  func(Plan)            // told the plan
	Wrote func(e raster.Extent) // told which bytes of rows are about to be written, if OUTPUT is direct
}

func (p probe) block() int64 {
	if p.Block > 0 {
		return p.Block
	}
	return blockBytes
}

func (p probe) planned(plan Plan) {
	if p.Plan != nil {
		p.Plan(plan)
	}
}

// watch returns clip, with Wrote told of what it returns.
func (p probe) watch(clip func(raster.Extent) raster.Extents) func(raster.Extent) raster.Extents {
	if p.Wrote == nil {
		return clip
	}
	return func(x raster.Extent) raster.Extents {
		s := clip(x)
		for _, e := range s {
			p.Wrote(e)
		}
		return s
	}
}
