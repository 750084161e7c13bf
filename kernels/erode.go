package kernels

var _ = register(Definition{
	Name: "erode", Order: 30, Border: BorderReplicate,
	Doc:    "the least sample of a rectangle, which spreads what is dark (erode)",
	Params: morphologyParams,
	Build:  func(a Args, _ int) ([]Op, error) { return inTurn(a, erosion), nil },
})
