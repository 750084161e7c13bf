package raster

import "encoding/binary"

// byteOrder reads a TIFF's first four bytes.
func byteOrder(b []byte) (binary.ByteOrder, bool) {
	switch {
	case hasPrefix(b, "II*\x00"):
		return binary.LittleEndian, true
	case hasPrefix(b, "MM\x00*"):
		return binary.BigEndian, true
	}
	return nil, false
}

// exifOrientation finds the orientation in EXIF data, which is a TIFF without a picture. It returns 1, upright, if
// there is none.
func exifOrientation(b []byte) int {
	order, ok := byteOrder(b)
	if !ok || len(b) < 8 {
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
			return validOrientation(int(order.Uint16(entries[8:])))
		}
		entries = entries[12:]
	}
	return 1
}

func validOrientation(o int) int {
	if o < 1 || o > 8 {
		return 1
	}
	return o
}
