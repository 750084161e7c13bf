package raster

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

func isSpace(b byte) bool { return b == ' ' || b >= '\t' && b <= '\r' }

// parsePNM reads the header of a netpbm file: P1 to P3 are text, P4 to P6 binary; bitmaps, grey, colour.
func parsePNM(src *io.SectionReader, o Options) (*header, error) {
	// A header longer than this would be all comments.
	counted := &countingReader{r: bufio.NewReader(io.NewSectionReader(src, 0, min(src.Size(), 1<<20)))}
	number, err := counted.kind()
	if err != nil {
		return nil, damaged("pnm", err)
	}
	h := &header{orientation: 1, expansion: 1}
	h.Format, h.Codec, h.Channels, h.Depth = "pnm", "halorun/pnm", 1, 8
	if number == '3' || number == '6' {
		h.Channels = 3
	}
	maxval := 1
	for _, v := range []*int{&h.Width, &h.Height, &maxval} {
		if v == &maxval && (number == '1' || number == '4') {
			break
		}
		if *v, err = counted.number(); err != nil {
			return nil, damaged("pnm", err)
		}
	}
	if maxval < 1 || maxval > 65535 {
		return nil, fmt.Errorf("damaged pnm: its largest sample is %d, not from 1 to 65535", maxval)
	}
	body := counted.n // number has read the one white space behind the last
	f := form{samples: h.Channels, kind: kind{'u', 1}, big: true, scale: o.Scale}
	if maxval > 255 {
		h.Depth, f.kind.bytes = 16, 2
		if o.Scale == nil {
			h.Notices = append(h.Notices, "16 bits reduced to 8")
		}
	}
	switch number {
	case '1', '4':
		if err := o.check("bitmap"); err != nil {
			return nil, err
		}
	case '2', '3':
		if len(o.Bands) > 0 {
			return nil, errors.New("--bands is not for a PNM of text; convert it (pnmtopnm)")
		}
	}
	switch number {
	case '1', '2', '3':
		h.stream = func(room) (Stream, error) { return newTextStream(src, body, maxval, number == '1', o.Scale), nil }
		return h, nil
	case '4':
		h.Depth = 1
		if err := h.bits(body, src.Size()); err != nil {
			return nil, damaged("pnm", err)
		}
		return h, nil
	}
	if f.pick, err = o.bands(f.samples); err != nil {
		return nil, err
	}
	if err := h.rowsOf(f, body, src.Size()); err != nil {
		return nil, damaged("pnm", err)
	}
	return h, nil
}

// bits makes h that of a bitmap whose rows, of which each begins with a byte, lie from body on in a file of the given size. 1 is black.
func (h *header) bits(body, size int64) error {
	h.expansion = 8
	if h.Width < 1 || h.Height < 1 {
		return nil // which is found out soon
	}
	rowBytes := (int64(h.Width) + 7) / 8
	if (size-body)/int64(h.Height) < rowBytes {
		return fmt.Errorf("it ends too early: %d×%d pixels need %d bytes a row, and it has %d bytes", h.Width, h.Height, rowBytes, size)
	}
	h.place = &placed{
		rowBytes: int(rowBytes),
		offset:   func(y int) int64 { return body + int64(y)*rowBytes },
		convert:  &conversion{pixels: 8, bytes: 1, channels: 1, apply: fromBits},
	}
	return nil
}

// fromBits makes 255 of each bit that is 0, the most significant first, and 0 of the others.
func fromBits(dst, src []byte) {
	for i := range dst {
		dst[i] = byte(int(src[i/8]>>(7-i%8)&1) - 1)
	}
}

// textStream reads the numbers of P1 to P3.
type textStream struct {
	c      *countingReader
	bitmap bool
	table  []byte // by number
}

func newTextStream(src *io.SectionReader, body int64, maxval int, bitmap bool, scale *Scale) *textStream {
	c := &countingReader{r: bufio.NewReaderSize(io.NewSectionReader(src, body, src.Size()-body), 64<<10)}
	t := &textStream{c: c, bitmap: bitmap, table: make([]byte, maxval+1)}
	for v := range t.table {
		switch {
		case bitmap:
			t.table[v] = byte(v - 1) // 1 is black
		case scale != nil:
			t.table[v] = scale.apply(float64(v))
		case maxval > 255:
			t.table[v] = byte(v >> 8)
		default:
			t.table[v] = byte(v * 255 / maxval) // of the binary formats OpenCV scales none
		}
	}
	return t
}

func (t *textStream) ReadRows(dst [][]byte) error {
	for _, row := range dst {
		for i := range row {
			v, err := t.number()
			if err != nil {
				return err
			}
			row[i] = t.table[min(v, len(t.table)-1)]
		}
	}
	return nil
}

func (t *textStream) number() (int, error) {
	if !t.bitmap {
		return t.c.number()
	}
	b, err := t.c.digit() // digits of a bitmap need no space between them
	return min(1, int(b)-'0'), err
}

func (t *textStream) Close() error { return nil }

// countingReader reads the tokens of a netpbm file and counts bytes.
type countingReader struct {
	r *bufio.Reader
	n int64
}

func (c *countingReader) byte() (byte, error) {
	b, err := c.r.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}

func (c *countingReader) kind() (byte, error) {
	if _, err := c.byte(); err != nil {
		return 0, err
	}
	return c.byte()
}

// skipLine reads to the end of a line, where a comment ends.
func (c *countingReader) skipLine() error {
	for {
		if b, err := c.byte(); err != nil || b == '\n' || b == '\r' {
			return err
		}
	}
}

// digit returns the next byte that is neither white space nor in a comment.
func (c *countingReader) digit() (byte, error) {
	for {
		b, err := c.byte()
		if err != nil {
			return 0, err
		}
		switch {
		case b >= '0' && b <= '9':
			return b, nil
		case b == '#':
			if err := c.skipLine(); err != nil {
				return 0, err
			}
		case !isSpace(b):
			return 0, fmt.Errorf("%q where a number should be", b)
		}
	}
}

// number reads a number and the one byte behind it.
func (c *countingReader) number() (int, error) {
	b, err := c.digit()
	if err != nil {
		return 0, err
	}
	v := 0
	for {
		v = v*10 + int(b-'0')
		if v > 1<<31-1 {
			return 0, errors.New("a number in it is beyond 2^31")
		}
		b, err = c.byte()
		switch {
		case err == io.EOF || err == nil && isSpace(b):
			return v, nil
		case err != nil:
			return 0, err
		case b == '#':
			return v, c.skipLine()
		case b < '0' || b > '9':
			return 0, fmt.Errorf("%q in a number", b)
		}
	}
}
