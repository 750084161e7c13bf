package raster

import (
	"bufio"
	"encoding/binary"
	"errors"
	"image/png"
	"io"
)

// deflateExpansion is how many bytes a byte of deflate can at most stand for.
const deflateExpansion = 1032

// parsePNG reads the chunks up to the picture data.
func parsePNG(src *io.SectionReader) (*header, error) {
	h := &header{orientation: 1, expansion: 8 * deflateExpansion} // up to 8 pixels a byte
	h.Format, h.Codec = "png", "image/png"
	at, alpha := int64(8), false
	near := &window{src: src}
	var head [8]byte
	for first := true; ; first = false {
		if _, err := near.ReadAt(head[:], at); err != nil {
			return nil, damaged("png", err)
		}
		n, kind := int64(binary.BigEndian.Uint32(head[:])), string(head[4:])
		if first && (kind != "IHDR" || n != 13) {
			return nil, errors.New("damaged png: it does not begin with IHDR")
		}
		at += 8
		switch kind {
		case "IHDR":
			var b [13]byte
			if _, err := near.ReadAt(b[:], at); err != nil {
				return nil, damaged("png", err)
			}
			h.Width, h.Height = int(binary.BigEndian.Uint32(b[:])), int(binary.BigEndian.Uint32(b[4:]))
			h.Depth = int(b[8])
			h.Channels = 3
			switch b[9] {
			case 0, 4:
				h.Channels = 1
			}
			alpha = b[9] == 4 || b[9] == 6
			decoded := int64(4) // bytes of a pixel as the library holds it
			if b[9] == 0 || b[9] == 3 {
				decoded = 1
			}
			if h.Depth == 16 {
				h.Notices = append(h.Notices, "16 bits reduced to 8")
				decoded *= 2
			}
			h.working = decoded + int64(h.Channels)
			if h.Depth >= 8 {
				h.expansion = deflateExpansion
			}
		case "tRNS":
			alpha = true
		case "eXIf":
			b := make([]byte, min(n, 64<<10))
			if _, err := src.ReadAt(b, at); err != nil {
				return nil, damaged("png", err)
			}
			h.orientation = exifOrientation(b)
		case "IDAT", "IEND":
			if alpha {
				h.Notices = append(h.Notices, "alpha dropped")
			}
			h.whole(func() (*pixels, error) {
				img, err := png.Decode(bufio.NewReaderSize(io.NewSectionReader(src, 0, src.Size()), 1<<20))
				if err != nil {
					return nil, err
				}
				return toPixels(img, h.Channels)
			})
			return h, nil
		}
		at += n + 4
	}
}
