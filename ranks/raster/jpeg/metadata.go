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
			c.orientation = orientationOf(rest)
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

// orientationOf finds the orientation, 1 to 8, in EXIF data, which is a TIFF without a picture. It is 1, upright, if none is told.
func orientationOf(b []byte) int {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(b, []byte("II*\x00")):
		order = binary.LittleEndian
	case bytes.HasPrefix(b, []byte("MM\x00*")):
		order = binary.BigEndian
	}
	if order == nil || len(b) < 8 {
		return 1
	}
	at := int64(order.Uint32(b[4:]))
	if at+2 > int64(len(b)) {
		return 1
	}
	entries := b[at+2:]
	for range order.Uint16(b[at:]) {
		if len(entries) < 12 {
			return 1
		}
		if order.Uint16(entries) == 274 {
			if o := int(order.Uint16(entries[8:])); o >= 1 && o <= 8 {
				return o
			}
			return 1
		}
		entries = entries[12:]
	}
	return 1
}
