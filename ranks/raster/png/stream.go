package png

import (
	"errors"
	"fmt"
	"io"
	"math"

	"halorun/ranks/raster/scratch"
)

const (
	blockBytes = 128 << 10 // is about how much is inflated at a time
	blocks     = 5         // how many there are: one is inflated, one unfiltered, the row above may lie in another, some wait
)

// block is some rows as they are in the file, each behind its filter's type; or an error behind the last of them.
type block struct {
	bytes []byte
	rows  int
	row   int // bytes of each, with the type
	pass  int
	err   error
}

// Stream reads rows from top to bottom. It is for one goroutine at a time.
type Stream struct {
	m       *Image
	passes  []pass
	filters *unfilterer
	deliver func(dst, row []byte) // what is delivered of a row of the file

	full chan *block // inflated, in order; at the end comes one with an error
	free chan *block
	stop chan struct{} // closed by Close
	done chan struct{} // closed by the goroutine that inflates

	now, before *block // is being unfiltered; holds the row above, maybe
	at          int    // rows of now that are done
	above       []byte // nil for the first row of a pass
	y           int    // the next row of the picture
	held        *held  // of an interlaced picture
	err         error  // for good
}

var errClosed = errors.New("the stream is closed")

// Stream begins to read all rows from top to bottom, in about Memory bytes. A goroutine inflates ahead of what is read, until the stream is
// closed.
func (m *Image) Stream() (*Stream, error) { return m.StreamIn(math.MaxInt64, nil) }

// StreamIn is a Stream in about so many bytes of memory: what of an interlaced picture does not fit goes into a scratch file. Below Least it
// takes Least.
func (m *Image) StreamIn(memory int64, file scratch.Maker) (*Stream, error) {
	s := &Stream{m: m, passes: m.passes(), filters: newUnfilterer(m.pixelBytes()), deliver: m.deliverer()}
	if m.interlaced {
		if memory >= m.Memory() {
			file = nil
		}
		var err error
		if s.held, err = newHeld(m, s.passes, file); err != nil {
			return nil, err
		}
	}
	s.full, s.free = make(chan *block, blocks+1), make(chan *block, blocks)
	for range blocks {
		s.free <- new(block)
	}
	s.stop, s.done = make(chan struct{}), make(chan struct{})
	go s.inflate()
	return s, nil
}

// Random is false: ReadRows of Image reads all rows above those that are wanted.
func (m *Image) Random() bool { return false }

// ReadRows reads the rows from y on, as a new Stream does.
func (m *Image) ReadRows(y int, dst [][]byte) error {
	if y < 0 || len(dst) > m.Height-y {
		return fmt.Errorf("rows %d to %d are not among the picture's %d", y, y+len(dst)-1, m.Height)
	}
	s, err := m.Stream()
	if err != nil {
		return err
	}
	defer s.Close()
	skip := make([]byte, m.Width*m.Channels)
	for range y {
		if err := s.ReadRows([][]byte{skip}); err != nil {
			return err
		}
	}
	return s.ReadRows(dst)
}

// Keeps tells whether a Stream keeps half of the picture before it delivers any: the picture is interlaced.
func (m *Image) Keeps() bool { return m.interlaced }

// Memory is about how many bytes a Stream takes: if the picture is interlaced, those of half of it.
func (m *Image) Memory() int64 { return m.streamBytes() + m.heldBytes() }

// Least is about how many bytes a Stream takes if it may use a scratch file.
func (m *Image) Least() int64 { return m.streamBytes() + min(m.heldBytes(), m.spillBytes()) }

// streamBytes is about how many bytes a Stream takes for what it inflates.
func (m *Image) streamBytes() int64 {
	n := int64(fileBuffer + dataBuffer + 128<<10)
	largest := m.passes()
	row := 1 + m.rowBytes(largest[len(largest)-1].width)
	return n + blocks*int64(max(row, blockBytes))
}

