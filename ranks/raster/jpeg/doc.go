// Package jpeg reads and writes JPEG files (ITU-T T.81, JFIF 1.02, Adobe's technical note 5116).
//
//	file → markers → entropy decoding → coefficients → inverse DCT → planes → upsampling → colour → rows
//
// The samples that it reads are those that libjpeg-turbo makes by default, and with it OpenCV's imread: the accurate integer DCT,
// triangular interpolation of chroma, 16-bit fixed-point colour, smoothing between the blocks of a progressive file that lacks its last
// scans. Baseline, extended sequential and progressive files of 8 bits are read, of grey, YCbCr, RGB, CMYK and YCCK; not lossless,
// hierarchical and arithmetic-coded ones.
//
// A sequential file is read in the memory of some rows. Of a progressive one, or one whose components lie in scans of their own, the
// coefficients of the whole picture are kept: in memory, or, as far as that goes, in a scratch file, in which each scan, and at last what
// makes samples, goes from top to bottom. Where restart markers stand between rows of blocks, any rows can be read
// alone, at a cost that goes with their number, by several goroutines.
//
// Abbreviated streams, as TIFF has them, are read with the tables that belong to them.
//
// What it writes is baseline, as libjpeg's cjpeg -baseline -restart 1 does, byte for byte: each row of blocks is a segment between restart
// markers, which can be encoded anywhere.
package jpeg
