package raster

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"image/jpeg"
	"io"
	"strings"
)

// jpegExpansion is how many pixels a byte of JPEG can at most stand for: one bit for a block of 64.
const jpegExpansion = 8 * 64

// Markers of JPEG (ISO 10918-1, table B.1).
const (
	markerSOF0  = 0xc0 // baseline; up to 0xcf other kinds of frames, but for three
	markerSOF2  = 0xc2 // progressive
	markerDHT   = 0xc4
	markerJPG   = 0xc8
	markerDAC   = 0xcc
	markerEOI   = 0xd9
	markerSOS   = 0xda
	markerAPP1  = 0xe1
	markerAPP14 = 0xee
)

// adobeCMYK is an APP14 segment that says: four components are CMYK, stored inverted.
const adobeCMYK = "\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"

// parseJPEG reads the segments up to the first scan.
func parseJPEG(src *io.SectionReader) (*header, error) {
	h := &header{orientation: 1, expansion: jpegExpansion}
	h.Format, h.Codec, h.Depth = "jpeg", "image/jpeg", 8
	components, exifSeen, adobeSeen := 0, false, false
	near := &window{src: src}
	var b [4]byte
	for at := int64(2); ; {
		if _, err := near.ReadAt(b[:], at); err != nil {
			return nil, damaged("jpeg", err)
		}
		if b[0] != 0xff {
			return nil, errors.New("damaged jpeg: no marker where one should be")
		}
		marker, n := b[1], int64(binary.BigEndian.Uint16(b[2:]))
		if marker == 0xff { // padding
			at++
			continue
		}
		if n < 2 {
			return nil, errors.New("damaged jpeg: a segment shorter than its length field")
		}
		switch body := io.NewSectionReader(near, at+4, n-2); {
		case marker == markerSOS || marker == markerEOI:
			if components == 0 {
				return nil, errors.New("damaged jpeg: no frame header before the picture data")
			}
			h.whole(func() (*pixels, error) {
				file := io.Reader(io.NewSectionReader(src, 0, src.Size()))
				if components == 4 && !adobeSeen {
					// The library insists on being told; OpenCV takes such samples for inverted, too.
					file = io.MultiReader(strings.NewReader("\xff\xd8"+adobeCMYK), io.NewSectionReader(src, 2, src.Size()-2))
				}
				img, err := jpeg.Decode(bufio.NewReaderSize(file, 1<<20))
				if err != nil {
					return nil, err
				}
				return toPixels(img, h.Channels)
			})
			return h, nil
		case marker == markerAPP14:
			adobeSeen = true
		case marker == markerAPP1 && !exifSeen: // OpenCV looks into the first APP1 only
			exifSeen = true
			app := make([]byte, n-2)
			if _, err := io.ReadFull(body, app); err != nil {
				return nil, damaged("jpeg", err)
			}
			if hasPrefix(app, "Exif\x00\x00") {
				h.orientation = exifOrientation(app[6:])
			}
		case isFrame(marker):
			var err error
			if components, err = h.readFrame(marker, body); err != nil {
				return nil, err
			}
		}
		at += 2 + n
	}
}

// isFrame tells whether a marker begins a frame header, SOF0 to SOF15.
func isFrame(marker byte) bool {
	return marker >= markerSOF0 && marker <= markerSOF0+15 && marker != markerDHT && marker != markerJPG && marker != markerDAC
}

func (h *header) readFrame(marker byte, body io.Reader) (components int, err error) {
	if marker > markerSOF2 {
		return 0, fmt.Errorf("JPEG of kind SOF%d is not read; baseline and progressive are", marker-markerSOF0)
	}
	var b [6]byte
	if _, err := io.ReadFull(body, b[:]); err != nil {
		return 0, damaged("jpeg", err)
	}
	if b[0] != 8 {
		return 0, fmt.Errorf("JPEG of %d bits a sample is not read; 8 are", b[0])
	}
	h.Height, h.Width = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
	if h.Channels = 3; b[5] == 1 {
		h.Channels = 1
	}
	components = int(b[5])
	if h.working = 6; components == 4 {
		h.working = 12 // the library puts the planes together twice
	}
	if marker == markerSOF2 {
		h.working += 4 * int64(max(3, components)) // all coefficients, of 32 bits
	}
	return components, nil
}
