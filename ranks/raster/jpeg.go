package raster

import (
	"io"

	"halorun/ranks/raster/jpeg"
)

// jpegExpansion is how many pixels a byte of JPEG can at most stand for: one bit for a block of 64.
const jpegExpansion = 8 * 64

// parseJPEG reads the segments up to the first scan.
func parseJPEG(src *io.SectionReader, o Options) (*header, error) {
	m, err := jpeg.Parse(src, src.Size())
	if err != nil {
		return nil, err
	}
	h := &header{orientation: m.Orientation, expansion: jpegExpansion, takes: need{m.Memory(), m.Least()}}
	h.Info = Info{Width: m.Width, Height: m.Height, Channels: m.Channels, Depth: m.Depth, Format: "jpeg", Codec: "halorun/jpeg",
		Notices: m.Notices, Meta: m.Meta}
	if m.Random() || o.Apart && m.Sequential() {
		h.random = m.ReadRows
	}
	h.need = needOf(m)
	h.stream = func(r room) (Stream, error) { return m.StreamIn(r.memory, r.scratch) }
	return h, nil
}
