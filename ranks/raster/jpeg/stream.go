package jpeg

import (
	"math"

	"halorun/ranks/raster/scratch"
)

// bander decodes rows of MCUs one after the other.
type bander interface {
	decode(band int, skip bool) error
	close()
}

// Stream reads a picture's rows from top to bottom.
type Stream struct {
	planes *planes
	bander bander
	band   int // the next to decode
	first  int // the first of which samples are wanted
	y      int // the next row
	err    error
}

// Stream returns a reader of all rows from top to bottom, in about Memory bytes.
func (m *Image) Stream() (*Stream, error) { return m.StreamIn(math.MaxInt64, nil) }

// StreamIn is a Stream in about so many bytes of memory: coefficients that do not fit go into a scratch file. Below Least it takes Least.
func (m *Image) StreamIn(memory int64, file scratch.Maker) (*Stream, error) {
	if m.buffered() {
		if memory >= m.Memory() {
			file = nil
		}
		b, err := newBuffered(m, memory, file)
		if err != nil {
			return nil, err
		}
		return &Stream{planes: b.planes, bander: b}, nil
	}
	d, err := newSequential(m)
	if err != nil {
		return nil, err
	}
	return &Stream{planes: d.planes, bander: d}, nil
}

// ReadRows reads the next rows, as many as dst has, each Width·Channels bytes.
func (s *Stream) ReadRows(dst [][]byte) error {
	for _, d := range dst {
		if s.err != nil {
			return s.err
		}
		if s.y >= s.planes.m.Height {
			s.err = errBeyond
			return s.err
		}
		if s.err = s.decode(s.y); s.err != nil {
			return s.err
		}
		s.planes.emit(s.y, d)
		s.y++
	}
	return nil
}

// Skip passes over the next n rows, which costs less than reading them.
func (s *Stream) Skip(n int) { s.seek(s.y + n) }

// reaches tells whether row y can be read next: what it depends on is there, or still to be decoded.
func (s *Stream) reaches(y int) bool {
	from, _ := s.planes.bands(y, y+1)
	return from >= s.band || from >= s.first && from >= s.band-s.planes.comps[0].ring
}

// seek goes to a row that the stream reaches.
func (s *Stream) seek(y int) {
	s.y = y
	if from, _ := s.planes.bands(y, y+1); from > s.band && y < s.planes.m.Height {
		s.first = from
	}
}

// decode decodes what row y depends on.
func (s *Stream) decode(y int) error {
	_, to := s.planes.bands(y, y+1)
	for ; s.band < to; s.band++ {
		if err := s.bander.decode(s.band, s.band < s.first); err != nil {
			return err
		}
	}
	return nil
}

// Close ends reading.
func (s *Stream) Close() error {
	if s.err != errClosed {
		s.bander.close()
	}
	s.err = errClosed
	return nil
}
