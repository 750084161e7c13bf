package raster

import "halorun/ranks/raster/metadata"

// takeMeta notes what of a file's metadata goes on from here, now that the picture is upright.
func (in *Info) takeMeta(m metadata.Metadata, orientation int, o Options) {
	if in.Meta = (metadata.Metadata{}); o.Strip {
		return
	}
	m, beyond := m.Limited()
	m, turned := m.Upright(orientation)
	in.Meta = m
	in.Notices = append(append(in.Notices, beyond...), turned...)
}

// Carry takes over of a picture's metadata what o can hold, and returns what to tell the user of the rest.
func (o *Output) Carry(in Info) (notices []string) {
	m := in.Meta
	if len(m.Geo) > 0 && (o.Width != in.Width || o.Height != in.Height) {
		m.Geo = nil
		notices = append(notices, "GeoTIFF tags dropped, which are for a picture of another size than the result has")
	}
	var lost []string
	o.Meta, lost = metadata.Carried(o.Format, o.Channels, m)
	return append(notices, lost...)
}
