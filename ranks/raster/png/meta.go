package png

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"github.com/klauspost/compress/zlib"

	"halorun/ranks/raster/metadata"
)

// The most bytes of metadata that are taken. What is longer is left out.
const (
	maxProfile = metadata.MaxICC
	maxEXIF    = 4 << 20
	maxXMP     = metadata.MaxXMP
)

const xmpKeyword = "XML:com.adobe.xmp"

// collector gathers metadata. Of each kind the first counts.
type collector struct {
	w       *walker
	meta    metadata.Metadata
	notices []string
	seen    [5]bool
	text    []byte
}

// The kinds of metadata.
const (
	profileSeen = iota
	exifSeen
	xmpSeen
	resolutionSeen
)

// collect looks into a chunk. An error is one of reading.
func (m *collector) collect(c chunk) error {
	switch c.kind {
	case "iCCP":
		return m.once(profileSeen, "ICC profile", c, maxProfile, func(b []byte) (err error) {
			m.meta.ICC, err = profile(b)
			return err
		})
	case "eXIf":
		return m.once(exifSeen, "EXIF data", c, maxEXIF, func(b []byte) (err error) {
			m.meta.EXIF, err = exif(b)
			return err
		})
	case "pHYs":
		return m.once(resolutionSeen, "resolution", c, 9, func(b []byte) (err error) {
			m.meta.Resolution, err = resolution(b)
			return err
		})
	case "iTXt":
		// There can be any number of texts. Only one is of interest, which its beginning tells.
		n := int64(len(xmpKeyword) + 1)
		if m.seen[xmpSeen] || c.n < n {
			return nil
		}
		if m.text == nil {
			m.text = make([]byte, n)
		}
		at := m.w.at
		m.w.at = c.at
		begin, err := m.w.peek(n)
		m.w.at = at
		if err != nil || string(begin[:n]) != xmpKeyword+"\x00" {
			return err
		}
		return m.once(xmpSeen, "XMP data", c, maxXMP, func(b []byte) (err error) {
			m.meta.XMP, err = xmp(b)
			return err
		})
	}
	return nil
}

var errTooLong = errors.New("too long")

// once takes a chunk's data, unless it is too long or there was such a chunk before.
func (m *collector) once(kind int, name string, c chunk, most int64, take func(b []byte) error) error {
	if m.seen[kind] {
		return nil
	}
	m.seen[kind] = true
	if c.n > most {
		m.notices = append(m.notices, name+" dropped, which is too long")
		return nil
	}
	b, err := m.w.read(c)
	var damage Damage
	if err != nil && !errors.As(err, &damage) {
		return err
	}
	if err == nil {
		err = take(b)
	}
	switch err {
	case nil:
	case errTooLong:
		m.notices = append(m.notices, name+" dropped, which is too long")
	default:
		m.notices = append(m.notices, name+" dropped, which is damaged")
	}
	return nil
}

var errDamaged = errors.New("damaged")

// profile reads an ICC profile, which has a name before it, and says itself how long it is.
func profile(b []byte) ([]byte, error) {
	name := bytes.IndexByte(b, 0)
	if name < 1 || name > 79 || len(b) < name+2 || b[name+1] != 0 {
		return nil, errDamaged
	}
	z, err := zlib.NewReader(bytes.NewReader(b[name+2:]))
	if err != nil {
		return nil, err
	}
	var begin [128]byte
	if _, err := io.ReadFull(z, begin[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(begin[:])
	switch {
	case n < uint32(len(begin)) || string(begin[36:40]) != "acsp":
		return nil, errDamaged
	case n > maxProfile:
		return nil, errTooLong
	}
	whole := make([]byte, n)
	copy(whole, begin[:])
	if _, err := io.ReadFull(z, whole[len(begin):]); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(z, begin[:1]); err != io.EOF { // which the checksum precedes
		return nil, errDamaged
	}
	return whole, nil
}

// exif reads EXIF data; some put before it what precedes it in a JPEG.
func exif(b []byte) ([]byte, error) {
	b = bytes.TrimPrefix(b, []byte("Exif\x00\x00"))
	if !isTIFF(b) {
		return nil, errDamaged
	}
	return b, nil
}

// xmp reads an XMP packet behind its keyword.
func xmp(b []byte) ([]byte, error) {
	b = b[len(xmpKeyword)+1:]
	if len(b) < 2 {
		return nil, errDamaged
	}
	compressed, method := b[0], b[1]
	b = b[2:]
	for range 2 { // a language, and the keyword in it
		_, after, ok := bytes.Cut(b, []byte{0})
		if !ok {
			return nil, errDamaged
		}
		b = after
	}
	switch {
	case compressed == 0:
		return b, nil
	case compressed == 1 && method == 0:
		z, err := zlib.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil, err
		}
		// A first pass tells how long it is: a buffer that grows takes several times as much.
		n, err := io.Copy(io.Discard, io.LimitReader(z, maxXMP+1))
		if err == nil && n > maxXMP {
			err = errTooLong
		}
		if err != nil {
			return nil, err
		}
		if err := z.(zlib.Resetter).Reset(bytes.NewReader(b), nil); err != nil {
			return nil, err
		}
		text := make([]byte, n)
		_, err = io.ReadFull(z, text)
		return text, err
	}
	return nil, errDamaged
}

func resolution(b []byte) (*metadata.Resolution, error) {
	if len(b) != 9 || b[8] > 1 {
		return nil, errDamaged
	}
	r := &metadata.Resolution{X: float64(binary.BigEndian.Uint32(b)), Y: float64(binary.BigEndian.Uint32(b[4:]))}
	if r.X == 0 || r.Y == 0 {
		return nil, errDamaged
	}
	if b[8] == 1 { // per metre
		r.X, r.Y, r.Unit = r.X/100, r.Y/100, metadata.Centimetre
	}
	return r, nil
}

// isTIFF tells whether EXIF data begin as they must.
func isTIFF(b []byte) bool {
	return bytes.HasPrefix(b, []byte("II*\x00")) || bytes.HasPrefix(b, []byte("MM\x00*"))
}
