package kernels

import (
	_ "embed"
	"encoding/hex"
	"slices"
	"strings"
	"unsafe"
)

var _ = register(Definition{
	Name: "colormap", Order: 48, Border: BorderNone,
	Doc: "to grey, then coloured by one of OpenCV's maps (applyColorMap)",
	Params: []Param{
		{Name: "name", Kind: KindChoice, Text: "jet", Choices: colourMapNames(), Doc: "the map"},
	},
	Build: func(a Args, channels int) ([]Op, error) { return inGray(channels, newColourMap(a.Text("name"))), nil },
})

// colourMaps holds OpenCV's colour maps, one a line: a name, and the red, green and blue of 256 colours as hexadecimal digits.
//
//go:embed colormaps.txt
var colourMaps string

func colourMapNames() (names []string) {
	for line := range strings.Lines(colourMaps) {
		name, _, _ := strings.Cut(line, " ")
		names = append(names, name)
	}
	return names
}

// newColourMap returns the op that looks up the samples of a grey picture in a map.
func newColourMap(name string) Op { return colours(colourMap(name)) }

// colourMap returns the map's colours, three bytes each.
func colourMap(name string) []byte {
	lines := strings.Fields(colourMaps)
	colours, err := hex.DecodeString(lines[slices.Index(lines, name)+1])
	if err != nil {
		panic(err)
	}
	return colours
}

// colours looks a grey sample up in a map of 256 colours, each red, green and blue.
func colours(colourMap []byte) Op {
	var words [256]uint32 // red in the lowest bits
	var planes [768]byte  // a table a channel
	for v := range words {
		for c := range 3 {
			words[v] |= uint32(colourMap[3*v+c]) << (8 * c)
			planes[256*c+v] = colourMap[3*v+c]
		}
	}
	return pointwise{
		channels: 3,
		row: func(dst, src []byte) {
			n := len(src)
			switch {
			case path >= isaAVX512 && n >= 64:
				coloursAVX512(&dst[0], &src[0], n, &planes)
			case path == isaNEON && n >= 32:
				coloursNEON(&dst[0], &src[0], n, &planes)
			default:
				colourWords(dst, src, &words)
			}
		},
		pixel: func(out, in []float64) {
			for c := range out {
				out[c] = float64(colourMap[3*int(in[0])+c])
			}
		},
	}
}

// colourWords writes four bytes for each pixel, of which the next pixel's overwrite the fourth.
func colourWords(dst, src []byte, words *[256]uint32) {
	last := len(src) - 1
	if last < 0 {
		return
	}
	d := at(dst, 0, 3*len(src))
	for i, v := range src[:last] {
		*(*uint32)(unsafe.Add(unsafe.Pointer(d), 3*i)) = words[v]
	}
	colour := words[src[last]]
	dst[3*last], dst[3*last+1], dst[3*last+2] = byte(colour), byte(colour>>8), byte(colour>>16)
}
