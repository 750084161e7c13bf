package kernels

var _ = register(Definition{
	Name: "dilate", Order: 31, Border: BorderReplicate,
	Doc:    "the greatest sample of a rectangle, which spreads what is bright (dilate)",
	Params: morphologyParams,
	Build:  func(a Args, _ int) ([]Op, error) { return inTurn(a, dilation), nil },
})
