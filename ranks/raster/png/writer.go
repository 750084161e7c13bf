package png

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/klauspost/compress/zlib"

	"halorun/ranks/raster/metadata"
)

// Writer writes a file of segments, which come in order.
type Writer struct {
	w   io.Writer
	e   *Encoder
	y   int    // the next row
	sum uint32 // Adler-32 of all that was deflated
}

// NewWriter returns a writer of the picture to w.
func (e *Encoder) NewWriter(w io.Writer) *Writer { return &Writer{w: w, e: e, sum: 1} }

// Begin writes what comes before the picture data.
func (w *Writer) Begin() error {
	_, err := w.w.Write(w.e.head)
	return err
}

// WriteSegment writes what Encode made of the segment that comes next.
func (w *Writer) WriteSegment(segment []byte) error {
	if len(segment) <= sumBytes || w.y >= w.e.o.Height {
		return fmt.Errorf("there is no PNG segment at row %d", w.y)
	}
	chunks, sum := segment[:len(segment)-sumBytes], segment[len(segment)-sumBytes:]
	w.sum = adlerJoin(w.sum, binary.BigEndian.Uint32(sum), int64(binary.BigEndian.Uint64(sum[4:])))
	w.y += w.e.rows
	_, err := w.w.Write(chunks)
	return err
}

// Finish writes what comes behind the picture data.
func (w *Writer) Finish() error {
	if w.y < w.e.o.Height {
		return fmt.Errorf("the PNG's rows from %d on are missing", w.y)
	}
	end := binary.BigEndian.AppendUint32([]byte{3, 0}, w.sum) // an empty block, the last
	_, err := w.w.Write(appendChunk(appendChunk(nil, "IDAT", end), "IEND"))
	return err
}

// appendHead appends what comes before the picture data.
func (e *Encoder) appendHead(dst []byte) []byte {
	head := binary.BigEndian.AppendUint32(nil, uint32(e.o.Width))
	head = binary.BigEndian.AppendUint32(head, uint32(e.o.Height))
	colour := byte(grey)
	if e.o.Channels == 3 {
		colour = rgb
	}
	head = append(head, 8, colour, 0, 0, 0)
	dst = appendChunk(append(dst, signature...), "IHDR", head)
	meta := e.o.Meta
	if profileChannels(meta.ICC) == e.o.Channels {
		var b bytes.Buffer
		z := zlib.NewWriter(&b)
		_, _ = z.Write(meta.ICC) // a buffer takes all
		_ = z.Close()
		dst = appendChunk(dst, "iCCP", []byte("ICC profile\x00\x00"), b.Bytes())
	}
	if isTIFF(meta.EXIF) {
		dst = appendChunk(dst, "eXIf", meta.EXIF)
	}
	if b := resolutionData(meta.Resolution); b != nil {
		dst = appendChunk(dst, "pHYs", b)
	}
	if len(meta.XMP) > 0 {
		// Neither compressed, nor with a language or a keyword in it.
		dst = appendChunk(dst, "iTXt", []byte(xmpKeyword+"\x00\x00\x00\x00\x00"), meta.XMP)
	}
	return dst
}

// profileChannels returns how many channels an ICC profile is for: 1, 3, or 0 for anything else.
func profileChannels(icc []byte) int {
	if len(icc) >= 128 {
		switch string(icc[16:20]) {
		case "GRAY":
			return 1
		case "RGB ":
			return 3
		}
	}
	return 0
}

// resolutionData returns the data of pHYs, or nil if it cannot be told there.
func resolutionData(r *metadata.Resolution) []byte {
	if r == nil {
		return nil
	}
	perUnit, unit := 1.0, byte(1)
	switch r.Unit {
	case metadata.Inch:
		perUnit = 1 / 0.0254
	case metadata.Centimetre:
		perUnit = 100
	default:
		if unit = 0; r.X != math.Trunc(r.X) || r.Y != math.Trunc(r.Y) {
			perUnit = 1000 // only their ratio matters
		}
	}
	x, y := math.Round(r.X*perUnit), math.Round(r.Y*perUnit)
	if !(min(x, y) >= 1 && max(x, y) <= math.MaxInt32) {
		return nil
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(x))
	return append(binary.BigEndian.AppendUint32(b, uint32(y)), unit)
}
