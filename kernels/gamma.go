package kernels

import "math"

var _ = register(Definition{
	Name: "gamma", Order: 44, Border: BorderNone,
	Doc: "255·(v/255)^(1/value), rounded to the nearest (as ImageMagick's -gamma)",
	Params: []Param{
		{Name: "value", Kind: KindFloat, Default: 2.2, Min: 0.01, Max: 100, Doc: "above 1 brightens, below 1 darkens"},
	},
	Build: func(a Args, _ int) ([]Op, error) {
		exponent := 1 / a.Float("value")
		return []Op{byTable(func(v float64) float64 { return math.Round(255 * math.Pow(v/255, exponent)) })}, nil
	},
})
