package metadata

import (
	"bytes"
	"regexp"
	"sync"
)

// tiffNamespace is that of the properties that XMP takes from TIFF.
const tiffNamespace = "http://ns.adobe.com/tiff/1.0/"

var tiffPrefix = sync.OnceValue(func() *regexp.Regexp { // which takes as long as much of what a process does to begin
	return regexp.MustCompile(`xmlns:([A-Za-z_][\w.-]{0,63})\s*=\s*["']` + regexp.QuoteMeta(tiffNamespace) + `["']`)
})

// UprightXMP returns an XMP packet of the same length in which the orientation, an attribute or an element, is 1.
func UprightXMP(xmp []byte) []byte {
	prefixes := map[string]bool{"tiff": true}
	for _, m := range tiffPrefix().FindAllSubmatch(xmp, maxPrefixes) {
		prefixes[string(m[1])] = true
	}
	out := bytes.Clone(xmp)
	for prefix := range prefixes {
		name := []byte(prefix + ":Orientation")
		for at := 0; ; {
			i := bytes.Index(out[at:], name)
			if i < 0 {
				break
			}
			begin := at + i
			at = begin + len(name)
			if begin > 0 && (out[begin-1] == '<' || isSpace(out[begin-1])) {
				one(orientationValue(out[at:]))
			}
		}
	}
	return out
}

// maxPrefixes is how many names for TIFF's namespace are looked for.
const maxPrefixes = 8

func isSpace(b byte) bool { return b == ' ' || b >= '\t' && b <= '\r' }

func skipSpace(b []byte) []byte { return bytes.TrimLeft(b, " \t\r\n") }

// orientationValue returns the digits that follow the name of an attribute or an element.
func orientationValue(b []byte) []byte {
	if attribute := skipSpace(b); len(attribute) > 0 && attribute[0] == '=' {
		b = skipSpace(attribute[1:])
		if len(b) == 0 || b[0] != '"' && b[0] != '\'' {
			return nil
		}
		return digits(skipSpace(b[1:]))
	}
	// An element's attributes are few.
	end := bytes.IndexByte(b[:min(len(b), 1<<10)], '>')
	if end < 0 || end > 0 && (b[end-1] == '/' || !isSpace(b[0])) {
		return nil
	}
	return digits(skipSpace(b[end+1:]))
}

func digits(b []byte) []byte {
	n := 0
	for n < len(b) && b[n] >= '0' && b[n] <= '9' {
		n++
	}
	return b[:n]
}

// one makes the digits of a number those of 1.
func one(digits []byte) {
	for i := range digits {
		digits[i] = '0'
		if i == len(digits)-1 {
			digits[i] = '1'
		}
	}
}
