package kernels

var _ = register(Definition{
	Name: "blackhat", Order: 36, Border: BorderReplicate,
	Doc:    "the closing minus the picture: what is dark and smaller than the rectangle (MORPH_BLACKHAT)",
	Params: morphologyParams,
	Build:  func(a Args, _ int) ([]Op, error) { return differenceOf(a, []bool{dilation, erosion}, nil), nil },
})
