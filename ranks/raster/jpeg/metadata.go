package jpeg

import (
	"bytes"
	"encoding/binary"

	"halorun/ranks/raster/metadata"
)

// What the bodies of application segments begin with.
const (
	signatureJFIF  = "JFIF\x00"
	signatureAdobe = "Adobe"
	signatureEXIF  = "Exif\x00\x00"
	signatureXMP   = "http://ns.adobe.com/xap/1.0/\x00"
	signatureICC   = "ICC_PROFILE\x00"
)

// collector gathers metadata from segments as they come.
type collector struct {
	meta        metadata.Metadata
	orientation int
	app1        bool // one has been seen
	icc         [][]byte
	iccBad      bool
}

func (c *collector) takeAPP1(body []byte) {
	if rest, ok := bytes.CutPrefix(body, []byte(signatureEXIF)); ok {
		if !c.app1 { // OpenCV looks into the first APP1 only
			c.orientation = metadata.Orientation(rest)
		}
		if c.meta.EXIF == nil {
			c.meta.EXIF = bytes.Clone(rest)
		}
	} else if rest, ok := bytes.CutPrefix(body, []byte(signatureXMP)); ok && c.meta.XMP == nil {
		c.meta.XMP = bytes.Clone(rest)
	}
	c.app1 = true
}

// takeAPP2 takes a part of an ICC profile: its number, from 1, how many there are, and its bytes (ICC.1:2022, B.4).
func (c *collector) takeAPP2(body []byte) {
	rest, ok := bytes.CutPrefix(body, []byte(signatureICC))
	if !ok {
		return
	}
	if len(rest) < 2 {
		c.iccBad = true
		return
	}
	number, count := int(rest[0]), int(rest[1])
	if c.icc == nil {
		c.icc = make([][]byte, count)
	}
	if count != len(c.icc) || number < 1 || number > count || c.icc[number-1] != nil {
		c.iccBad = true
		return
	}
	c.icc[number-1] = bytes.Clone(rest[2:])
}

// profile joins the parts. A profile that is not whole is none, which the second result says.
func (c *collector) profile() (icc []byte, bad bool) {
	for _, part := range c.icc {
		if part == nil {
			return nil, true
		}
		icc = append(icc, part...)
	}
	if c.iccBad {
		return nil, true
	}
	return icc, false
}

// takeJFIF takes the density from a JFIF header, which begins with the version.
func (c *collector) takeJFIF(body []byte) {
	if len(body) < 7 {
		return
	}
	unit := [...]metadata.Unit{metadata.NoUnit, metadata.Inch, metadata.Centimetre}
	x, y := binary.BigEndian.Uint16(body[3:]), binary.BigEndian.Uint16(body[5:])
	if int(body[2]) >= len(unit) || x == 0 || y == 0 || unit[body[2]] == metadata.NoUnit && x == y {
		return // it says nothing
	}
	c.meta.Resolution = &metadata.Resolution{X: float64(x), Y: float64(y), Unit: unit[body[2]]}
}
