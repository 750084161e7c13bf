package kernels

import "math"

var _ = register(Definition{
	Name: "posterize", Order: 45, Border: BorderNone,
	Doc: "each sample becomes the nearest of some levels, evenly spread from 0 to 255 (as ImageMagick's -posterize)",
	Params: []Param{
		{Name: "levels", Kind: KindInt, Default: 4, Min: 2, Max: 256, Doc: "how many there are"},
	},
	Build: func(a Args, _ int) ([]Op, error) {
		last := a.Float("levels") - 1
		return []Op{byTable(func(v float64) float64 { return math.Round(255 * math.Round(v*last/255) / last) })}, nil
	},
})
