package tiff

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"halorun/ranks/raster/metadata"
)

// geoTags are GeoTIFF's and GDAL's, which are handed on as they are.
var geoTags = []uint16{tagPixelScale, tagTiepoint, tagTransformation, tagGeoKeys, tagGeoDoubles, tagGeoASCII, tagGDALMetadata, tagGDALNoData}

// describing are the tags of a picture's directory that EXIF also has, and that stay right whatever is done to the pixels.
var describing = []uint16{tagDocumentName, tagDescription, tagMake, tagModel, tagSoftware, tagDateTime, tagArtist, tagHostComputer, tagCopyright}

// metadata reads what the directory tells beside the pixels. What is damaged, or too large, is left out with a notice.
func (d *directory) metadata(notices *[]string) metadata.Metadata {
	var m metadata.Metadata
	tag := func(number uint16, name string) (metadata.Tag, bool) {
		t, ok, err := d.tag(number)
		if err != nil {
			*notices = append(*notices, fmt.Sprintf("%s dropped: %v", name, damagedTag(err)))
		}
		return t, ok
	}
	if t, ok := tag(tagICC, "ICC profile"); ok {
		m.ICC = t.Data
	}
	if t, ok := tag(tagXMP, "XMP"); ok {
		m.XMP = t.Data
	}
	for _, number := range geoTags {
		if t, ok := tag(number, fmt.Sprintf("GeoTIFF tag %d", number)); ok {
			m.Geo = append(m.Geo, t)
		}
	}
	m.Resolution = d.resolution()
	root := node{}
	for _, number := range describing {
		if t, ok := tag(number, fmt.Sprintf("tag %d", number)); ok {
			root.tags = append(root.tags, t)
		}
	}
	for _, number := range []uint16{tagEXIF, tagGPS} {
		if e, ok := d.entries[number]; ok {
			sub, err := d.subdirectory(e, 1)
			if err != nil {
				*notices = append(*notices, fmt.Sprintf("EXIF dropped: %v", damagedTag(err)))
				continue
			}
			root.subs = append(root.subs, sub.of(number))
		}
	}
	if len(root.tags)+len(root.subs) > 0 {
		m.EXIF = root.file(false)
	}
	return m
}

func damagedTag(err error) error {
	if err == errLarge {
		return err
	}
	return fmt.Errorf("damaged: %w", err)
}

func (d *directory) resolution() *metadata.Resolution {
	x, okX, _ := d.tag(tagXResolution)
	y, okY, _ := d.tag(tagYResolution)
	if !okX || !okY {
		return nil
	}
	r := &metadata.Resolution{X: rational(x), Y: rational(y), Unit: metadata.Inch}
	if e, ok := d.entries[tagResolutionUnit]; ok {
		if vs, err := d.wholes(e, 1); err == nil {
			switch vs[0] {
			case 1:
				r.Unit = metadata.NoUnit
			case 3:
				r.Unit = metadata.Centimetre
			}
		}
	}
	if !(r.X > 0 && r.Y > 0) {
		return nil
	}
	return r
}

// rational returns a tag's value, or 0.
func rational(t metadata.Tag) float64 {
	le := binary.LittleEndian
	switch {
	case t.Type == typeRational && len(t.Data) >= 8 && le.Uint32(t.Data[4:]) != 0:
		return float64(le.Uint32(t.Data)) / float64(le.Uint32(t.Data[4:]))
	case t.Type == 11 && len(t.Data) >= 4: // some writers use floating point
		return finite(float64(math.Float32frombits(le.Uint32(t.Data))))
	case t.Type == 12 && len(t.Data) >= 8:
		return finite(math.Float64frombits(le.Uint64(t.Data)))
	}
	return 0
}

func finite(v float64) float64 {
	if math.IsInf(v, 0) {
		return 0
	}
	return v
}

// fraction returns the simplest fraction that is as near to v as a float64's neighbour, or the nearest of 32 bits.
func fraction(v float64) (n, d uint32) {
	// The convergents of its continued fraction.
	n0, d0, n1, d1 := 0., 1., 1., 0.
	for rest, i := v, 0; i < 64; i++ {
		a := math.Floor(rest)
		n2, d2 := a*n1+n0, a*d1+d0
		if n2 > math.MaxUint32 || d2 > math.MaxUint32 {
			break
		}
		n0, d0, n1, d1 = n1, d1, n2, d2
		if n1/d1 == v || rest == a {
			break
		}
		rest = 1 / (rest - a)
	}
	return uint32(n1), uint32(d1)
}

// tags returns the entries that carry metadata, and the directories below.
func tagsOf(m metadata.Metadata, big bool) *node {
	root := &node{}
	if n, err := readEXIF(m.EXIF); err == nil {
		for _, t := range n.tags {
			if slices.Contains(describing, t.Number) {
				root.tags = append(root.tags, t)
			}
		}
		for _, s := range n.subs {
			if s.number == tagEXIF || s.number == tagGPS {
				root.subs = append(root.subs, s)
			}
		}
	}
	put := func(number, kind uint16, data []byte) {
		root.tags = append(root.tags, metadata.Tag{Number: number, Type: kind, Count: uint64(len(data) / sizeOfType(kind)), Data: data})
	}
	if len(m.ICC) > 0 {
		put(tagICC, typeOpaque, m.ICC)
	}
	if len(m.XMP) > 0 {
		put(tagXMP, typeByte, m.XMP)
	}
	if r := m.Resolution; r != nil && r.X > 0 && r.Y > 0 && r.X < math.MaxUint32 && r.Y < math.MaxUint32 {
		le := binary.LittleEndian
		for number, v := range map[uint16]float64{tagXResolution: r.X, tagYResolution: r.Y} {
			n, d := fraction(v)
			put(number, typeRational, le.AppendUint32(le.AppendUint32(nil, n), d))
		}
		unit := map[metadata.Unit]uint16{metadata.NoUnit: 1, metadata.Inch: 2, metadata.Centimetre: 3}[r.Unit]
		put(tagResolutionUnit, typeShort, le.AppendUint16(nil, max(unit, 1)))
	}
	for _, t := range m.Geo {
		size := uint64(sizeOfType(t.Type))
		if slices.Contains(geoTags, t.Number) && size > 0 && t.Count > 0 && uint64(len(t.Data)) == t.Count*size && (big || t.Type < typeLong8) {
			root.tags = append(root.tags, t)
		}
	}
	return root
}
