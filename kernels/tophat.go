package kernels

var _ = register(Definition{
	Name: "tophat", Order: 35, Border: BorderReplicate,
	Doc:    "the picture minus its opening: what is bright and smaller than the rectangle (MORPH_TOPHAT)",
	Params: morphologyParams,
	Build:  func(a Args, _ int) ([]Op, error) { return differenceOf(a, nil, []bool{erosion, dilation}), nil },
})
