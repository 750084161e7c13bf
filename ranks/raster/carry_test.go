package raster

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"halorun/ranks/raster/metadata"
)

// told is what a file may tell, of a picture to be turned.
func told() metadata.Metadata {
	icc := make([]byte, 128)
	copy(icc[16:], "RGB ")
	copy(icc[36:], "acsp")
	return metadata.Metadata{
		ICC: icc, XMP: []byte(`<a tiff:Orientation="6">`), EXIF: []byte("MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"),
		Resolution: &metadata.Resolution{X: 300, Y: 150, Unit: metadata.Inch},
		Geo:        []metadata.Tag{{Number: 33550, Type: 12, Count: 3, Data: make([]byte, 24)}},
	}
}

func TestMetadataOfAnInput(t *testing.T) {
	in := Info{Width: 3, Height: 2, Notices: []string{"before"}}
	in.takeMeta(told(), 6, Options{})
	if metadata.Orientation(in.Meta.EXIF) != 1 || string(in.Meta.XMP) != `<a tiff:Orientation="1">` || in.Meta.Resolution.X != 150 || len(in.Meta.ICC) != 128 || in.Meta.Geo != nil {
		t.Errorf("%+v", in.Meta)
	}
	if len(in.Notices) != 2 || in.Notices[0] != "before" || !strings.HasPrefix(in.Notices[1], "GeoTIFF tags dropped") {
		t.Errorf("%q", in.Notices)
	}
	// All ranks get it from one.
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var got Info
	if err := json.Unmarshal(b, &got); err != nil || !reflect.DeepEqual(got, in) {
		t.Errorf("%+v is not what was sent, %v", got, err)
	}
	// Who wants nothing of it is not told of it either.
	in.Notices = nil
	in.takeMeta(told(), 6, Options{Strip: true})
	if !reflect.DeepEqual(in.Meta, metadata.Metadata{}) || in.Notices != nil {
		t.Errorf("%+v", in)
	}
}

func TestMetadataOfAnOutput(t *testing.T) {
	in := Info{Width: 3, Height: 2, Channels: 3, Meta: told()}
	for _, test := range []struct {
		out     Output
		notices []string
		geo     bool
	}{
		{outputOf(3, 2, 3, "tiff", 0), nil, true},
		{outputOf(2, 3, 3, "tiff", 0), []string{"GeoTIFF tags dropped, which are for a picture of another size than the result has"}, false},
		{outputOf(3, 2, 3, "npy", 0), []string{"ICC profile, EXIF, XMP, GeoTIFF tags and resolution dropped, which .npy cannot hold"}, false},
		{outputOf(3, 2, 1, "png", 0), []string{"GeoTIFF tags dropped, which PNG cannot hold"}, false},
	} {
		o := test.out
		if notices := o.Carry(in); !slices.Equal(notices, test.notices) {
			t.Errorf("%+v: %q", test.out, notices)
		}
		if (len(o.Meta.Geo) > 0) != test.geo || (o.Meta.Resolution != nil) != (o.Format != "npy") {
			t.Errorf("%+v: %+v", test.out, o.Meta)
		}
	}
	if !reflect.DeepEqual(in.Meta, told()) {
		t.Error("what the input had has changed")
	}
}
