package raster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const npyMagic = "\x93NUMPY"

// npyHeader is the longest header that is read; NumPy itself takes 10000 bytes.
const npyHeader = 64 << 10

// parseNPY reads the header of an array of NumPy's (numpy.lib.format, versions 1 to 3): the literal of a dictionary.
func parseNPY(src *io.SectionReader, o Options) (*header, error) {
	var head [12]byte
	if _, err := src.ReadAt(head[:10], 0); err != nil {
		return nil, damaged("npy", err)
	}
	version, body := head[6], int64(10)
	n := int64(binary.LittleEndian.Uint16(head[8:]))
	switch version {
	case 1:
	case 2, 3:
		if _, err := src.ReadAt(head[:], 0); err != nil {
			return nil, damaged("npy", err)
		}
		n, body = int64(binary.LittleEndian.Uint32(head[8:])), 12
	default:
		return nil, fmt.Errorf(".npy of version %d is not read; 1 to 3 are", version)
	}
	if n > npyHeader {
		return nil, damaged("npy", fmt.Errorf("its header claims %d bytes", n))
	}
	text := make([]byte, n)
	if _, err := src.ReadAt(text, body); err != nil {
		return nil, damaged("npy", err)
	}
	a, err := parseArray(string(text))
	if err != nil {
		return nil, damaged("npy", err)
	}
	return a.header(src, o, body+n)
}

// array is what an .npy's header tells.
type array struct {
	descr   string
	fortran bool
	shape   []int
}

// header makes a picture of the array whose values begin at body.
func (a *array) header(src *io.SectionReader, o Options, body int64) (*header, error) {
	h := new(header)
	h.Format, h.Codec = "npy", "halorun/npy"
	f := form{scale: o.Scale}
	if err := f.describe(a.descr); err != nil {
		return nil, err
	}
	h.Depth = 8 * f.kind.bytes
	switch len(a.shape) {
	case 2:
		f.samples = 1
	case 3:
		f.samples = a.shape[2]
	default:
		return nil, fmt.Errorf(".npy of shape %s is no picture; (height, width) and (height, width, bands) are", shapeText(a.shape))
	}
	h.Height, h.Width = a.shape[0], a.shape[1]
	switch {
	case h.Height < 1 || h.Width < 1 || f.samples < 1:
		return nil, fmt.Errorf(".npy of shape %s has no pixels", shapeText(a.shape))
	case f.samples > maxSamples:
		return nil, fmt.Errorf(".npy of shape %s: a pixel has at most %d bands", shapeText(a.shape), maxSamples)
	case a.fortran:
		return nil, errors.New(".npy in Fortran's order is not read; save it with numpy.ascontiguousarray")
	}
	var err error
	if f.pick, err = o.bands(f.samples); err != nil {
		return nil, fmt.Errorf(".npy of shape %s: %w", shapeText(a.shape), err)
	}
	if err := h.rowsOf(f, body, src.Size()); err != nil {
		return nil, damaged("npy", err)
	}
	return h, nil
}

// describe takes over a type as NumPy writes it: byte order, letter, bytes.
func (f *form) describe(descr string) error {
	unknown := fmt.Errorf(".npy of type %.40q is not read; whole numbers, floating point and bool are", descr)
	if len(descr) < 3 || !strings.Contains("|<>=", descr[:1]) {
		return unknown
	}
	size, err := strconv.Atoi(descr[2:])
	if err != nil || size < 1 || size > 8 {
		return unknown
	}
	f.kind, f.big = kind{descr[1], size}, descr[0] == '>'
	if f.kind == (kind{'b', 1}) {
		f.kind, f.white = kind{'u', 1}, f.scale == nil
	}
	switch {
	case f.number() == nil:
		return unknown
	case f.kind != kind{'u', 1} && f.scale == nil:
		return fmt.Errorf(".npy of type %s: say with --scale MIN,MAX which values become black and white", descr)
	}
	return nil
}

