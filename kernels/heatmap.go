package kernels

var _ = register(Definition{
	Name: "heatmap", Order: 12, Aliases: []string{"hm"}, Doc: "to grey, then coloured by the map JET (applyColorMap)", Border: BorderNone,
	Build: func(_ Args, channels int) ([]Op, error) { return inGray(channels, newColourMap("jet")), nil },
})
