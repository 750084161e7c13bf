package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/s2"
	"golang.org/x/sys/unix"
)

const (
	suffix     = ".seg"
	maxSegment = defaultSegment + recordSize + maxRows
)

// ErrDamaged says that rows are not those that were added.
var ErrDamaged = errors.New("damaged")

// Segments lists the segment files in dir: base names, sorted. A missing dir has none.
func Segments(dir string) ([]string, error) {
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, f := range files {
		if f.Type().IsRegular() && strings.HasSuffix(f.Name(), suffix) {
			names = append(names, f.Name())
		}
	}
	return names, nil
}

// Segment is a segment file that is read. It is safe for concurrent use.
type Segment struct {
	file    *os.File
	entries []Entry
	stored  []stored // of each entry
	inputs  map[int64]uint64
	buffers buffers
}

// stored is where the rows of an entry are. In place, there are none.
type stored struct {
	at, length int64
	sum        uint64
	packed     bool
}

// Open reads the records of a segment, but not the rows. What is damaged, cut off or of another job is left out. It is an error only
// if the file cannot be read at all. What a process adds meanwhile is found or not.
func Open(path string, id JobID) (*Segment, error) {
	// A FIFO would wait for its other end.
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	s := &Segment{file: f, inputs: map[int64]uint64{}}
	if err := s.read(id); err != nil {
		f.Close()
		return nil, err
	}
	return s, nil
}

// Windows are small from record to record, most of which are small themselves or skip much, and large in a search.
const (
	walkWindow   = 4 << 10
	searchWindow = 64 << 10
)

func (s *Segment) read(id JobID) error {
	st, err := s.file.Stat()
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", s.file.Name())
	}
	// No writer of ours makes larger ones.
	w := window{file: s.file, size: min(st.Size(), maxSegment), buf: make([]byte, searchWindow)}
	first := w.view(0, walkWindow)
	if w.err != nil {
		return w.err
	}
	if foreign(first, id) {
		return nil
	}
	sealed := newSealer(id)
	// What is behind a place that cannot be read is left out.
	for at := int64(headerSize); w.err == nil && at+recordSize <= w.size; {
		r, ok := sealed.parse(w.view(at, walkWindow), at, w.size-at-recordSize)
		if !ok {
			if at, ok = search(&w, sealed, at+1); !ok {
				break
			}
			continue
		}
		s.take(r, at+recordSize)
		at += recordSize + int64(r.length)
	}
	return nil
}

// search finds the first record from at on.
func search(w *window, sealed sealer, at int64) (int64, bool) {
	for {
		b := w.view(at, searchWindow)
		if len(b) < recordSize {
			return 0, false
		}
		switch i := bytes.Index(b, []byte(recordMagic)); {
		case i < 0:
			at += int64(len(b) - len(recordMagic) + 1)
		case i > len(b)-recordSize:
			at += int64(i) // the whole of it is in the next view, or nowhere
		default:
			at += int64(i)
			if _, ok := sealed.parse(b[i:], at, w.size-at-recordSize); ok {
				return at, true
			}
			at++
		}
	}
}

// take takes a record whose payload is at the given place.
func (s *Segment) take(r record, at int64) {
	if r.kind != kindInput {
		s.entries = append(s.entries, r.entry())
		s.stored = append(s.stored, stored{at, int64(r.length), r.payloadSum, r.kind == kindPacked})
		return
	}
	b := make([]byte, r.length)
	if _, err := s.file.ReadAt(b, at); err != nil || xxhash.Sum64(b) != r.payloadSum {
		return
	}
	for i := range r.hi - r.lo {
		s.inputs[int64(r.lo+i)] = binary.LittleEndian.Uint64(b[8*i:])
	}
}

// Entries returns the tiles of the segment, as they were added.
func (s *Segment) Entries() []Entry { return s.entries }

// Inputs returns the checksums of INPUT, by group. Of a group that was added twice the later one counts.
func (s *Segment) Inputs() map[int64]uint64 { return s.inputs }

// Read reads the rows of Entries()[i], which are Stored, to dst, which has Hi-Lo slices of RowBytes. The error is an ErrDamaged if they
// are not what was added, and then dst is as it was.
func (s *Segment) Read(i int, dst [][]byte) error {
	e, at := s.entries[i], s.stored[i]
	if !e.Stored {
		return fmt.Errorf("%s does not hold %s", s.file.Name(), e.name())
	}
	if err := e.holds(dst); err != nil {
		return err
	}
	payload := s.buffers.borrow(int(at.length))
	defer s.buffers.giveBack(payload)
	if _, err := s.file.ReadAt(*payload, at.at); errors.Is(err, io.EOF) {
		return s.damaged(e)
	} else if err != nil {
		return err
	}
	if xxhash.Sum64(*payload) != at.sum {
		return s.damaged(e)
	}
	rows := *payload
	if at.packed {
		plain := s.buffers.borrow(e.size())
		defer s.buffers.giveBack(plain)
		if n, err := s2.DecodedLen(rows); err != nil || n != e.size() {
			return s.damaged(e)
		}
		var err error
		if rows, err = s2.Decode(*plain, rows); err != nil {
			return s.damaged(e)
		}
	}
	if xxhash.Sum64(rows) != e.Sum {
		return s.damaged(e)
	}
	for _, d := range dst {
		rows = rows[copy(d, rows):]
	}
	return nil
}

func (s *Segment) damaged(e Entry) error {
	return fmt.Errorf("%s: %s: %w", s.file.Name(), e.name(), ErrDamaged)
}

// Close closes the file.
func (s *Segment) Close() error { return s.file.Close() }

// window is the part of a file that was read last.
type window struct {
	file io.ReaderAt
	size int64 // as it was found; what comes later does not count
	buf  []byte
	at   int64
	have int
	err  error // the first one; there is nothing to see behind it
}

// view returns the bytes from at on: at least recordSize, unless the file ends or cannot be read. It reads n if they are not at hand.
func (w *window) view(at int64, n int) []byte {
	if skip := at - w.at; skip >= 0 && skip+recordSize <= int64(w.have) {
		return w.buf[skip:w.have]
	}
	w.at, w.have = at, 0
	n = int(min(int64(n), w.size-at))
	if w.err != nil || n <= 0 {
		return nil
	}
	got, err := w.file.ReadAt(w.buf[:n], at)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	w.have = got
	return w.buf[:got]
}