func shapeText(shape []int) string {
	text := make([]string, 0, 4)
	for _, n := range shape[:min(len(shape), 4)] {
		text = append(text, strconv.Itoa(n))
	}
	if len(shape) > 4 {
		text = append(text, "…")
	}
	if len(shape) == 1 {
		text = append(text, "")
	}
	return "(" + strings.TrimSuffix(strings.Join(text, ", "), " ") + ")"
}

// maxDims is how many dimensions an array of NumPy's has at most.
const maxDims = 64

// parseArray reads a dictionary of Python's with the three keys that there are.
func parseArray(text string) (*array, error) {
	p := &literal{text}
	a := new(array)
	seen := make(map[string]bool)
	if !p.take("{") {
		return nil, errors.New("its header is no dictionary")
	}
	for !p.take("}") {
		key, ok := p.quoted()
		if !ok || !p.take(":") || seen[key] {
			return nil, p.wrong()
		}
		seen[key] = true
		switch key {
		case "descr":
			if a.descr, ok = p.quoted(); !ok && p.take("[") {
				return nil, errors.New("its values are records, not numbers")
			}
		case "fortran_order":
			a.fortran = p.take("True")
			ok = a.fortran || p.take("False")
		case "shape":
			a.shape, ok = p.tuple()
		default:
			return nil, fmt.Errorf("%.20q in its header", key)
		}
		if !ok || !p.take(",") && !strings.HasPrefix(p.rest, "}") {
			return nil, p.wrong()
		}
	}
	if p.rest != "" || len(seen) != 3 {
		return nil, p.wrong()
	}
	return a, nil
}

// literal is what is left to read of a literal of Python's.
type literal struct{ rest string }

func (p *literal) wrong() error { return fmt.Errorf("its header is wrong at %.20q", p.rest) }

// take reads a word, and the white space about it, if it comes next.
func (p *literal) take(word string) bool {
	rest, ok := strings.CutPrefix(strings.TrimLeft(p.rest, " \t\r\n"), word)
	if ok {
		p.rest = strings.TrimLeft(rest, " \t\r\n")
	}
	return ok
}

// quoted reads a string without escapes, which no key and no type has.
func (p *literal) quoted() (string, bool) {
	for _, mark := range []string{"'", `"`} {
		if p.take(mark) {
			s, rest, ok := strings.Cut(p.rest, mark)
			p.rest = rest
			p.take("")
			return s, ok && !strings.Contains(s, `\`)
		}
	}
	return "", false
}

// tuple reads whole numbers in brackets. Python 2 has written some with an L.
func (p *literal) tuple() (ns []int, ok bool) {
	if !p.take("(") {
		return nil, false
	}
	for !p.take(")") {
		end := 0
		for end < len(p.rest) && p.rest[end] >= '0' && p.rest[end] <= '9' {
			end++
		}
		n, err := strconv.ParseInt(p.rest[:end], 10, 64)
		if err != nil || n > maxSide || len(ns) == maxDims {
			return nil, false
		}
		ns = append(ns, int(n))
		p.rest = p.rest[end:]
		p.take("L")
		p.take("")
		if !p.take(",") && !strings.HasPrefix(p.rest, ")") {
			return nil, false
		}
	}
	return ns, true
}

// npyLayout makes the header that numpy.save makes: version 1, the length padded to a multiple of 64.
func (o Output) npyLayout() *layout {
	shape := fmt.Sprintf("(%d, %d)", o.Height, o.Width)
	if o.Channels > 1 {
		shape = fmt.Sprintf("(%d, %d, %d)", o.Height, o.Width, o.Channels)
	}
	text := fmt.Sprintf("{'descr': '|u1', 'fortran_order': False, 'shape': %s, }", shape)
	// NumPy leaves room for an array that grows along its first axis: for a number of 21 digits.
	text += strings.Repeat(" ", 21-len(strconv.Itoa(o.Height)))
	const before, align = len(npyMagic) + 4, 64
	total := (before+len(text)+1)/align*align + align // where none is needed NumPy adds 64 spaces
	header := append([]byte(npyMagic), 1, 0)
	header = binary.LittleEndian.AppendUint16(header, uint16(total-before))
	header = fmt.Appendf(header, "%-*s\n", total-before-1, text)
	return &layout{header, o.Width * o.Channels}
}
