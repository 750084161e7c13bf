package raster

import (
	"fmt"
	"io"
)

// parseRaw believes the user, as far as the file is long enough.
func parseRaw(src *io.SectionReader, o Options) (*header, error) {
	g := *o.Geometry
	h := new(header)
	h.Format, h.Codec, h.Width, h.Height, h.Depth = "raw", "halorun/raw", g.Width, g.Height, 8
	f := form{samples: g.Channels, kind: kind{'u', 1}, scale: o.Scale}
	var err error
	if f.pick, err = o.bands(g.Channels); err != nil {
		return nil, err
	}
	rowBytes := int64(g.Width) * int64(g.Channels)
	if behind := src.Size() - g.Offset; behind < 0 || behind/int64(g.Height) < rowBytes {
		return nil, fmt.Errorf("--geometry claims %d rows of %d bytes from byte %d on, which its %d bytes cannot hold", g.Height, rowBytes, g.Offset, src.Size())
	} else if left := behind - int64(g.Height)*rowBytes; left > 0 {
		h.Notices = append(h.Notices, fmt.Sprintf("there are %d bytes behind the %d×%d×%d of --geometry", left, g.Width, g.Height, g.Channels))
	}
	return h, h.rowsOf(f, g.Offset, src.Size())
}
