package plots

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"slices"

	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// dotsPerInch is what printers of papers ask for.
const dotsPerInch = 300

// SVG returns the plot as an SVG document.
func (f *Plot) SVG() ([]byte, error) {
	face, err := newFaces()
	if err != nil {
		return nil, err
	}
	c := vgsvg.New(Width, Height)
	f.draw(c, face)
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// PNG returns the plot as a PNG.
func (f *Plot) PNG() ([]byte, error) {
	face, err := newFaces()
	if err != nil {
		return nil, err
	}
	c := vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(Width, Height), vgimg.UseDPI(dotsPerInch))}
	f.draw(c, face)
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return nil, err
	}
	return withDensity(b.Bytes()), nil
}

// withDensity adds to a PNG how large its pixels are on paper, which its encoder does not say.
func withDensity(png []byte) []byte {
	const (
		header = 8 + 12 + 13               // the signature, and the chunk IHDR
		metre  = dotsPerInch * 10000 / 254 // in pixels
	)
	chunk := []byte("pHYs")
	chunk = binary.BigEndian.AppendUint32(chunk, metre)
	chunk = binary.BigEndian.AppendUint32(chunk, metre)
	chunk = append(chunk, 1) // metres
	all := slices.Clone(png[:header])
	all = binary.BigEndian.AppendUint32(all, uint32(len(chunk)-4))
	all = append(all, chunk...)
	all = binary.BigEndian.AppendUint32(all, crc32.ChecksumIEEE(chunk))
	return append(all, png[header:]...)
}
