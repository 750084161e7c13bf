package kernels

var _ = register(Definition{
	Name: "open", Order: 32, Border: BorderReplicate,
	Doc:    "erode, then dilate: removes what is bright and smaller than the rectangle (MORPH_OPEN)",
	Params: morphologyParams,
	Build:  func(a Args, _ int) ([]Op, error) { return inTurn(a, erosion, dilation), nil },
})
