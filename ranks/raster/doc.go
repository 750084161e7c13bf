// Package raster reads and writes picture files, by rows.
//
//	Open ──► Reader: Info, ReadRows in any order
//	Output, NewWriter ──► Writer: Begin, WriteRows, Finish
//	Pending: a file that appears under its name when it is complete
//
// Samples are 8 bits, one or three channels, interleaved as red, green, blue. Uncompressed formats are Direct: rows are read and
// written at their place in the file, in any order, by any number of processes. The others are decoded whole at the first
// read, and written from top to bottom.
//
// The samples are those that OpenCV 4.6 reads with IMREAD_COLOR, grey in one channel; of a JPEG they differ by 3 at most, for
// the standard library rounds its inverse cosine transform in another way.
//
// What a file claims is believed only as far as its size allows: nothing is allocated for pixels that it cannot hold.
package raster
