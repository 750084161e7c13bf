// Package raster reads and writes picture files, by rows.
//
//	Open ──► Reader: Info, ReadRows in any order
//	Output, NewWriter ──► Writer: Begin, WriteRows, Finish
//	Pending: a file that appears under its name when it is complete
//
// Samples are 8 bits, one or three channels, interleaved as red, green, blue. Uncompressed formats are Direct: rows are read and
// written at their place in the file, in any order, by any number of processes. The others are decoded from top to bottom, and
// written in segments, which any process can encode, in order.
//
// The samples are those that OpenCV 4.6 reads with IMREAD_COLOR, grey in one channel.
//
// Decoding takes no more memory than Options.Memory: what an interlaced PNG, a progressive JPEG, and a picture that is to be turned keep
// beyond it goes into a scratch file, in large pieces.
//
// What a file claims is believed only as far as its size allows: nothing is allocated for pixels that it cannot hold.
package raster
