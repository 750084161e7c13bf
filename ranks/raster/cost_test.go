package raster

import (
	"bytes"
	"encoding/binary"
	"io"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// stripsOf makes a TIFF of n strips of one grey pixel, which all lie in the same bytes.
func stripsOf(n int, compression uint32, strip []byte) []byte {
	b := tiffOf(tag{tagWidth, 1}, tag{tagHeight, uint32(n)}, tag{tagRowsPerStrip, 1}, tag{tagCompression, compression},
		tag{tagStripOffsets, 528}, tag{tagStripByteCounts, uint32(528 + 4*n)})
	le := binary.LittleEndian
	for e := b[10:]; le.Uint16(e) != 0; e = e[12:] {
		if id := le.Uint16(e); id == tagStripOffsets || id == tagStripByteCounts {
			le.PutUint32(e[4:], uint32(n))
		}
	}
	for range n {
		b = le.AppendUint32(b, uint32(528+8*n))
	}
	for range n {
		b = le.AppendUint32(b, uint32(len(strip)))
	}
	return append(b, strip...)
}

// What a file costs grows with its size, not with what it claims, nor with how often it refers to the same bytes.
func TestCostOfHostileFiles(t *testing.T) {
	const many = 1 << 20
	empty := append([]byte{0x78, 1}, bytes.Repeat([]byte{0, 0, 0, 0xff, 0xff}, many/5)...) // stored blocks of nothing
	empty = append(empty, 1, 1, 0, 0xfe, 0xff, 7)
	files := map[string][]byte{
		"png of 2^31 a side":           pngOf(1<<31-1, 1<<31-1, 8, 6, nil),
		"png of what 57 bytes claim":   pngOf(1<<17, 1<<17, 1, 0, nil),
		"png of empty chunks":          append(pngOf(4, 4, 8, 0, nil)[:33], bytes.Repeat([]byte("\x00\x00\x00\x00teXtabcd"), many)...),
		"png of a huge eXIf":           append(pngOf(4, 4, 8, 0, nil)[:33], "\xff\xff\xff\xffeXIf"...),
		"jpeg of 65535 a side":         jpegOf(t, func(f []byte) { copy(f[5:], "\xff\xff\xff\xff") }),
		"jpeg of padding":              append([]byte("\xff\xd8"), bytes.Repeat([]byte{0xff}, many)...),
		"jpeg of empty segments":       append([]byte("\xff\xd8"), bytes.Repeat([]byte{0xff, 0xe5, 0, 2}, many/4)...),
		"tiff of 2^32 a side":          tiffOf(tag{tagWidth, 1<<32 - 1}, tag{tagHeight, 1<<32 - 1}, tag{tagCompression, 5}),
		"tiff of a huge strip":         tiffOf(tag{tagWidth, 1 << 10}, tag{tagHeight, 1 << 10}, tag{tagRowsPerStrip, 1<<32 - 1}, tag{tagCompression, 5}),
		"tiff of a huge tile":          tiffOf(tag{tagTileOffsets, 512}, tag{tagTileByteCounts, 16}, tag{tagTileWidth, 1 << 31}, tag{tagTileHeight, 1 << 31}),
		"tiff of one PackBits strip":   stripsOf(2000, 32773, append(bytes.Repeat([]byte{0x80}, many), 0, 7)),
		"tiff of one deflate strip":    stripsOf(2000, 8, empty),
		"tiff of one LZW strip":        stripsOf(2000, 5, append(bytes.Repeat([]byte{0x80, 0x40, 0x20, 0x10, 8, 4, 2, 1, 0}, many/9), 0)),
		"tiff of many deflate strips":  stripsOf(20000, 8, []byte{0x78, 1, 1, 1, 0, 0xfe, 0xff, 7}),
		"pnm of 2^31 a side":           []byte("P6 2147483647 2147483647 255\n"),
		"pnm of text of 2^31 a side":   []byte("P3 2147483647 2147483647 255\n1 2 3"),
		"pnm of bits of 2^31 a side":   []byte("P4 2147483647 2147483647\n1"),
		"pnm of one comment":           append([]byte("P6\n#"), bytes.Repeat([]byte("x"), 4*many)...),
		"pnm of one number":            append([]byte("P6\n"), bytes.Repeat([]byte("0"), 4*many)...),
		"pnm of text that says little": append([]byte("P2 1000 1000 255\n"), bytes.Repeat([]byte("#\n"), many)...),
	}
	for name, content := range files {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := processorTime(t)
			readBytes(t, content, roomy)
			took := processorTime(t) - began
			runtime.ReadMemStats(&after)
			if spent := after.TotalAlloc - before.TotalAlloc; spent > 64<<20 {
				t.Errorf("%d bytes of file took %d MiB of memory", len(content), spent>>20)
			}
			if took > 5*time.Second {
				t.Errorf("%d bytes of file took %v", len(content), took)
			}
		})
	}
}

// processorTime returns how long this process has computed, which does not grow with what else the machine does. No other test runs meanwhile,
// since those that are parallel wait for the others.
func processorTime(t *testing.T) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(unix.TimevalToNsec(u.Utime) + unix.TimevalToNsec(u.Stime))
}

// countingAt counts the calls of ReadAt.
type countingAt struct {
	*bytes.Reader
	calls int
}

func (c *countingAt) ReadAt(b []byte, at int64) (int, error) {
	c.calls++
	return c.Reader.ReadAt(b, at)
}

// A header of many small pieces takes few system calls.
func TestHeadersTakeFewReads(t *testing.T) {
	for name, b := range map[string][]byte{
		"jpeg": append([]byte("\xff\xd8"), bytes.Repeat([]byte{0xff, 0xe5, 0, 2, 0xff}, 20000)...),
		"png":  append(pngOf(4, 4, 8, 0, nil)[:33], bytes.Repeat([]byte("\x00\x00\x00\x00teXtabcd"), 10000)...),
	} {
		c := &countingAt{Reader: bytes.NewReader(b)}
		if _, err := parse(b[:16], io.NewSectionReader(c, 0, int64(len(b))), roomy); err == nil {
			t.Errorf("%s: a header without an end is taken", name)
		}
		if c.calls > len(b)/1000 {
			t.Errorf("%s: %d reads of %d bytes", name, c.calls, len(b))
		}
	}
}

// A progressive JPEG takes memory for all its coefficients, another for some rows.
func TestMemoryOfProgressive(t *testing.T) {
	for name, want := range map[string]bool{"444.jpg": true, "cmyk.jpg": true, "progressive-444.jpg": false} {
		_, err := readBytes(t, fixtureBytes(t, name), Options{MaxPixels: 1 << 30, Memory: 47 * 35 * 5})
		if (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A file cut at any length is refused, or all its rows lie before the cut.
func TestCutAnywhere(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"gray1.png", "gray8.png", "gray-progressive.jpg", "bits-packbits.tif", "gray-lzw.tif", "gray-deflate.tif", "gray-strips.tif", "p1.pbm", "p4.pbm", "p5.pgm"} {
		b := fixtureBytes(t, name)
		whole, err := readBytes(t, b, roomy)
		if err != nil {
			t.Fatal(name, err)
		}
		for n := range b {
			if p, err := readBytes(t, b[:n], roomy); err == nil && !bytes.Equal(p.data, whole.data) {
				t.Errorf("%s: its first %d of %d bytes are taken for another picture", name, n, len(b))
			}
		}
	}
}
