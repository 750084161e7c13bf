package raster

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

// compressions are those that are read, with how many bytes a byte can at most stand for.
var compressions = map[uint32]int64{
	1:     1,                // none
	5:     4096,             // LZW
	8:     deflateExpansion, // deflate
	32946: deflateExpansion, // deflate before it had a number
	32773: 64,               // PackBits
}

// Photometric interpretations.
const (
	whiteIsZero = 0
	blackIsZero = 1
	colourRGB   = 2
	colourMap   = 3
)

// parseTIFF reads the directory. Strips and tiles of one picture are read, of 1, 8 or 16 bits.
func parseTIFF(src *io.SectionReader) (*header, error) {
	d, err := readIFD(src)
	if err != nil {
		return nil, damaged("tiff", err)
	}
	t := &tiffDecoder{
		ifd:          d,
		compression:  d.number(tagCompression, 1),
		photometric:  d.number(tagPhotometric, blackIsZero),
		samples:      int(d.number(tagSamples, 1)),
		predictor:    d.number(tagPredictor, 1),
		unassociated: d.number(tagExtraSamples, 0) == 2,
	}
	h := &header{orientation: validOrientation(int(d.number(tagOrientation, 1)))}
	h.Format, h.Codec, h.Channels = "tiff", "halorun/tiff", 3
	h.Width, h.Height, h.Depth = int(d.number(tagWidth, 0)), int(d.number(tagHeight, 0)), int(d.number(tagBits, 1))
	if t.photometric <= blackIsZero {
		h.Channels = 1
	}
	if err := t.supported(h.Depth); err != nil {
		return nil, err
	}
	h.expansion = compressions[t.compression]
	if h.Depth == 1 {
		h.expansion *= 8
	}
	if h.Depth == 16 {
		h.Notices = append(h.Notices, "16 bits reduced to 8")
	}
	switch {
	case t.samples == 4 && t.unassociated:
		h.Notices = append(h.Notices, "alpha dropped, after the colours were multiplied by it")
	case t.samples == 4:
		h.Notices = append(h.Notices, "alpha dropped")
	}
	t.info = h.Info
	if err := t.readTables(h.expansion); err != nil {
		return nil, damaged("tiff", err)
	}
	if t.open() {
		if h.place, err = t.place(); err != nil {
			return nil, damaged("tiff", err)
		}
		return h, nil
	}
	// The buffer of a block, which may be the whole picture, doubles as it grows.
	h.working = int64(h.Channels) + 1 + 3*t.blockBytes()/(int64(h.Width)*int64(h.Height))
	h.whole(t.decode)
	return h, nil
}

// supported returns an error for what is not read, which says what could be done about it.
func (t *tiffDecoder) supported(bits int) error {
	format := t.number(tagSampleFormat, 1)
	same := true
	for _, b := range t.list(tagBits, 64) {
		same = same && int(b) == bits
	}
	switch {
	case t.err != nil:
		return damaged("tiff", t.err)
	case t.next != 0:
		return errors.New("TIFF of several pages is not read yet; extract one (tiffcp in.tif,0 page.tif)")
	case t.samples != 1 && t.samples != 3 && t.samples != 4:
		return fmt.Errorf("TIFF of %d samples a pixel is not read yet; 1, 3 and 4 are", t.samples)
	case format == 3:
		return errors.New("TIFF of floating-point samples is not read yet; convert it to 8 bits")
	case format != 1 && format != 4:
		return fmt.Errorf("TIFF of sample format %d is not read; whole numbers without a sign are", format)
	case compressions[t.compression] == 0:
		return fmt.Errorf("TIFF of compression %d is not read yet; none, LZW, deflate and PackBits are (tiffcp -c)", t.compression)
	case t.number(tagPlanar, 1) != 1 && t.samples > 1:
		return errors.New("TIFF of separate planes is not read yet; convert it (tiffcp -p contig)")
	case t.photometric > colourMap || (t.photometric == colourRGB) != (t.samples > 1):
		return fmt.Errorf("TIFF of %d samples with photometric interpretation %d is not read; grey, RGB and palettes are", t.samples, t.photometric)
	case !same || !slices.Contains([]int{1, 8, 16}, bits) || bits == 1 && t.samples > 1 || bits == 16 && t.photometric == colourMap:
		return fmt.Errorf("TIFF of %d bits a sample is not read; 8 are", bits)
	case t.predictor != 1 && (t.predictor != 2 || bits < 8):
		return fmt.Errorf("TIFF of predictor %d is not read; none and horizontal differences are", t.predictor)
	}
	return nil
}

// open tells whether rows lie in the file as they are read.
func (t *tiffDecoder) open() bool {
	return t.compression == 1 && t.info.Depth == 8 && t.samples == t.info.Channels && t.photometric != whiteIsZero &&
		t.predictor == 1 && !t.reversed() && t.blockW == t.info.Width
}

// place finds the rows of an open file.
func (t *tiffDecoder) place() (*placed, error) {
	rowBytes := int64(t.info.Width) * int64(t.info.Channels)
	for i, at := range t.offsets {
		n := min(t.blockH, t.info.Height-i*t.blockH)
		if (t.src.Size()-int64(at))/rowBytes < int64(n) {
			return nil, fmt.Errorf("it ends too early: strip %d of %d lies beyond its %d bytes", i, len(t.offsets), t.src.Size())
		}
	}
	return &placed{rowBytes: int(rowBytes), offset: func(y int) int64 {
		return int64(t.offsets[y/t.blockH]) + int64(y%t.blockH)*rowBytes
	}}, nil
}
