package ranks

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"halorun/kernels"
	"halorun/ranks/raster"
)

// sink writes rows of OUTPUT.
type sink struct {
	raster.Writer
	shared raster.Writer // the head's: of rows whose rank writes them itself, the bytes in shared blocks
	file   *os.File
	name   string
}

// OutputError says that OUTPUT could not be written.
type OutputError struct {
	Name string
	Err  error
}

func (e *OutputError) Error() string {
	// The path in it would be that of a temporary file.
	var path *fs.PathError
	if errors.As(e.Err, &path) && path.Op == "write" {
		return fmt.Sprintf("write %s: %v", e.Name, path.Err)
	}
	var link *os.LinkError
	if errors.As(e.Err, &link) {
		return fmt.Sprintf("write %s: cannot %s it into place: %v", e.Name, link.Op, link.Err)
	}
	if path != nil {
		return fmt.Sprintf("write %s: cannot %s a file there: %v", e.Name, path.Op, path.Err)
	}
	return fmt.Sprintf("write %s: %v", e.Name, e.Err)
}
func (e *OutputError) Unwrap() error { return e.Err }

func (j Job) openSink(o raster.Output) (*sink, error) {
	f, err := j.Output.open(os.O_RDWR) // it is read to prove that it is the same file
	if err != nil {
		return nil, &OutputError{j.Output.Name, err}
	}
	return &sink{Writer: raster.NewWriter(f, o, j.Output.FD > 0), file: f, name: j.Output.Name}, nil
}

// joinSink tells whether this rank can open the very file that the sink writes, and does.
func (r *rank) joinSink(o offer, key []byte) bool {
	if o.Output == nil {
		return false
	}
	s, err := r.job.openSink(r.picture.Output)
	if err != nil {
		return false // its rows go to the sink
	}
	if !r.proven(s, o, key) {
		s.file.Close()
		return false
	}
	r.sink = s
	return true
}

// proven tells whether s writes to the file offered.
func (r *rank) proven(s *sink, o offer, key []byte) bool {
	id, err := raster.Identify(s.file, key)
	if err != nil || !id.Same(*o.Output) {
		return false
	}
	if r.world.Host(r.world.Rank()) == r.world.Host(r.job.Head) {
		return true
	}
	// The mark may have reached another host in a copy, which a program that mirrors folders has made. Where a file system is
	// itself on several hosts, a file has one number.
	return r.picture.Output.Marked(s.file, o.Mark) && id.Inode == o.Output.Inode
}

// write writes rows with w, which is one of the sink's.
func (r *rank) write(w raster.Writer, tile kernels.Rows, rows [][]byte) error {
	defer r.meter.time(write)()
	return r.sink.failed(w.WriteRows(tile.Lo, rows))
}

// finish ends OUTPUT. It is complete when all ranks have finished.
func (r *rank) finish() error {
	if r.sink == nil {
		return nil
	}
	defer r.meter.time(write)()
	s := r.sink
	r.sink = nil
	if r.isHead() {
		if err := s.Finish(); err != nil {
			s.file.Close()
			return s.failed(err)
		}
	}
	return s.failed(s.file.Close())
}

func (s *sink) failed(err error) error {
	if err == nil {
		return nil
	}
	return &OutputError{s.name, err}
}
