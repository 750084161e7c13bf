package raster

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// levels are those of a compression, and what is usual.
type levels struct{ least, most, usual int }

// Compressions of a PNG and of a TIFF; those without a level have none.
var (
	pngLevels  = levels{0, 9, 1}
	tiffLevels = map[string]levels{"none": {}, "lzw": {}, "packbits": {}, "deflate": {1, 9, 6}, "zstd": {1, 22, 3}}
)

// ParseCompression reads what --compression says: the level, of a PNG; the compression, and the level behind a colon if it has any, of a
// TIFF. Other formats have none.
func ParseCompression(format, s string) (name string, level int, err error) {
	switch format {
	case "png":
		level, err := strconv.Atoi(s)
		if err != nil || level < pngLevels.least || level > pngLevels.most {
			return "", 0, fmt.Errorf("--compression %q: that of a PNG is from 0, large and fast, to 9, small and slow", s)
		}
		return "deflate", level, nil
	case "tiff":
		return parseTIFFCompression(s)
	case "jpeg":
		return "", 0, errors.New("--compression: a JPEG has none to choose; --quality makes it smaller or larger")
	}
	if s != "none" {
		return "", 0, fmt.Errorf("--compression %q: a .%s is not compressed", s, format)
	}
	return "", 0, nil
}

func parseTIFFCompression(s string) (name string, level int, err error) {
	name, text, given := strings.Cut(s, ":")
	l, known := tiffLevels[name]
	switch {
	case !known:
		return "", 0, fmt.Errorf("--compression %q: those of a TIFF are none, lzw, packbits, deflate[:LEVEL] and zstd[:LEVEL]", s)
	case given && l.most == 0:
		return "", 0, fmt.Errorf("--compression %q: %s has no levels", s, name)
	case !given:
		return name, l.usual, nil
	}
	if level, err = strconv.Atoi(text); err != nil || level < l.least || level > l.most {
		return "", 0, fmt.Errorf("--compression %q: the level of %s is from %d, fast, to %d, small", s, name, l.least, l.most)
	}
	return name, level, nil
}

// checkCompression returns an error if the format has no such compression.
func (o Output) checkCompression() error {
	l, known := levels{}, o.Compression == ""
	switch {
	case o.Format == "png" && o.Compression == "deflate":
		l, known = pngLevels, true
	case o.Format == "tiff" && o.Compression != "":
		l, known = tiffLevels[o.Compression]
	}
	if !known || o.Level < l.least || o.Level > l.most {
		return fmt.Errorf("there is no %s of compression %q and level %d", o.Format, o.Compression, o.Level)
	}
	if o.Format == "tiff" && !slices.Contains([]string{"", "none"}, o.Compression) {
		return errors.New("compressed TIFF is not written yet")
	}
	return nil
}

// deflateLevel returns the level for a PNG.
func (o Output) deflateLevel() int {
	if o.Compression == "" {
		return pngLevels.usual
	}
	return o.Level
}
