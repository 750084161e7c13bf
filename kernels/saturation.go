package kernels

var _ = register(Definition{
	Name: "saturation", Order: 47, Border: BorderNone,
	Doc: "grey + factor·(v − grey) for every sample v, as one matrix (transform)",
	Params: []Param{
		{Name: "factor", Kind: KindFloat, Default: 1.5, Min: 0, Max: 10, Doc: "0 leaves grey, 1 all as it is, more makes colours stronger"},
	},
	Build: func(a Args, channels int) ([]Op, error) {
		factor := a.Float("factor")
		if channels == 1 || factor == 1 { // grey stays as it is
			return nil, nil
		}
		var m [3][3]float64
		for i := range m {
			m[i] = [3]float64{(1 - factor) * 0.299, (1 - factor) * 0.587, (1 - factor) * 0.114}
			m[i][i] += factor
		}
		return []Op{colourMatrix(m)}, nil
	},
})
