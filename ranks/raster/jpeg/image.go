package jpeg

import (
	"bytes"
	"io"

	"halorun/ranks/raster/metadata"
)

// Image is a JPEG file whose header has been read.
type Image struct {
	Width, Height int
	Channels      int // 1 for grey, or 3 for RGB, which CMYK is converted to; that may be otherwise if it is abbreviated
	Depth         int // bits a sample: 8
	Progressive   bool
	Orientation   int // how EXIF wants it shown, 1 to 8; samples are delivered as they are stored
	Meta          metadata.Metadata
	Notices       []string // what a user may want to know

	src    io.ReaderAt
	size   int64
	frame  *frame
	tables tables // as they are at the first scan
	first  *scan
	colour colourSpace
	index  index
	idle   idle
}

// expansion is how many pixels a byte of a file can at most stand for: one bit for a block of 64.
const expansion = 8 * 64

// colourSpace is what a file's components are.
type colourSpace int

const (
	grey colourSpace = iota
	yCbCr
	rgb
	cmyk // inverted, as Adobe stores it
	ycck
	asTheyAre // nobody's business here: four samples of a pixel
)

// Parse reads a file's header up to its first scan. It allocates nothing that the file does not hold. Errors are of one line, and say
// that the file is damaged, or of a kind that is not read; other errors are those of src.
func Parse(src io.ReaderAt, size int64) (*Image, error) {
	m := &Image{src: src, size: size, Depth: 8}
	if err := m.parse(); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *Image) parse() error {
	in := &input{src: m.src, size: m.size}
	if b, err := in.bytes(0, 2); err != nil {
		return err
	} else if b[0] != 0xff || b[1] != markerSOI {
		return damaged("it does not begin like one")
	}
	meta := collector{orientation: 1}
	jfif, adobe := false, -1
	for at := int64(2); ; {
		marker, next, err := in.marker(at)
		if err != nil {
			return err
		}
		if isAlone(marker) {
			at = next
			continue
		}
		if marker == markerEOI {
			return damaged("no picture data before its end")
		}
		most := 1 << 16
		if skipped(marker) {
			most = 0
		}
		body, next, err := in.segment(next, most)
		if err != nil {
			return err
		}
		switch {
		case isFrame(marker):
			if m.frame != nil {
				return damaged("a second frame header")
			}
			if m.frame, err = readFrame(marker, body); err != nil {
				return err
			}
		case marker == markerSOS:
			if m.frame == nil {
				return damaged("no frame header before the picture data")
			}
			if m.first, err = readScan(m.frame, body); err != nil {
				return err
			}
			m.first.data, m.first.restart = next, m.tables.restart
			if pixels := int64(m.frame.width) * int64(m.frame.height); pixels/expansion > m.size {
				return damaged("it claims %d×%d pixels, which its %d bytes cannot hold", m.frame.width, m.frame.height, m.size)
			}
			m.finish(meta, jfif, adobe)
			return nil
		case marker == markerAPP0 && bytes.HasPrefix(body, []byte(signatureJFIF)) && len(body) >= 14:
			jfif = true
			meta.takeJFIF(body[len(signatureJFIF):])
		case marker == markerAPP1:
			meta.takeAPP1(body)
		case marker == markerAPP2:
			meta.takeAPP2(body)
		case marker == markerAPP14 && bytes.HasPrefix(body, []byte(signatureAdobe)) && len(body) >= 12:
			adobe = int(body[11])
		default:
			if err := m.tables.define(marker, body); err != nil {
				return err
			}
		}
		at = next
	}
}

// skipped tells whether nobody wants what a segment says.
func skipped(marker byte) bool {
	switch marker {
	case markerAPP0, markerAPP1, markerAPP2, markerAPP14, markerDQT, markerDHT, markerDRI, markerSOS:
		return false
	}
	return !isFrame(marker)
}

func (m *Image) finish(meta collector, jfif bool, adobe int) {
	m.Width, m.Height, m.Progressive = m.frame.width, m.frame.height, m.frame.progressive
	m.Channels = 3
	switch comps := m.frame.comps; len(comps) {
	case 1:
		m.Channels, m.colour = 1, grey
	case 3:
		m.colour = yCbCr
		if !jfif && (adobe == 0 || adobe < 0 && comps[0].id == 'R' && comps[1].id == 'G' && comps[2].id == 'B') {
			m.colour = rgb
		}
	case 4:
		if m.colour = cmyk; adobe > 0 {
			m.colour = ycck
		}
	}
	icc, bad := meta.profile()
	if bad {
		m.Notices = append(m.Notices, "an ICC profile that is not whole was left out")
	}
	m.Meta, m.Orientation = meta.meta, meta.orientation
	if m.colour != cmyk && m.colour != ycck { // such a profile says nothing of RGB
		m.Meta.ICC = icc
	}
}
