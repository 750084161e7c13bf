package raster

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

func isSpace(b byte) bool { return b == ' ' || b >= '\t' && b <= '\r' }

// parsePNM reads the header of a netpbm file: P1 to P3 are text, P4 to P6 binary; bitmaps, grey, colour.
func parsePNM(src *io.SectionReader) (*header, error) {
	// A header longer than this would be all comments.
	counted := &countingReader{r: bufio.NewReader(io.NewSectionReader(src, 0, min(src.Size(), 1<<20)))}
	kind, err := counted.kind()
	if err != nil {
		return nil, damaged("pnm", err)
	}
	h := &header{orientation: 1, expansion: 1}
	h.Format, h.Codec, h.Channels, h.Depth = "pnm", "halorun/pnm", 1, 8
	if kind == '3' || kind == '6' {
		h.Channels = 3
	}
	h.working = int64(h.Channels)
	maxval := 1
	for _, v := range []*int{&h.Width, &h.Height, &maxval} {
		if v == &maxval && (kind == '1' || kind == '4') {
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
	if maxval > 255 {
		h.Depth = 16
		h.Notices = append(h.Notices, "16 bits reduced to 8")
	}
	switch kind {
	case '1', '2', '3':
		h.whole(func() (*pixels, error) { return decodeText(src, body, h.Info, maxval, kind == '1') })
		return h, nil
	case '4':
		h.Depth, h.expansion = 1, 8
	}
	rowBytes := int64(h.Width) * int64(h.Channels) * int64(h.Depth) / 8
	if kind == '4' {
		rowBytes = (int64(h.Width) + 7) / 8
	}
	if h.Width > 0 && h.Height > 0 && (src.Size()-body)/int64(h.Height) < rowBytes {
		return nil, fmt.Errorf("damaged pnm: it ends too early: %d×%d pixels need %d bytes a row, and it has %d bytes",
			h.Width, h.Height, rowBytes, src.Size())
	}
	if h.Depth == 8 {
		h.place = &placed{rowBytes: int(rowBytes), offset: func(y int) int64 { return body + int64(y)*rowBytes }}
		return h, nil
	}
	h.whole(func() (*pixels, error) { return decodeWide(src, body, int(rowBytes), h.Info) })
	return h, nil
}

// decodeWide reads bits, of which 1 is black, or samples of two bytes, of which the first is kept.
func decodeWide(src *io.SectionReader, body int64, rowBytes int, in Info) (*pixels, error) {
	p := newPixels(in.Width, in.Height, in.Channels)
	row := make([]byte, rowBytes)
	r := bufio.NewReaderSize(io.NewSectionReader(src, body, src.Size()-body), 1<<20)
	for y := range p.height {
		if _, err := io.ReadFull(r, row); err != nil {
			return nil, err
		}
		dst := p.row(y)
		for i := range dst {
			if in.Depth == 16 {
				dst[i] = row[2*i]
			} else if row[i/8]>>(7-i%8)&1 == 0 {
				dst[i] = 255
			}
		}
	}
	return p, nil
}

func decodeText(src *io.SectionReader, body int64, in Info, maxval int, bitmap bool) (*pixels, error) {
	p := newPixels(in.Width, in.Height, in.Channels)
	c := &countingReader{r: bufio.NewReaderSize(io.NewSectionReader(src, body, src.Size()-body), 1<<20)}
	for i := range p.data {
		if bitmap {
			// Digits of a bitmap need no space between them.
			b, err := c.digit()
			if err != nil {
				return nil, err
			}
			if b == '0' {
				p.data[i] = 255
			}
			continue
		}
		v, err := c.number()
		if err != nil {
			return nil, err
		}
		switch v = min(v, maxval); {
		case in.Depth == 16:
			v >>= 8
		default:
			v = v * 255 / maxval // of the binary formats OpenCV scales none
		}
		p.data[i] = byte(v)
	}
	return p, nil
}

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
