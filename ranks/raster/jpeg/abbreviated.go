package jpeg

import (
	"bytes"
	"io"
)

// ParseAbbreviated is Parse of a stream within another format, such as TIFF's strips and tiles, which may lack tables: these come from a
// stream of tables only, if there is one. Which colours its components are the format tells: if ycc, they are luma and chroma, which become
// red, green and blue; else they are delivered as they are, Channels of them, whatever markers say.
func ParseAbbreviated(src io.ReaderAt, size int64, more []byte, ycc bool) (*Image, error) {
	m := &Image{src: src, size: size, Depth: 8}
	if len(more) > 0 {
		if err := m.tables.read(more); err != nil {
			return nil, err
		}
	}
	if err := m.parse(); err != nil {
		return nil, err
	}
	m.Channels, m.colour = len(m.frame.comps), asTheyAre
	switch {
	case ycc && m.Channels == 3:
		m.colour = yCbCr
	case m.Channels == 1:
		m.colour = grey
	case m.Channels == 3:
		m.colour = rgb
	}
	return m, nil
}

// read reads a stream of tables.
func (t *tables) read(b []byte) error {
	in := &input{src: bytes.NewReader(b), size: int64(len(b))}
	for at := int64(0); at < in.size; {
		marker, next, err := in.marker(at)
		if err != nil {
			return err
		}
		if at = next; marker == markerEOI {
			break
		}
		if isAlone(marker) {
			continue
		}
		body, next, err := in.segment(next, 1<<16)
		if err != nil {
			return err
		}
		if at = next; isFrame(marker) || marker == markerSOS {
			return damaged("there is a picture among its tables")
		}
		if err := t.define(marker, body); err != nil {
			return err
		}
	}
	t.restart = 0 // each stream says that itself
	return nil
}
