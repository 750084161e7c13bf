package raster

import (
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"halorun/ranks/raster/metadata"
	"halorun/ranks/raster/scratch"
)

// Output says which picture is written how.
type Output struct {
	Width, Height int
	Channels      int    // of the rows given to WriteRows
	Format        string // png, jpeg, tiff, ppm, pgm, pnm, pam, npy, raw, rgb, gray
	Quality       int    // of a JPEG, 1 to 100
	Compression   string // of a PNG or TIFF: none, lzw, deflate, zstd, packbits; "" for what is usual
	Level         int    // of it, if it has any
	Meta          metadata.Metadata
	Scratch       scratch.Maker `json:"-"` // for what cannot go to a stream before its end is known; nil: to none
}

// formats lists the formats written, by the extension of a file's name.
var formats = map[string]string{
	"png": "png", "jpg": "jpeg", "jpeg": "jpeg", "tif": "tiff", "tiff": "tiff", "ppm": "ppm", "pgm": "pgm", "pnm": "pnm",
	"pam": "pam", "npy": "npy", "raw": "raw", "rgb": "rgb", "gray": "gray", "grey": "gray",
}

// FormatOf returns the format that a file's extension, in any case, stands for.
func FormatOf(name string) (string, error) {
	ext := strings.ToLower(strings.TrimPrefix(filepath.Ext(name), "."))
	if f, ok := formats[ext]; ok {
		return f, nil
	}
	if ext == "" {
		return "", fmt.Errorf("%s: no output format; end the name in .png, .jpg, .tif, .ppm, .pgm, .pnm, .pam, .npy, .raw, .rgb or .gray, or give --format", name)
	}
	return "", fmt.Errorf("unknown output format %q; there are png, jpg, tif, ppm, pgm, pnm, pam, npy, raw, rgb and gray", ext)
}

// GreyOnly tells whether a format holds pictures of one channel alone.
func GreyOnly(format string) bool { return format == "pgm" || format == "gray" }

// Check returns an error if the format cannot hold the picture.
func (o Output) Check() error {
	switch {
	case !slices.Contains(slices.Collect(maps.Values(formats)), o.Format):
		return fmt.Errorf("unknown output format %q", o.Format)
	case o.Width < 1 || o.Height < 1 || o.Channels != 1 && o.Channels != 3:
		return fmt.Errorf("a picture of %d×%d pixels of %d channels cannot be written", o.Width, o.Height, o.Channels)
	case o.Format == "jpeg" && max(o.Width, o.Height) > math.MaxUint16:
		return fmt.Errorf("a JPEG has at most 65535 pixels a side, not %d×%d; write PNG, TIFF or PPM", o.Width, o.Height)
	case o.Format == "jpeg" && (o.Quality < 1 || o.Quality > 100):
		return fmt.Errorf("the quality of a JPEG is from 1 to 100, not %d", o.Quality)
	case o.Format == "png" && max(o.Width, o.Height) > math.MaxInt32:
		return fmt.Errorf("a PNG has at most %d pixels a side, not %d×%d", math.MaxInt32, o.Width, o.Height)
	case o.checkCompression() != nil:
		return o.checkCompression()
	case GreyOnly(o.Format) && o.Channels != 1:
		return fmt.Errorf("a .%s holds grey only; add gray to the chain or write another format", o.Format)
	case o.Format == "tiff" && o.tiff().Check() != nil:
		return o.tiff().Check()
	case o.layout() != nil && o.Height > (math.MaxInt64-1<<10)/3/o.Width:
		return fmt.Errorf("a picture of %d×%d pixels is beyond what a file can hold", o.Width, o.Height)
	}
	return nil
}

// Codec names the code that writes the format.
func (o Output) Codec() string {
	switch o.Format {
	case "jpeg":
		return "halorun/jpeg"
	case "png":
		return "halorun/png"
	case "tiff":
		return "halorun/tiff"
	case "npy":
		return "halorun/npy"
	case "raw", "rgb", "gray":
		return "halorun/raw"
	}
	return "halorun/pnm"
}

// Encoder returns the encoder of a compressed format, or nil if there are no segments.
func (o Output) Encoder() Encoder {
	switch o.Format {
	case "png":
		return o.pngEncoder()
	case "jpeg":
		return o.jpegEncoder()
	case "tiff":
		if o.packed() {
			return o.tiffEncoder()
		}
	}
	return nil
}

// Size returns the exact size of the file in bytes, where the format's size is known beforehand.
func (o Output) Size() (size int64, known bool) {
	if o.layout() == nil {
		return 0, false
	}
	return o.size(), true
}

// Layout returns the bytes of the header and of a row in the file, where rows lie open in it one after the other, else zeros.
func (o Output) Layout() (header, row int64) {
	l := o.layout()
	if l == nil {
		return 0, 0
	}
	return int64(len(l.header)), int64(l.rowBytes)
}

func (o Output) size() int64 {
	l := o.layout()
	return int64(len(l.header)) + int64(o.Height)*int64(l.rowBytes)
}

// layout is how a picture lies open in a file: a header, then row after row.
type layout struct {
	header   []byte
	rowBytes int
}

// layout returns nil for compressed formats.
func (o Output) layout() *layout {
	switch o.Format {
	case "tiff":
		if o.packed() {
			return nil
		}
		header, rowBytes := o.tiff().Layout()
		return &layout{header, rowBytes}
	case "ppm":
		return &layout{o.pnmHeader('6'), 3 * o.Width}
	case "pgm":
		return &layout{o.pnmHeader('5'), o.Width}
	case "pnm":
		return &layout{o.pnmHeader(map[int]byte{1: '5', 3: '6'}[o.Channels]), o.Channels * o.Width}
	case "pam":
		return o.pamLayout()
	case "npy":
		return o.npyLayout()
	case "raw":
		return &layout{nil, o.Channels * o.Width}
	case "rgb":
		return &layout{nil, 3 * o.Width}
	case "gray":
		return &layout{nil, o.Width}
	}
	return nil
}

func (o Output) pnmHeader(kind byte) []byte {
	return fmt.Appendf(nil, "P%c\n%d %d\n255\n", kind, o.Width, o.Height)
}
