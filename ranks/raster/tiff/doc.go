// Package tiff reads and writes TIFF and BigTIFF files, by regions.
//
//	Parse ──► Image: Place    rows that lie open in the file, to be read there
//	                 ReadRows any rows, decoding the strips and tiles that they touch
//	                 Stream   all rows, from top to bottom
//
//	Output ──► Layout     a header, and then open rows that anybody may write
//	           NewEncoder Encode: a segment, which is a strip, anywhere; NewWriter: the file, in order
//
// It reads both byte orders, strips and tiles, samples side by side or in planes; compression none, LZW, deflate, zstd, PackBits and JPEG;
// horizontal and floating-point predictors. Samples are delivered as 8 bits, one channel or three, as libtiff's RGBA interface makes them,
// through which OpenCV reads. Floating point, signed numbers, more than 16 bits and more bands than colours need Options.Bands or
// Options.Scale, which say how they become a picture.
//
// JPEG is decoded by package jpeg, and gives the samples that libtiff makes by libjpeg: chroma is interpolated within each strip or tile.
//
// What a file claims is believed only as far as its size allows: tables are read where they lie, in windows; strips and tiles are decoded
// whole if they are small, else row by row, so that memory does not go with what is claimed.
//
// Sources: TIFF 6.0 (Adobe, 1992); TIFF Technical Notes 1 to 3; the BigTIFF design (libtiff, 2007); GeoTIFF 1.1 (OGC 19-008r4);
// Exif 2.32 (CIPA DC-008).
package tiff
