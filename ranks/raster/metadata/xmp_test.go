package metadata

import (
	"strings"
	"testing"
)

func TestUprightXMP(t *testing.T) {
	for in, want := range map[string]string{
		`<rdf:Description tiff:Orientation="6" tiff:Make="6">`:                     `<rdf:Description tiff:Orientation="1" tiff:Make="6">`,
		`<rdf:Description tiff:Orientation = '8'/>`:                                `<rdf:Description tiff:Orientation = '1'/>`,
		"<rdf:Description\n\ttiff:Orientation=\n\"3\"/>":                           "<rdf:Description\n\ttiff:Orientation=\n\"1\"/>",
		`<tiff:Orientation>6</tiff:Orientation>6`:                                  `<tiff:Orientation>1</tiff:Orientation>6`,
		"<tiff:Orientation>\n 6\n</tiff:Orientation>":                              "<tiff:Orientation>\n 1\n</tiff:Orientation>",
		`<tiff:Orientation xml:lang="x">6</tiff:Orientation>`:                      `<tiff:Orientation xml:lang="x">1</tiff:Orientation>`,
		`<a xmlns:t2="http://ns.adobe.com/tiff/1.0/" t2:Orientation="5"/>`:         `<a xmlns:t2="http://ns.adobe.com/tiff/1.0/" t2:Orientation="1"/>`,
		`<a tiff:Orientation="06"/>`:                                               `<a tiff:Orientation="01"/>`,
		`<a tiff:OrientationX="6" x:Orientation="6" changed="tiff:Orientation"/>6`: `<a tiff:OrientationX="6" x:Orientation="6" changed="tiff:Orientation"/>6`,
		`<tiff:Orientation/>6`:                                                     `<tiff:Orientation/>6`, `<tiff:OrientationX>6</a>`: `<tiff:OrientationX>6</a>`,
		`<a tiff:Orientation`: `<a tiff:Orientation`, `<a tiff:Orientation=`: `<a tiff:Orientation=`, `<a tiff:Orientation="`: `<a tiff:Orientation="`, "": "",
	} {
		if got := string(UprightXMP([]byte(in))); got != want {
			t.Errorf("%s\nbecomes %s\nand not %s", in, got, want)
		}
	}
}

func FuzzXMP(f *testing.F) {
	f.Add([]byte(`<rdf:Description xmlns:t="http://ns.adobe.com/tiff/1.0/" t:Orientation="6"><tiff:Orientation>6</tiff:Orientation>`))
	f.Fuzz(func(t *testing.T, in []byte) {
		out := UprightXMP(in)
		if len(out) != len(in) {
			t.Fatalf("%d bytes become %d", len(in), len(out))
		}
		digits := func(b []byte) string {
			return strings.Map(func(r rune) rune {
				if r >= '0' && r <= '9' {
					return '#'
				}
				return r
			}, string(b))
		}
		if digits(in) != digits(out) {
			t.Error("more than digits has changed")
		}
	})
}
