// Package png reads and writes PNG files, as ISO/IEC 15948 and the W3C's third edition say, by rows.
//
//	Parse ──► Image ──Stream──► chunks ──► inflate │ unfilter ──► rows of 8-bit samples
//	                             (a goroutine that runs ahead)
//	rows ──► Encoder, of segments: filter ──► deflate ──► IDAT chunks ──► Writer
//
// Of an interlaced picture the even rows, of which the first passes have all, are kept before the first row is delivered: in memory, or in
// a scratch file; the last pass has the odd rows, and goes straight.
//
// All colour types and depths are read, as OpenCV 4.6 reads them: grey becomes one channel, all else three; alpha is dropped, not
// multiplied; of 16 bits the upper 8 are taken; grey of fewer bits is scaled. The checksums of what matters are held to: those of IHDR,
// PLTE, IDAT and IEND, and the picture data's own. An ancillary chunk whose checksum is wrong counts for nothing.
//
// Some faults are no harm, and tolerated, as libpng does: picture data that goes on behind the last row, unless a checksum is wrong there;
// IDAT chunks that come apart from the others, if these hold all rows; indices beyond the palette, which are black; data in
// IEND, and anything behind it.
package png
