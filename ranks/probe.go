package ranks

import "halorun/ranks/raster"

// Probe is how tests look into a rank, and make it fail. The zero value does nothing.
type Probe struct {
	Block   int64                        // instead of blockBytes
	Plan    func(Plan)                   // told the plan
	Wrote   func(e raster.Extent)        // told which bytes of rows are about to be written, if OUTPUT is direct
	At      func(step string, stage int) // called at the steps of the data's way, for each tile
	Fault   func(step string) error      // returns the error of a write at a step
	Corrupt func(stage int) bool         // tells whether to damage a record
}

func (p Probe) block() int64 {
	if p.Block > 0 {
		return p.Block
	}
	return blockBytes
}

func (p Probe) planned(plan Plan) {
	if p.Plan != nil {
		p.Plan(plan)
	}
}

func (p Probe) at(step string, stage int) {
	if p.At != nil {
		p.At(step, stage)
	}
}

func (p Probe) fault(step string) error {
	if p.Fault == nil {
		return nil
	}
	return p.Fault(step)
}

func (p Probe) corrupt(stage int) bool { return p.Corrupt != nil && p.Corrupt(stage) }

// watch returns clip, with Wrote told of what it returns.
func (p Probe) watch(clip func(raster.Extent) raster.Extents) func(raster.Extent) raster.Extents {
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
