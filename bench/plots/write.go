package plots

import (
	"bytes"

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
	return b.Bytes(), nil
}
