package ranks

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"halorun/kernels"
	"halorun/ranks/raster"
)

// sink writes rows of OUTPUT.
type sink struct {
	raster.Writer
	all    raster.Writer // of all bytes of rows
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

func (j Job) openSink(o raster.Output, flag int) (*sink, error) {
	f, err := j.Output.open(flag)
	if err != nil {
		return nil, &OutputError{j.Output.Name, err}
	}
	w := raster.NewWriter(f, o, j.Output.FD > 0)
	return &sink{Writer: w, all: w, file: f, name: j.Output.Name}, nil
}

// openOutput opens OUTPUT on the head, where that is not done yet, and begins it.
func (r *Rank) openOutput(key []byte, done rowSet) (o outputOffer, err error) {
	defer r.meter.time(write)()
	r.writes = false
	if r.complete {
		return o, nil
	}
	fresh := r.sink == nil
	if fresh {
		if r.sink, err = r.job.openSink(r.picture.Output, os.O_RDWR); err != nil {
			return o, err
		}
	}
	s := r.sink
	if !s.Direct() {
		if fresh && r.job.Output.FD == 0 {
			err = s.file.Truncate(0) // one who is lost may have begun it
		}
		if fresh && err == nil {
			err = s.Begin()
		}
		return o, s.failed(err)
	}
	if err := s.all.Begin(); err != nil {
		return o, s.failed(err)
	}
	if row, ok := r.markRow(done); ok && r.abroad() {
		o.MarkRow = row
		if o.Mark, err = r.picture.Output.Mark(s.file, row); err != nil {
			return o, s.failed(err)
		}
	}
	id, err := raster.Identify(s.file, key)
	if err != nil {
		return o, s.failed(err)
	}
	o.File, r.writes = &id, true
	return o, nil
}

// markRow returns a row from which on a mark can be written, because these rows are still to come.
func (r *Rank) markRow(done rowSet) (row int, ok bool) {
	_, rowBytes := r.picture.Output.Layout()
	for _, gap := range (rowSet{{Hi: r.picture.Output.Height}}).without(done) {
		if int64(gap.Len())*rowBytes >= raster.MarkBytes {
			return gap.Lo, true
		}
	}
	return 0, false
}

// joinSink tells whether this rank can open the very file that the sink writes, and does.
func (r *Rank) joinSink(o outputOffer, key []byte) bool {
	if o.File == nil {
		return false
	}
	if r.sink == nil {
		// What is open for reading, too, may be written in whole pages by a network file system, with what others have written since.
		s, err := r.job.openSink(r.picture.Output, os.O_WRONLY)
		if err != nil {
			return false // its rows go to the sink
		}
		r.sink = s
	}
	if !r.proven(o, key) {
		r.sink.file.Close()
		r.sink = nil
		return false
	}
	return true
}

// proven tells whether this rank's sink writes to the file offered.
func (r *Rank) proven(o outputOffer, key []byte) bool {
	f, err := r.job.Output.open(os.O_RDONLY)
	if err != nil {
		return false
	}
	defer f.Close()
	read, err := f.Stat()
	if err != nil {
		return false
	}
	written, err := r.sink.file.Stat()
	if err != nil || !os.SameFile(read, written) {
		return false
	}
	id, err := raster.Identify(f, key)
	if err != nil || !id.Same(*o.File) {
		return false
	}
	if r.world.Host(r.world.Rank()) == r.world.Host(r.job.Head) {
		return true
	}
	// The mark may have reached another host in a copy, which a program that mirrors folders has made. Where a file system is
	// itself on several hosts, a file has one number.
	return r.picture.Output.Marked(f, o.Mark, o.MarkRow) && id.Inode == o.File.Inode
}

// write writes rows with w, which is one of the sink's.
func (r *Rank) write(w raster.Writer, tile kernels.Rows, rows [][]byte) error {
	defer r.meter.time(write)()
	if err := r.probe.fault("write"); err != nil {
		return r.sink.failed(err)
	}
	return r.sink.failed(w.WriteRows(tile.Lo, rows))
}

// finish ends OUTPUT. It is complete when all ranks have finished.
func (r *Rank) finish() error {
	r.probe.at("finish", len(r.picture.stages)-1)
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
		r.complete = !s.Direct()
	}
	err := r.durable(s)
	return s.failed(errors.Join(err, s.file.Close()))
}

// durable brings what this rank has written to the disk, if it is to be there.
func (r *Rank) durable(s *sink) error {
	if !r.job.Fsync || r.job.Output.FD != 0 {
		return r.book.lostOutput()
	}
	if err := r.book.settled(); err != nil {
		return err
	}
	return s.sync()
}

// sync brings what this rank has written to the disk. If that fails, the kernel forgets that it has not. So that nobody takes for
// written what it still has in memory, that goes as well.
func (s *sink) sync() error {
	err := s.file.Sync()
	if raw, rawErr := s.file.SyscallConn(); err != nil && rawErr == nil {
		_ = raw.Control(func(fd uintptr) { _ = unix.Fadvise(int(fd), 0, 0, unix.FADV_DONTNEED) }) // else it stays
	}
	return err
}

func (s *sink) failed(err error) error {
	if err == nil {
		return nil
	}
	return &OutputError{s.name, err}
}
