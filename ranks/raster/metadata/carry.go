package metadata

import (
	"fmt"
	"slices"
	"strings"
)

// The most that is carried of each part, whatever a format could hold.
const (
	MaxICC  = 4 << 20
	MaxEXIF = 1 << 20
	MaxXMP  = 4 << 20
	MaxGeo  = 1 << 20 // all tags together
)

// A format carries no more than these, in bytes; what it does not carry at all is 0.
type capacity struct {
	icc, exif, xmp, geo int
	resolution          bool
}

// A JPEG's segment has 65533 bytes. A profile may have 255 of them, each with 14 bytes of its own; EXIF and XMP have one, with 6 and 29.
var capacities = map[string]capacity{
	"png":  {icc: MaxICC, exif: MaxEXIF, xmp: MaxXMP, resolution: true},
	"jpeg": {icc: 255 * (65533 - 14), exif: 65533 - 6, xmp: 65533 - 29, resolution: true},
	"tiff": {icc: MaxICC, exif: MaxEXIF, xmp: MaxXMP, geo: MaxGeo, resolution: true},
}

// Limited returns m without what is beyond the limits or makes no sense, and what to tell the user of it.
func (m Metadata) Limited() (Metadata, []string) {
	var notices []string
	drop := func(part *[]byte, name string, most int) {
		if len(*part) > most {
			notices = append(notices, fmt.Sprintf("%s of %d bytes dropped, of which at most %d are carried over", name, len(*part), most))
			*part = nil
		}
	}
	drop(&m.ICC, "ICC profile", MaxICC)
	drop(&m.EXIF, "EXIF", MaxEXIF)
	drop(&m.XMP, "XMP", MaxXMP)
	if len(m.ICC) > 0 && iccSpace(m.ICC) == "" {
		m.ICC = nil
		notices = append(notices, "damaged ICC profile dropped")
	}
	if m.Resolution != nil && !m.Resolution.Valid() {
		m.Resolution = nil
		notices = append(notices, "resolution dropped, which makes no sense")
	}
	if err := checkGeo(m.Geo); err != nil {
		m.Geo = nil
		notices = append(notices, fmt.Sprintf("GeoTIFF tags dropped: %v", err))
	}
	return m, notices
}

func checkGeo(tags []Tag) error {
	total, before := 0, -1
	for _, t := range tags {
		size := TypeSize(t.Type)
		if size == 0 || t.Count > MaxGeo || t.Count*size != uint64(len(t.Data)) {
			return fmt.Errorf("tag %d has %d bytes for %d values of type %d", t.Number, len(t.Data), t.Count, t.Type)
		}
		if int(t.Number) <= before {
			return fmt.Errorf("tag %d comes behind tag %d", t.Number, before)
		}
		before = int(t.Number)
		if total += len(t.Data); total > MaxGeo {
			return fmt.Errorf("they have more than %d bytes", MaxGeo)
		}
	}
	return nil
}

// iccSpace returns the four letters of the colours that a profile is for, or "" if it is none.
func iccSpace(icc []byte) string {
	if len(icc) < 128 || string(icc[36:40]) != "acsp" {
		return ""
	}
	return string(icc[16:20])
}

// Upright returns m for a picture whose pixels were turned as the orientation, 1 to 8, wants: what it says of the orientation is
// that there is nothing to do, a thumbnail, which was not turned, is gone, and the resolution is that of the turned picture.
func (m Metadata) Upright(orientation int) (Metadata, []string) {
	var notices []string
	if len(m.EXIF) > 0 {
		exif, err := Sanitise(m.EXIF)
		if err != nil {
			notices = append(notices, fmt.Sprintf("damaged EXIF dropped: %v", err))
		}
		m.EXIF = exif
	}
	if len(m.XMP) > 0 {
		m.XMP = UprightXMP(m.XMP)
	}
	if r := m.Resolution; r != nil && orientation > 4 {
		m.Resolution = &Resolution{r.Y, r.X, r.Unit}
	}
	if len(m.Geo) > 0 && orientation > 1 {
		m.Geo = nil
		notices = append(notices, "GeoTIFF tags dropped, which say where the pixels were before they were turned")
	}
	return m, notices
}

// Carried returns what of m a file of the given format, one of raster's, can hold beside pixels of 1 or 3 channels, and what to tell
// the user of the rest.
func Carried(format string, channels int, m Metadata) (Metadata, []string) {
	can := capacities[format]
	var notices, lost []string
	part := func(b *[]byte, name string, most int) {
		switch {
		case len(*b) == 0 || len(*b) <= most:
			return
		case most > 0:
			notices = append(notices, fmt.Sprintf("%s of %d bytes dropped, of which %s holds %d", name, len(*b), title(format), most))
		default:
			lost = append(lost, name)
		}
		*b = nil
	}
	if space := iccSpace(m.ICC); len(m.ICC) > 0 && space != spaceOf(channels) {
		// That a grey result has no profile for colours goes without saying.
		if can.icc > 0 && (channels != 1 || space != spaceOf(3)) {
			notices = append(notices, fmt.Sprintf("ICC profile dropped, which is for %s and not for the result, which is %s",
				strings.TrimSpace(space), strings.TrimSpace(spaceOf(channels))))
		}
		m.ICC = nil
	}
	part(&m.ICC, "ICC profile", can.icc)
	part(&m.EXIF, "EXIF", can.exif)
	part(&m.XMP, "XMP", can.xmp)
	if len(m.Geo) > 0 && can.geo == 0 {
		lost = append(lost, "GeoTIFF tags")
		m.Geo = nil
	}
	if r := m.Resolution; r != nil && !can.resolution {
		if r.Unit != NoUnit || r.X != r.Y { // else it told nothing
			lost = append(lost, "resolution")
		}
		m.Resolution = nil
	}
	if len(lost) > 0 {
		notices = append(notices, fmt.Sprintf("%s dropped, which %s cannot hold", list(lost), title(format)))
	}
	return m, notices
}

// spaceOf returns how a profile calls the colours of 1 or 3 channels.
func spaceOf(channels int) string {
	if channels == 1 {
		return "GRAY"
	}
	return "RGB "
}

// title returns how a format is called in a sentence.
func title(format string) string {
	if slices.Contains([]string{"raw", "rgb", "gray", "npy"}, format) {
		return "." + format
	}
	return strings.ToUpper(format)
}

// list returns words as in a sentence.
func list(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return words[0]
}
