package kernels

var _ = register(Definition{
	Name: "close", Order: 33, Border: BorderReplicate,
	Doc:    "dilate, then erode: removes what is dark and smaller than the rectangle (MORPH_CLOSE)",
	Params: morphologyParams,
	Build:  func(a Args, _ int) ([]Op, error) { return inTurn(a, dilation, erosion), nil },
})
