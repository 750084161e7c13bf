package kernels

var _ = register(Definition{
	Name: "sepia", Order: 46, Border: BorderNone,
	Doc: "brown as an old photograph: R = 0.393 R + 0.769 G + 0.189 B, … (transform)",
	Build: func(_ Args, channels int) ([]Op, error) {
		return inColour(channels, colourMatrix([3][3]float64{
			{0.393, 0.769, 0.189},
			{0.349, 0.686, 0.168},
			{0.272, 0.534, 0.131},
		})), nil
	},
})
