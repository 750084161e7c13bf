package jpeg

// Markers (T.81, table B.1), without their 0xff.
const (
	markerSOF0  = 0xc0 // baseline; up to 0xcf other kinds of frames, but for three
	markerSOF1  = 0xc1 // extended sequential
	markerSOF2  = 0xc2 // progressive
	markerDHT   = 0xc4
	markerJPG   = 0xc8
	markerDAC   = 0xcc
	markerRST0  = 0xd0
	markerRST7  = 0xd7
	markerSOI   = 0xd8
	markerEOI   = 0xd9
	markerSOS   = 0xda
	markerDQT   = 0xdb
	markerDNL   = 0xdc
	markerDRI   = 0xdd
	markerAPP0  = 0xe0
	markerAPP1  = 0xe1
	markerAPP2  = 0xe2
	markerAPP14 = 0xee
	markerTEM   = 0x01
)

// isFrame tells whether a marker begins a frame header, SOF0 to SOF15.
func isFrame(marker byte) bool {
	return marker >= markerSOF0 && marker <= markerSOF0+15 && marker != markerDHT && marker != markerJPG && marker != markerDAC
}

// isAlone tells whether no length and no body follow a marker.
func isAlone(marker byte) bool {
	return marker >= markerRST0 && marker <= markerSOI || marker == markerTEM
}

// order gives the place in a block, row by row, of the k-th coefficient of a file.
var order = [64]uint8{
	0, 1, 8, 16, 9, 2, 3, 10,
	17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34,
	27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36,
	29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46,
	53, 60, 61, 54, 47, 55, 62, 63,
}

// zigzag is order, and goes on: what runs over a block's end, in a damaged file, falls on its last coefficient, as in libjpeg.
var zigzag = func() (z [256]uint8) {
	for k := range z {
		z[k] = order[min(k, 63)]
	}
	return z
}()
