package raster

import "halorun/ranks/raster/png"

// pngEncoder returns the encoder of a PNG that passed Check.
func (o Output) pngEncoder() *png.Encoder {
	e, err := png.NewEncoder(png.Options{Width: o.Width, Height: o.Height, Channels: o.Channels, Compression: o.deflateLevel(), Meta: o.Meta})
	if err != nil {
		panic(err) // Check lets no such picture pass
	}
	return e
}
