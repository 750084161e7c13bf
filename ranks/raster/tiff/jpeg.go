package tiff

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"halorun/ranks/raster/jpeg"
)

// jpegImage parses a strip or tile of JPEG: width×height pixels of so many components. Of a strip more rows may follow, which are not
// delivered: some programs make the last one as high as the others.
func (u *unpacker) jpegImage(src io.ReaderAt, size int64, width, height int) (*jpeg.Image, error) {
	var begin [2]byte
	if n, err := src.ReadAt(begin[:], 0); n < 2 && err != io.EOF {
		return nil, err
	}
	if string(begin[:]) != "\xff\xd8" {
		return nil, errors.New("its JPEG data does not begin as JPEG does")
	}
	m, err := jpeg.ParseAbbreviated(src, size, u.tables, u.photometric == colourYCbCr)
	if err != nil {
		return nil, err
	}
	if m.Width != width || m.Height < height || m.Channels != u.inBlock {
		return nil, fmt.Errorf("its JPEG data is of %d×%d pixels of %d components, not %d×%d of %d", m.Width, m.Height, m.Channels, width, height, u.inBlock)
	}
	if n := m.Memory(); m.Keeps() && n > maxKept {
		return nil, fmt.Errorf("its progressive JPEG data takes %d MiB to decode; strips and tiles of at most %d are read", n>>20, maxKept>>20)
	}
	return m, nil
}

// maxKept is the most memory for a strip or tile of progressive JPEG, which TIFF knows not, but libtiff reads.
const maxKept = 256 << 20

// unpackJPEG decodes a strip or tile, as far as dst goes.
func (u *unpacker) unpackJPEG(dst, packed []byte, width, height int) error {
	m, err := u.jpegImage(bytes.NewReader(packed), int64(len(packed)), width, height)
	if err != nil {
		return err
	}
	s, err := m.Stream()
	if err != nil {
		return err
	}
	defer s.Close()
	n := width * u.inBlock
	for row := make([][]byte, 1); len(dst) > 0; dst = dst[n:] {
		row[0] = dst[:n]
		if err := s.ReadRows(row); err != nil {
			return err
		}
	}
	return nil
}

// jpegRows are the rows of a large strip or tile, which is read by one row after the other.
type jpegRows struct {
	stream *jpeg.Stream
	row    [1][]byte
}

func (r *jpegRows) Read(b []byte) (int, error) {
	r.row[0] = b
	return len(b), r.stream.ReadRows(r.row[:])
}
