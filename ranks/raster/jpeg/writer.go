package jpeg

import (
	"encoding/binary"
	"io"
	"math"

	"halorun/ranks/raster/metadata"
)

// Writer writes a file of segments.
type Writer struct {
	e *Encoder
	w io.Writer
}

// NewWriter returns a Writer of the file to w.
func (e *Encoder) NewWriter(w io.Writer) *Writer { return &Writer{e, w} }

// Begin writes what comes before the first segment.
func (w *Writer) Begin() error {
	_, err := w.w.Write(w.e.header())
	return err
}

// WriteSegment writes the next segment, as Encode made it.
func (w *Writer) WriteSegment(b []byte) error {
	_, err := w.w.Write(b)
	return err
}

// Finish writes what comes behind the last segment.
func (w *Writer) Finish() error {
	_, err := w.w.Write([]byte{0xff, markerEOI})
	return err
}

const mostBody = 65533 // of a segment

// LeftOut lists what of the metadata does not fit into a JPEG file's segments.
func (e *Encoder) LeftOut() (names []string) {
	m := &e.o.Meta
	if len(m.EXIF)+len(signatureEXIF) > mostBody {
		names = append(names, "EXIF")
	}
	if len(m.XMP)+len(signatureXMP) > mostBody {
		names = append(names, "XMP")
	}
	if len(m.ICC) > 255*mostICC {
		names = append(names, "ICC profile")
	}
	return names
}

const mostICC = mostBody - len(signatureICC) - 2

func appendSegment(b []byte, marker byte, parts ...[]byte) []byte {
	n := 2
	for _, p := range parts {
		n += len(p)
	}
	b = append(b, 0xff, marker, byte(n>>8), byte(n))
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// header makes all up to the first scan's data, in libjpeg's order.
func (e *Encoder) header() []byte {
	b := appendSegment([]byte{0xff, markerSOI}, markerAPP0, []byte(signatureJFIF+"\x01\x01"), density(e.o.Meta.Resolution), []byte{0, 0})
	b = e.appendMeta(b)
	tables := min(e.o.Channels, 2)
	for i := range tables {
		body := []byte{byte(i)}
		for _, at := range order {
			body = append(body, byte(e.quant[i][at]))
		}
		b = appendSegment(b, markerDQT, body)
	}
	frame := []byte{8, byte(e.o.Height >> 8), byte(e.o.Height), byte(e.o.Width >> 8), byte(e.o.Width), byte(e.o.Channels), 1, byte(e.h<<4 | e.v), 0}
	scan := []byte{byte(e.o.Channels), 1, 0}
	for c := 1; c < e.o.Channels; c++ {
		frame = append(frame, byte(c+1), 0x11, 1)
		scan = append(scan, byte(c+1), 0x11)
	}
	b = appendSegment(b, markerSOF0, frame)
	for i, specs := range [][2]*huffmanSpec{{&standardDCLuma, &standardACLuma}, {&standardDCChroma, &standardACChroma}}[:tables] {
		for class, s := range specs {
			b = appendSegment(b, markerDHT, []byte{byte(class<<4 | i)}, s.counts[:], s.symbols[:s.size()])
		}
	}
	b = appendSegment(b, markerDRI, binary.BigEndian.AppendUint16(nil, uint16(e.mcusX)))
	return appendSegment(b, markerSOS, scan, []byte{0, 63, 0})
}

// density is a unit and two numbers.
func density(r *metadata.Resolution) []byte {
	unit, x, y := byte(0), 1.0, 1.0
	if r != nil {
		x, y = r.X, r.Y
		switch r.Unit {
		case metadata.Inch:
			unit = 1
		case metadata.Centimetre:
			unit = 2
		}
	}
	b := []byte{unit}
	for _, v := range []float64{x, y} {
		b = binary.BigEndian.AppendUint16(b, uint16(min(max(math.Round(v), 1), 65535)))
	}
	return b
}

func (e *Encoder) appendMeta(b []byte) []byte {
	m := &e.o.Meta
	if len(m.EXIF) > 0 && len(m.EXIF)+len(signatureEXIF) <= mostBody {
		b = appendSegment(b, markerAPP1, []byte(signatureEXIF), m.EXIF)
	}
	if len(m.XMP) > 0 && len(m.XMP)+len(signatureXMP) <= mostBody {
		b = appendSegment(b, markerAPP1, []byte(signatureXMP), m.XMP)
	}
	parts := ceil(len(m.ICC), mostICC)
	if parts > 255 {
		return b
	}
	for i := range parts {
		part := m.ICC[i*mostICC : min((i+1)*mostICC, len(m.ICC))]
		b = appendSegment(b, markerAPP2, []byte(signatureICC), []byte{byte(i + 1), byte(parts)}, part)
	}
	return b
}
