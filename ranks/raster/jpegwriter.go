package raster

import "halorun/ranks/raster/jpeg"

// jpegEncoder returns the encoder of a JPEG that passed Check.
func (o Output) jpegEncoder() *jpeg.Encoder {
	e, err := jpeg.NewEncoder(jpeg.Options{Width: o.Width, Height: o.Height, Channels: o.Channels, Quality: o.Quality, Meta: o.Meta})
	if err != nil {
		panic(err) // Check lets no such picture pass
	}
	return e
}
