package raster

import (
	"io"
	"os"

	"halorun/ranks/raster/scratch"
	"halorun/ranks/raster/tiff"
)

// tiffExpansion is how many pixels a byte of TIFF can at most stand for: eight samples of a bit each, of LZW or deflate. What its strips can
// really hold the parser knows.
const tiffExpansion = 8 * 4096

// tiffCache is the most that is kept of decoded strips and tiles for who reads the rows beside.
const tiffCache = 32 << 20

// parseTIFF reads a page's directory.
func parseTIFF(src *io.SectionReader, o Options) (*header, error) {
	want := tiff.Options{Page: o.Page, Bands: o.Bands}
	if o.Scale != nil {
		want.Scale = &tiff.Scale{Min: o.Scale.Min, Max: o.Scale.Max}
	}
	if o.Memory > 0 {
		want.Cache = max(1, min(tiffCache, o.Memory/2))
	}
	m, err := tiff.Parse(src, src.Size(), want)
	if err != nil {
		return nil, err
	}
	h := &header{orientation: m.Orientation, expansion: tiffExpansion, pages: true, takes: need{m.Memory(), m.Memory()}}
	h.Info = Info{Width: m.Width, Height: m.Height, Channels: m.Channels, Depth: m.Depth, Format: "tiff", Codec: "halorun/tiff",
		Notices: m.Notices, Meta: m.Meta}
	rowBytes, offset, open := m.Place()
	if open {
		h.place, h.takes = &placed{rowBytes: rowBytes, offset: offset}, need{}
		return h, nil
	}
	if m.Random() {
		h.random = m.ReadRows
		h.takes.memory += min(tiffCache, int64(m.Width)*int64(m.Height)*int64(m.Channels))
	}
	if n := m.Memory(); n > fewBytes {
		h.need = need{n, n}
	}
	h.stream = func(room) (Stream, error) { return m.Stream() }
	return h, nil
}

// Pages returns how many pages the file of a picture has, each of which Options.Page can choose: 1, unless it is a TIFF.
func Pages(f *os.File) (int, error) {
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	begin := make([]byte, 4)
	if _, err := f.ReadAt(begin, 0); err != nil {
		return 0, err
	}
	if !isTIFF(begin) {
		return 1, nil
	}
	return tiff.Pages(f, st.Size())
}

// isTIFF tells whether a file begins as a TIFF does.
func isTIFF(begin []byte) bool {
	return hasPrefix(begin, "II*\x00") || hasPrefix(begin, "MM\x00*") || hasPrefix(begin, "II+\x00") || hasPrefix(begin, "MM\x00+")
}

// tiff returns how the picture is written as a TIFF.
func (o Output) tiff() tiff.Output {
	t := tiff.Output{Width: o.Width, Height: o.Height, Channels: o.Channels, Compression: tiff.None, Meta: o.Meta}
	if o.Compression != "" {
		t.Compression, t.Level = tiff.Compression(o.Compression), o.Level
	}
	return t
}

// packed tells whether the picture is a TIFF that is compressed.
func (o Output) packed() bool {
	return o.Format == "tiff" && o.Compression != "" && o.Compression != "none"
}

// tiffEncoder returns the encoder of a compressed TIFF that passed Check.
func (o Output) tiffEncoder() *tiff.Encoder {
	e, err := tiff.NewEncoder(o.tiff())
	if err != nil {
		panic(err) // Check lets no such picture pass
	}
	return e
}

// newTIFFJoiner returns what writes a compressed TIFF, whose head is written last, to f. To a stream it comes as a whole at the end.
func newTIFFJoiner(e *tiff.Encoder, f *os.File, stream bool, make scratch.Maker) joiner {
	if !stream {
		return e.NewWriter(f)
	}
	return &spooled{encoder: e, to: f, make: make}
}

// spooled writes a compressed TIFF into a scratch file, and what it has become to a stream.
type spooled struct {
	joiner
	encoder *tiff.Encoder
	to      *os.File
	make    scratch.Maker
	file    *os.File
}

func (s *spooled) Begin() (err error) {
	if s.file, err = s.make(); err != nil {
		return err
	}
	s.joiner = s.encoder.NewWriter(s.file)
	return s.joiner.Begin()
}

func (s *spooled) Finish() error {
	defer s.file.Close()
	if err := s.joiner.Finish(); err != nil {
		return err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := io.Copy(s.to, s.file)
	return err
}
