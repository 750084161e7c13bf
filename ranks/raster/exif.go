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
