package kernels

var _ = register(Definition{
	Name: "threshold", Order: 41, Border: BorderNone,
	Doc: "to grey, then tell levels above a value from the others (threshold)",
	Params: []Param{
		{Name: "value", Kind: KindInt, Default: 128, Min: 0, Max: 255, Doc: "the highest level that is not above"},
		thresholdMax, thresholdType,
	},
	Build: func(a Args, channels int) ([]Op, error) {
		return inGray(channels, byTable(thresholding(a, a.Int("value")))), nil
	},
})

// The parameters that all operations with a threshold share.
var (
	thresholdMax  = Param{Name: "max", Kind: KindInt, Default: 255, Min: 0, Max: 255, Doc: "what binary and binary-inv set"}
	thresholdType = Param{
		Name: "type", Kind: KindChoice, Text: "binary", Choices: []string{"binary", "binary-inv", "trunc", "tozero", "tozero-inv"},
		Doc: "binary is max above the value and 0 elsewhere, trunc the value above it, tozero 0 elsewhere; -inv is the other way round",
	}
)

// thresholding returns OpenCV's threshold as a function of the level, for the parameters above.
func thresholding(a Args, value int) func(v float64) float64 {
	most, kind := a.Float("max"), a.Text("type")
	return func(v float64) float64 {
		above := v > float64(value)
		switch {
		case kind == "binary" && above, kind == "binary-inv" && !above:
			return most
		case kind == "trunc" && above:
			return float64(value)
		case kind == "trunc", kind == "tozero" && above, kind == "tozero-inv" && !above:
			return v
		}
		return 0
	}
}
