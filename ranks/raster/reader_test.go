package raster

import (
	"bytes"
	"math/bits"
	"reflect"
	"sync"
	"testing"

	"halorun/ranks/raster/metadata"
)

func infoOf(width, height, channels, depth int, format, codec string, notices []string) Info {
	return Info{Width: width, Height: height, Channels: channels, Depth: depth, Format: format, Codec: codec, Notices: notices}
}

func TestInfo(t *testing.T) {
	const alpha, sixteen = "alpha dropped", "16 bits reduced to 8"
	tests := map[string]struct {
		info   Info
		direct bool
	}{
		"gray1.png":             {infoOf(23, 17, 1, 1, "png", "halorun/png", nil), false},
		"gray-alpha16.png":      {infoOf(23, 17, 1, 16, "png", "halorun/png", []string{sixteen, alpha}), false},
		"palette4-greys.png":    {infoOf(23, 17, 3, 4, "png", "halorun/png", nil), false},
		"rgb8-transparent.png":  {infoOf(23, 17, 3, 8, "png", "halorun/png", []string{alpha}), false},
		"orientation6.png":      {infoOf(17, 23, 3, 8, "png", "halorun/png", []string{"orientation 6 applied"}), false},
		"p4.pbm":                {infoOf(23, 17, 1, 1, "pnm", "halorun/pnm", nil), true},
		"p2.pgm":                {infoOf(23, 17, 1, 8, "pnm", "halorun/pnm", nil), false},
		"p5.pgm":                {infoOf(23, 17, 1, 8, "pnm", "halorun/pnm", nil), true},
		"p5-100.pgm":            {infoOf(23, 17, 1, 8, "pnm", "halorun/pnm", nil), true},
		"p6.ppm":                {infoOf(23, 17, 3, 8, "pnm", "halorun/pnm", nil), true},
		"p6-65535.ppm":          {infoOf(23, 17, 3, 16, "pnm", "halorun/pnm", []string{sixteen}), true},
		"rgb-strips.tif":        {infoOf(23, 17, 3, 8, "tiff", "halorun/tiff", nil), true},
		"rgb-one-strip-be.tif":  {infoOf(23, 17, 3, 8, "tiff", "halorun/tiff", nil), true},
		"gray-strips.tif":       {infoOf(23, 17, 1, 8, "tiff", "halorun/tiff", nil), true},
		"gray-inverted.tif":     {infoOf(23, 17, 1, 8, "tiff", "halorun/tiff", nil), false},
		"rgb-tiles.tif":         {infoOf(23, 17, 3, 8, "tiff", "halorun/tiff", nil), false},
		"rgba.tif":              {infoOf(23, 17, 3, 8, "tiff", "halorun/tiff", []string{alpha + ", after the colours were multiplied by it"}), false},
		"rgba-associated.tif":   {infoOf(23, 17, 3, 8, "tiff", "halorun/tiff", []string{alpha}), false},
		"palette.tif":           {infoOf(23, 17, 3, 8, "tiff", "halorun/tiff", nil), false},
		"orientation1.tif":      {infoOf(23, 17, 3, 8, "tiff", "halorun/tiff", nil), true},
		"orientation8.tif":      {infoOf(17, 23, 3, 8, "tiff", "halorun/tiff", []string{"orientation 8 applied"}), false},
		"gray16.tif":            {infoOf(23, 17, 1, 16, "tiff", "halorun/tiff", []string{sixteen}), false},
		"gray.jpg":              {infoOf(47, 35, 1, 8, "jpeg", "halorun/jpeg", nil), false},
		"cmyk.jpg":              {infoOf(47, 35, 3, 8, "jpeg", "halorun/jpeg", nil), false},
		"orientation5.jpg":      {infoOf(35, 47, 3, 8, "jpeg", "halorun/jpeg", []string{"orientation 5 applied"}), false},
		"gray-orientation8.jpg": {infoOf(35, 47, 1, 8, "jpeg", "halorun/jpeg", []string{"orientation 8 applied"}), false},
	}
	for name, want := range tests {
		r := openFile(t, fixture{Picture: name}.path())
		got := r.Info()
		got.Meta = metadata.Metadata{}
		if !reflect.DeepEqual(got, want.info) || r.Direct() != want.direct {
			t.Errorf("%s: %+v, direct %t", name, got, r.Direct())
		}
	}
}

// Any rows may be read at any time by anybody.
func TestConcurrentReads(t *testing.T) {
	for _, name := range []string{"p6.ppm", "p6-65535.ppm", "p4.pbm", "p3.ppm", "rgb-strips.tif", "rgb8.png", "rgb-lzw-tiles.tif"} {
		path := fixture{Picture: name}.path()
		want := readAll(t, openFile(t, path))
		r := openFile(t, path)
		var wg sync.WaitGroup
		for y := range want.height {
			wg.Go(func() {
				got := newPixels(want.width, 1, want.channels)
				if err := r.ReadRows(y, got.rows(0, 1)); err != nil || !bytes.Equal(got.data, want.row(y)) {
					t.Errorf("%s, row %d: %v", name, y, err)
				}
			})
		}
		wg.Wait()
	}
}

// FillOrder 2 turns the bits of each byte round, compressed or not.
func TestReversedBits(t *testing.T) {
	reversed := func(b []byte) []byte {
		b = bytes.Clone(b)
		for i, v := range b {
			b[i] = bits.Reverse8(v)
		}
		return b
	}
	plain := tiffOf(tag{tagFillOrder, 2})
	packed := append(tiffOf(tag{tagFillOrder, 2}, tag{tagCompression, 32773}, tag{tagStripByteCounts, 17})[:512], 15)
	for name, b := range map[string][]byte{
		"none":     append(plain[:512:512], reversed(plain[512:])...),
		"PackBits": append(packed[:512:512], reversed(append([]byte{15}, plain[512:]...))...),
	} {
		if p, err := readBytes(t, b, roomy); err != nil || !bytes.Equal(p.data, plain[512:]) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
