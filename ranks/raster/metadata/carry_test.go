package metadata

import (
	"encoding/binary"
	"reflect"
	"strings"
	"testing"
)

// profile makes a profile for colours of four letters.
func profile(space string, size int) []byte {
	b := make([]byte, size)
	copy(b[16:], space)
	copy(b[36:], "acsp")
	return b
}

func whole1() Metadata {
	return Metadata{
		ICC: profile("RGB ", 500), EXIF: sampleEXIF(binary.LittleEndian, "II*\x00", 6, ""), XMP: []byte(`<a tiff:Orientation="6">`),
		Resolution: &Resolution{300, 150, Inch}, Geo: []Tag{{33550, 12, 3, make([]byte, 24)}},
	}
}

func TestCarried(t *testing.T) {
	m := whole1()
	for _, test := range []struct {
		format   string
		channels int
		change   func(*Metadata)
		lacks    string // of the letters of ICC, EXIF, XMP, Resolution, Geo
		notices  []string
	}{
		{"tiff", 3, nil, "", nil},
		{"png", 3, nil, "G", []string{"GeoTIFF tags dropped, which PNG cannot hold"}},
		{"jpeg", 3, nil, "G", []string{"GeoTIFF tags dropped, which JPEG cannot hold"}},
		{"ppm", 3, nil, "IEXRG", []string{"ICC profile, EXIF, XMP, GeoTIFF tags and resolution dropped, which PPM cannot hold"}},
		{"npy", 3, func(m *Metadata) { *m = Metadata{XMP: m.XMP, Resolution: &Resolution{1, 1, NoUnit}} }, "IEXRG", []string{"XMP dropped, which .npy cannot hold"}},
		{"raw", 1, func(m *Metadata) { *m = Metadata{Resolution: &Resolution{1, 2, NoUnit}} }, "IEXRG", []string{"resolution dropped, which .raw cannot hold"}},
		{"pam", 3, func(m *Metadata) { *m = Metadata{} }, "IEXRG", nil},
		{"jpeg", 3, func(m *Metadata) { m.Geo, m.EXIF = nil, make([]byte, 65528) }, "EG", []string{"EXIF of 65528 bytes dropped, of which JPEG holds 65527"}},
		{"tiff", 1, nil, "I", nil},
		{"tiff", 3, func(m *Metadata) { m.ICC = profile("GRAY", 200) }, "I", []string{"ICC profile dropped, which is for GRAY and not for the result, which is RGB"}},
		{"tiff", 3, func(m *Metadata) { m.ICC = profile("CMYK", 200) }, "I", []string{"ICC profile dropped, which is for CMYK and not for the result, which is RGB"}},
		{"tiff", 1, func(m *Metadata) { m.ICC = profile("GRAY", 200) }, "", nil},
	} {
		in := m
		if test.change != nil {
			test.change(&in)
		}
		got, notices := Carried(test.format, test.channels, in)
		if !reflect.DeepEqual(notices, test.notices) {
			t.Errorf("%s: %q", test.format, notices)
		}
		if lacks := missing(got); lacks != test.lacks {
			t.Errorf("%s: without %s and not %s", test.format, lacks, test.lacks)
		}
	}
	if missing(m) != "" {
		t.Error("what was given has changed")
	}
}

func missing(m Metadata) (s string) {
	for i, none := range []bool{len(m.ICC) == 0, len(m.EXIF) == 0, len(m.XMP) == 0, m.Resolution == nil, len(m.Geo) == 0} {
		if none {
			s += "IEXRG"[i : i+1]
		}
	}
	return s
}

func TestLimited(t *testing.T) {
	if got, notices := whole1().Limited(); !reflect.DeepEqual(got, whole1()) || notices != nil {
		t.Errorf("%q, without %s", notices, missing(got))
	}
	huge := Metadata{ICC: profile("RGB ", MaxICC+1), EXIF: make([]byte, MaxEXIF+1), XMP: make([]byte, MaxXMP+1), Resolution: &Resolution{-1, 1, Inch},
		Geo: []Tag{{33550, 1, MaxGeo, make([]byte, MaxGeo)}, {33922, 1, 1, []byte{1}}}}
	got, notices := huge.Limited()
	if missing(got) != "IEXRG" || len(notices) != 5 || notices[1] != "EXIF of 1048577 bytes dropped, of which at most 1048576 are carried over" {
		t.Errorf("%q, without %s", notices, missing(got))
	}
	for _, geo := range [][]Tag{{{1, 12, 2, make([]byte, 15)}}, {{1, 99, 0, nil}}, {{1, 12, 1 << 61, nil}}, {{2, 1, 1, []byte{1}}, {1, 1, 1, []byte{1}}}} {
		if got, notices := (Metadata{Geo: geo}).Limited(); got.Geo != nil || len(notices) != 1 || !strings.HasPrefix(notices[0], "GeoTIFF tags dropped: tag ") {
			t.Errorf("%v: %q", geo, notices)
		}
	}
	if got, notices := (Metadata{ICC: []byte("no profile")}).Limited(); got.ICC != nil || len(notices) != 1 {
		t.Errorf("%q", notices)
	}
}

func TestUpright(t *testing.T) {
	got, notices := whole1().Upright(6)
	if Orientation(got.EXIF) != 1 || string(got.XMP) != `<a tiff:Orientation="1">` || *got.Resolution != (Resolution{150, 300, Inch}) || got.Geo != nil || len(notices) != 1 {
		t.Errorf("%+v, %q", got, notices)
	}
	if got, notices := whole1().Upright(1); Orientation(got.EXIF) != 1 || missing(got) != "" || *got.Resolution != (Resolution{300, 150, Inch}) || notices != nil {
		t.Errorf("%+v, %q", got, notices)
	}
	if got, notices := (Metadata{EXIF: []byte("nonsense")}).Upright(1); got.EXIF != nil || len(notices) != 1 {
		t.Errorf("%+v, %q", got, notices)
	}
}
