package metadata

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// Metadata is what survives from INPUT to OUTPUT, as far as the formats can carry it. Nil or zero parts are absent.
type Metadata struct {
	ICC        []byte      `json:"icc,omitempty"`  // the ICC profile
	EXIF       []byte      `json:"exif,omitempty"` // a TIFF structure, from its byte order mark on
	XMP        []byte      `json:"xmp,omitempty"`  // the packet's text
	Resolution *Resolution `json:"resolution,omitempty"`
	Geo        []Tag       `json:"geo,omitempty"` // GeoTIFF's, rising
}

// Bytes returns how much memory it takes.
func (m Metadata) Bytes() int64 {
	n := len(m.ICC) + len(m.EXIF) + len(m.XMP)
	for _, t := range m.Geo {
		n += len(t.Data)
	}
	return int64(n)
}

// Sum returns a checksum of all of it, SHA-256.
func (m Metadata) Sum() (sum [32]byte) {
	h := sha256.New()
	part := func(b []byte) {
		_ = binary.Write(h, binary.LittleEndian, int64(len(b)))
		h.Write(b)
	}
	for _, b := range [...][]byte{m.ICC, m.EXIF, m.XMP} {
		part(b)
	}
	if m.Resolution != nil {
		fmt.Fprintf(h, "%+v ", *m.Resolution)
	}
	fmt.Fprint(h, len(m.Geo))
	for _, t := range m.Geo {
		fmt.Fprint(h, t.Number, t.Type, t.Count)
		part(t.Data)
	}
	h.Sum(sum[:0])
	return sum
}

// Resolution is the number of pixels per unit.
type Resolution struct {
	X    float64 `json:"x"`
	Y    float64 `json:"y"`
	Unit Unit    `json:"unit"`
}

// Unit is what a Resolution counts by.
type Unit int

// The units; without one a Resolution tells no more than a pixel's proportions.
const (
	NoUnit Unit = iota
	Inch
	Centimetre
)

// Tag is an entry of a TIFF directory, its values in little-endian byte order.
type Tag struct {
	Number uint16 `json:"number"`
	Type   uint16 `json:"type"` // TIFF's
	Count  uint64 `json:"count"`
	Data   []byte `json:"data"`
}
