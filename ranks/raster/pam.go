package raster

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// pamHeader is more than a header of words has; what is longer is all comments.
const pamHeader = 64 << 10

// parsePAM reads the header of a P7: lines of a word and its value, until ENDHDR.
func parsePAM(src *io.SectionReader, o Options) (*header, error) {
	text := make([]byte, min(src.Size(), pamHeader))
	if _, err := src.ReadAt(text, 0); err != nil && err != io.EOF {
		return nil, err
	}
	h := new(header)
	h.Format, h.Codec, h.Depth = "pam", "halorun/pnm", 8
	depth, maxval := 0, 0
	numbers := map[string]*int{"WIDTH": &h.Width, "HEIGHT": &h.Height, "DEPTH": &depth, "MAXVAL": &maxval}
	limits := map[string]int{"WIDTH": maxSide, "HEIGHT": maxSide, "DEPTH": maxSamples, "MAXVAL": 65535}
	var tuples []string
	rest := text
	for line := []byte(nil); string(line) != "ENDHDR"; {
		var ok bool
		if line, rest, ok = bytes.Cut(rest, []byte("\n")); !ok {
			return nil, damaged("pam", errors.New("its header has no ENDHDR"))
		}
		line = bytes.TrimSpace(line)
		word, value := string(line), ""
		if i := strings.IndexAny(word, " \t"); i >= 0 {
			word, value = word[:i], strings.TrimSpace(word[i:])
		}
		switch {
		case word == "TUPLTYPE":
			tuples = append(tuples, value)
		case numbers[word] != nil:
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 || n > limits[word] {
				return nil, damaged("pam", fmt.Errorf("its %s is %.20q, not from 1 to %d", word, value, limits[word]))
			}
			*numbers[word] = n
		case word != "" && word[0] != '#' && word != "P7" && word != "ENDHDR":
			return nil, damaged("pam", fmt.Errorf("%.20q in its header", word))
		}
	}
	for word, n := range numbers {
		if *n == 0 {
			return nil, damaged("pam", fmt.Errorf("its header has no %s", word))
		}
	}
	return h.tuples(src, o, int64(len(text)-len(rest)), depth, maxval, strings.Join(tuples, " "))
}

// pamSamples is how many samples, alpha apart, a pixel of a kind has.
var pamSamples = map[string]int{"BLACKANDWHITE": 1, "GRAYSCALE": 1, "RGB": 3}

// tuples makes h that of a PAM with depth samples a pixel, the body of which begins at a place in the file.
func (h *header) tuples(src *io.SectionReader, o Options, body int64, depth, maxval int, tupleType string) (*header, error) {
	f := form{samples: depth, kind: kind{'u', 1}, big: true, scale: o.Scale, white: maxval == 1 && o.Scale == nil}
	if maxval > 255 {
		h.Depth, f.kind.bytes = 16, 2
		if o.Scale == nil {
			h.Notices = append(h.Notices, "16 bits reduced to 8")
		}
	}
	if maxval == 1 {
		h.Depth = 1
	}
	name, alpha := strings.CutSuffix(tupleType, "_ALPHA")
	colours, known := pamSamples[name]
	var err error
	switch {
	case len(o.Bands) > 0 || tupleType == "":
		f.pick, err = o.bands(depth)
	case !known:
		err = fmt.Errorf("PAM of TUPLTYPE %.40q is not read; GRAYSCALE, RGB and BLACKANDWHITE are, also with _ALPHA, and others with --bands", tupleType)
	case !alpha && depth != colours || alpha && depth != colours+1:
		err = damaged("pam", fmt.Errorf("TUPLTYPE %s with a DEPTH of %d", tupleType, depth))
	default:
		f.pick = upTo(colours)
		if alpha {
			h.Notices = append(h.Notices, "alpha dropped")
		}
	}
	if err != nil {
		return nil, err
	}
	if err := h.rowsOf(f, body, src.Size()); err != nil {
		return nil, damaged("pam", err)
	}
	return h, nil
}

func (o Output) pamLayout() *layout {
	kind := map[int]string{1: "GRAYSCALE", 3: "RGB"}[o.Channels]
	header := fmt.Appendf(nil, "P7\nWIDTH %d\nHEIGHT %d\nDEPTH %d\nMAXVAL 255\nTUPLTYPE %s\nENDHDR\n", o.Width, o.Height, o.Channels, kind)
	return &layout{header, o.Width * o.Channels}
}