// inflate fills blocks until all rows are there, an error comes, or the stream is closed.
func (s *Stream) inflate() {
	defer close(s.done)
	s.full <- &block{err: s.inflateAll()} // there is room
}

func (s *Stream) inflateAll() (err error) {
	defer func() {
		// What is hostile may find a fault in the library.
		if e := recover(); e != nil {
			err = damagef("its picture data: %v", e)
		}
	}()
	f := newInflater(s.m.src, s.m.data, s.m.size)
	defer f.close()
	if err := f.begin(); err != nil {
		return err
	}
	sum := uint32(1)
	for i, p := range s.passes {
		row := 1 + s.m.rowBytes(p.width)
		for left := p.height; left > 0; {
			var b *block
			select {
			case b = <-s.free:
			case <-s.stop:
				return errClosed
			}
			rows := min(left, max(1, blockBytes/row))
			if n := rows * row; cap(b.bytes) < n {
				b.bytes = make([]byte, n)
			} else {
				b.bytes = b.bytes[:n]
			}
			n, err := io.ReadFull(f.flate, b.bytes)
			b.pass, b.row, b.rows = i, row, n/row
			sum = adler(sum, b.bytes[:n])
			s.full <- b // there is room
			if err != nil {
				return inflateError(err)
			}
			left -= rows
		}
	}
	if err := f.end(sum); err != nil {
		return err
	}
	return io.EOF
}

// ReadRows reads the next rows into dst, a slice of Width·Channels bytes each. With the last row it tells whether all is well behind it.
// Errors other than those of reading are a Damage.
func (s *Stream) ReadRows(dst [][]byte) error {
	if s.err != nil || len(dst) == 0 {
		return s.err
	}
	if len(dst) > s.m.Height-s.y {
		return fmt.Errorf("%d rows are wanted when %d of %d are left", len(dst), s.m.Height-s.y, s.m.Height)
	}
	s.err = s.readRows(dst)
	return s.err
}

func (s *Stream) readRows(dst [][]byte) error {
	if s.held != nil && s.y == 0 {
		if err := s.hold(); err != nil {
			return err
		}
	}
	for _, d := range dst {
		d = d[:s.m.Width*s.m.Channels]
		if s.held != nil && s.y%2 == 0 {
			if err := s.held.merge(d, s.y); err != nil {
				return err
			}
		} else {
			row, _, err := s.next()
			if err != nil {
				return err
			}
			s.deliver(d, row)
		}
		s.y++
	}
	if s.y == s.m.Height {
		return s.end()
	}
	return nil
}

// end waits for what is found behind the last row.
func (s *Stream) end() error {
	if _, _, err := s.next(); err != io.EOF {
		return err
	}
	return nil
}

// next returns the next row of the file, which is valid until the next but one, and the number of its pass.
func (s *Stream) next() (row []byte, pass int, err error) {
	if s.now == nil || s.at == s.now.rows {
		if s.before != nil {
			s.free <- s.before // there is room
		}
		s.before, s.now, s.at = s.now, <-s.full, 0
		for s.now.err == nil && s.now.rows == 0 {
			s.free <- s.now
			s.now = <-s.full
		}
		if s.now.err != nil {
			return nil, 0, s.now.err
		}
		if s.before == nil || s.before.pass != s.now.pass {
			s.above = nil
		}
	}
	b := s.now
	row = b.bytes[s.at*b.row : (s.at+1)*b.row]
	s.at++
	filter, row := row[0], row[1:]
	if filter >= filters {
		return nil, 0, damagef("a row has the filter %d, which does not exist", filter)
	}
	s.filters.undo(filter, row, s.above)
	s.above = row
	return row, b.pass, nil
}

// Close ends the stream.
func (s *Stream) Close() error {
	if s.err != errClosed {
		s.err = errClosed
		close(s.stop)
		<-s.done
		s.held.close()
	}
	return nil
}
