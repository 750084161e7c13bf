package raster

import (
	"io"

	"halorun/ranks/raster/png"
)

// deflateExpansion is how many bytes a byte of deflate can at most stand for.
const deflateExpansion = 1032

// parsePNG reads the chunks.
func parsePNG(src *io.SectionReader) (*header, error) {
	m, err := png.Parse(src, src.Size())
	if err != nil {
		return nil, err
	}
	h := &header{orientation: m.Orientation, expansion: 8 * deflateExpansion, takes: need{m.Memory(), m.Least()}} // up to 8 pixels a byte
	h.Info = Info{Width: m.Width, Height: m.Height, Channels: m.Channels, Depth: m.Depth, Format: "png", Codec: "halorun/png", Notices: m.Notices, Meta: m.Meta}
	h.need = needOf(m)
	h.stream = func(r room) (Stream, error) { return m.StreamIn(r.memory, r.scratch) }
	return h, nil
}
