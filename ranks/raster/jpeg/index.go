package jpeg

import (
	"bytes"
	"io"
	"slices"
	"sync"
)

// index tells where the data behind restart markers begins, as far as it has been looked for.
type index struct {
	mu      sync.Mutex
	starts  []int64 // of each interval
	at      int64   // where to look on
	err     error
	buf     []byte
	readers sync.Pool // of *sequential
}

// mostIdle bounds the streams that an idle list keeps.
const mostIdle = 4

// idle keeps streams between calls, so that rows that are wanted in order, by some callers, cost one pass each.
type idle struct {
	mu      sync.Mutex
	streams []*Stream
}

// take returns the stream that has the least way to row y, or nil.
func (l *idle) take(y int) *Stream {
	l.mu.Lock()
	defer l.mu.Unlock()
	best := -1
	for i, s := range l.streams {
		if s.reaches(y) && (best < 0 || s.band > l.streams[best].band) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	s := l.streams[best]
	l.streams = slices.Delete(l.streams, best, best+1)
	return s
}

// put keeps a stream. The one that has been kept longest gives way.
func (l *idle) put(s *Stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.streams) == mostIdle {
		l.streams = slices.Delete(l.streams, 0, 1)
	}
	l.streams = append(l.streams, s)
}

// Random tells whether ReadRows may be called for any rows at a cost that goes with their number: restart markers stand between rows of
// MCUs. To find the first markers of a file its bytes are looked at, but not decoded.
func (m *Image) Random() bool {
	return !m.buffered() && m.tables.restart > 0 && m.tables.restart%m.first.mcusX == 0
}

// Sequential tells whether a pass over the picture takes the memory of some rows alone, so that everybody who wants some of its rows may
// well go over it, by a Stream or ReadRows, rather than get them from somebody else.
func (m *Image) Sequential() bool { return !m.buffered() }

// ReadRows reads rows from y on, as many as dst has, each Width·Channels bytes. Several goroutines may call it. Unless Random, the rows
// between those that a former call read and these are decoded, too, as far as that cannot be avoided, or all above, if no former call
// read rows near or above these that no other call has gone on from.
func (m *Image) ReadRows(y int, dst [][]byte) error {
	if len(dst) == 0 {
		return nil
	}
	if !m.Random() {
		return m.readOn(y, dst)
	}
	d, _ := m.index.readers.Get().(*sequential)
	if d == nil {
		var err error
		if d, err = newSequential(m); err != nil {
			return err
		}
	}
	defer m.index.readers.Put(d)
	d.want(y, y+len(dst))
	s := &Stream{planes: d.planes, bander: d, y: y}
	first, _ := d.bands(y, y+1)
	rows := m.tables.restart / m.first.mcusX
	interval := first / rows
	s.band = interval * rows
	start, err := m.index.find(m, interval)
	if err != nil {
		return err
	}
	d.entropy.start(m.first, start, interval)
	s.first = first
	return s.ReadRows(dst)
}

// readOn reads rows by a stream that has come near them, if there is one.
func (m *Image) readOn(y int, dst [][]byte) error {
	var s *Stream
	if !m.buffered() { // else a stream takes too much memory to be kept
		s = m.idle.take(y)
	}
	if s == nil {
		var err error
		if s, err = m.Stream(); err != nil {
			return err
		}
	}
	s.seek(y)
	if err := s.ReadRows(dst); err != nil {
		return err
	}
	if !m.buffered() {
		m.idle.put(s)
	}
	return nil
}

// find returns where an interval's data begins.
func (x *index) find(m *Image, interval int) (int64, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.starts == nil {
		x.starts, x.at = []int64{m.first.data}, m.first.data
	}
	for len(x.starts) <= interval && x.err == nil {
		x.err = x.look(m)
	}
	if len(x.starts) <= interval {
		return 0, x.err
	}
	return x.starts[interval], nil
}

// look looks for markers in the next part of the file.
func (x *index) look(m *Image) error {
	if x.buf == nil {
		x.buf = make([]byte, 4*sourceSize)
	}
	b := x.buf[:min(int64(len(x.buf)), m.size-x.at)]
	if n, err := m.src.ReadAt(b, x.at); n < len(b) && err != io.EOF {
		return err
	} else if n < 2 {
		return errShort
	} else {
		b = b[:n]
	}
	at := 0
	for {
		n := bytes.IndexByte(b[at:], 0xff)
		if n < 0 {
			x.at += int64(len(b))
			return nil
		}
		if at += n; at+1 == len(b) { // its second byte is in the next part
			x.at += int64(at)
			return nil
		}
		switch marker := b[at+1]; {
		case marker == 0:
			at += 2
		case marker == 0xff:
			at++
		case marker == markerRST0+byte(len(x.starts)-1)&7:
			at += 2
			x.starts = append(x.starts, x.at+int64(at))
		default:
			return damaged("marker %#x where restart marker %#x should be", marker, markerRST0+(len(x.starts)-1)&7)
		}
	}
}
