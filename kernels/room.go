package kernels

import (
	"io"
	"slices"
	"sort"
)

// Room is what a decision may take of memory, and where it puts what does not fit. The zero Room is all the memory there is.
type Room struct {
	Bytes   int64                   // that its rows may take; they are in the scratch file if they need more
	Scratch func() (Scratch, error) // makes that file; nil: everything stays in memory
}

// Scratch is an empty file that is gone when it is closed. Several goroutines may use it. What is not written of it is 0.
type Scratch interface {
	io.ReaderAt
	io.WriterAt
	Close()
}

// holds tells whether so many bytes are to stay in memory.
func (r Room) holds(n int64) bool { return r.Scratch == nil || n <= r.Bytes }

// runSet is a set of rows: runs that rise and neither overlap nor touch. It numbers its rows from the top.
type runSet struct {
	runs   []Rows
	starts []int // the number of each run's first row
	count  int   // of rows
}

// newRunSet returns the rows that are in any of the runs.
func newRunSet(runs []Rows) runSet {
	runs = slices.DeleteFunc(slices.Clone(runs), func(r Rows) bool { return r.Len() == 0 })
	slices.SortFunc(runs, func(a, b Rows) int { return a.Lo - b.Lo })
	var s runSet
	for _, run := range runs {
		if n := len(s.runs); n > 0 && s.runs[n-1].Hi >= run.Lo {
			s.runs[n-1].Hi = max(s.runs[n-1].Hi, run.Hi)
		} else {
			s.runs = append(s.runs, run)
		}
	}
	for _, run := range s.runs {
		s.starts = append(s.starts, s.count)
		s.count += run.Len()
	}
	return s
}

// endingFrom returns the number of the first run that ends at row y or later.
func (s runSet) endingFrom(y int) int {
	return sort.Search(len(s.runs), func(i int) bool { return s.runs[i].Hi >= y })
}

// has tells whether row y is in the set.
func (s runSet) has(y int) bool {
	i := s.endingFrom(y + 1)
	return i < len(s.runs) && s.runs[i].Lo <= y
}

// number returns the number of row y, which is in the set.
func (s runSet) number(y int) int {
	i := s.endingFrom(y + 1)
	return s.starts[i] + y - s.runs[i].Lo
}

// rowFile keeps a set's rows, of one size, in a scratch file. Rows that were not written are 0.
type rowFile struct {
	runSet
	rowBytes int
	file     Scratch
}

func newRowFile(set runSet, rowBytes int, room Room) (*rowFile, error) {
	file, err := room.Scratch()
	if err != nil {
		return nil, err
	}
	if size := int64(set.count) * int64(rowBytes); size > 0 {
		if _, err := file.WriteAt([]byte{0}, size-1); err != nil { // so that all of it can be read
			file.Close()
			return nil, err
		}
	}
	return &rowFile{set, rowBytes, file}, nil
}

// offset returns where byte i of row y is.
func (f *rowFile) offset(y, i int) int64 { return int64(f.number(y))*int64(f.rowBytes) + int64(i) }

// read reads from byte i of row y on, maybe into the rows below it.
func (f *rowFile) read(y, i int, b []byte) error {
	_, err := f.file.ReadAt(b, f.offset(y, i))
	return err
}

// write is read the other way round.
func (f *rowFile) write(y, i int, b []byte) error {
	_, err := f.file.WriteAt(b, f.offset(y, i))
	return err
}
