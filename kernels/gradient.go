package kernels

var _ = register(Definition{
	Name: "gradient", Order: 34, Border: BorderReplicate,
	Doc:    "dilation minus erosion: the outlines (MORPH_GRADIENT)",
	Params: morphologyParams,
	Build:  func(a Args, _ int) ([]Op, error) { return differenceOf(a, []bool{dilation}, []bool{erosion}), nil },
})
