package raster

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"image/jpeg"
	"io"
)

// jpegExpansion is how many pixels a byte of JPEG can at most stand for: one bit for a block of 64.
const jpegExpansion = 8 * 64

// parseJPEG reads the segments up to the first scan.
func parseJPEG(src *io.SectionReader) (*header, error) {
	h := &header{orientation: 1, expansion: jpegExpansion}
	h.Format, h.Codec, h.Depth = "jpeg", "image/jpeg", 8
	for at := int64(2); ; {
		var b [4]byte
		if _, err := src.ReadAt(b[:], at); err != nil {
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
		body := make([]byte, n-2)
		if _, err := src.ReadAt(body, at+4); err != nil {
			return nil, damaged("jpeg", err)
		}
		switch {
		case marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc:
			if marker > 0xc2 {
				return nil, fmt.Errorf("JPEG of kind SOF%d is not read; baseline and progressive are", marker-0xc0)
			}
			if len(body) < 6 {
				return nil, errors.New("damaged jpeg: its frame header is too short")
			}
			if body[0] != 8 {
				return nil, fmt.Errorf("JPEG of %d bits a sample is not read; 8 are", body[0])
			}
			h.Height, h.Width = int(binary.BigEndian.Uint16(body[1:])), int(binary.BigEndian.Uint16(body[3:]))
			if h.Channels = 3; body[5] == 1 {
				h.Channels = 1
			}
		case marker == 0xe1 && hasPrefix(body, "Exif\x00\x00"):
			h.orientation = exifOrientation(body[6:])
		case marker == 0xda || marker == 0xd9:
			if h.Channels == 0 {
				return nil, errors.New("damaged jpeg: no frame header before the picture data")
			}
			h.decode = func() (*pixels, error) {
				img, err := jpeg.Decode(bufio.NewReaderSize(io.NewSectionReader(src, 0, src.Size()), 1<<20))
				if err != nil {
					return nil, err
				}
				return toPixels(img, h.Channels)
			}
			return h, nil
		}
		at += 2 + n
	}
}
