package raster

import (
	"io"

	"halorun/ranks/raster/jpeg"
)

// jpegExpansion is how many pixels a byte of JPEG can at most stand for: one bit for a block of 64.
const jpegExpansion = 8 * 64

// wholeBytes is what a stream that keeps some rows takes at most.
const wholeBytes = 64 << 20

// parseJPEG reads the segments up to the first scan.
func parseJPEG(src *io.SectionReader) (*header, error) {
	m, err := jpeg.Parse(src, src.Size())
	if err != nil {
		return nil, err
	}
	h := &header{orientation: m.Orientation, expansion: jpegExpansion, takes: m.Memory()}
	h.Info = Info{Width: m.Width, Height: m.Height, Channels: m.Channels, Depth: m.Depth, Format: "jpeg", Codec: "halorun/jpeg",
		Notices: m.Notices, Meta: m.Meta}
	if m.Random() {
		h.random = m.ReadRows
		return h, nil
	}
	h.stream = func() (Stream, error) { return m.Stream() }
	if n := m.Memory(); n > wholeBytes || m.Progressive {
		pixels := int64(m.Width) * int64(m.Height)
		h.working = (n + pixels - 1) / pixels
	}
	return h, nil
}
