package history

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// maxSpool is how long a spool may be, in bytes, before entries are dropped.
	maxSpool = 64 << 20
	// maxLine is how long a line of it may be that is read: one with the report of thousands of ranks.
	maxLine = 64 << 20

	spoolEnd = ".jsonl"
	newEnd   = ".new"
)

// spool is the file to which a launcher writes what happens in its job.
type spool struct {
	file   *os.File
	length int64 // with what has no room
	err    error // the first
}

// newSpool makes a file that tells by its lock that its launcher lives.
func newSpool(dir, run string) (*spool, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, run+spoolEnd)
	f, err := os.OpenFile(path+newEnd, os.O_RDWR|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	// It has the lock before it has its name: without one it would be taken for that of a dead launcher.
	err = unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK})
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		f.Close()
		os.Remove(path + newEnd)
		return nil, err
	}
	return &spool{file: f}, nil
}

// write appends whole lines. After an error that is a part of one, nothing follows but what is forced to.
func (s *spool) write(lines []byte, force bool) error {
	if s.err != nil {
		if !force {
			return s.err
		}
		lines = append([]byte{'\n'}, lines...) // the part is a line of its own, which nobody can read
	}
	n, err := s.file.Write(lines)
	s.length += int64(n)
	s.err = errors.Join(s.err, err)
	return err
}

// touch says that the launcher lives to those who do not see its lock. The time is that of the file's server.
func (s *spool) touch() { _ = unix.Futimes(int(s.file.Fd()), nil) }

// locked tells whether the launcher of an open spool file is seen to live. Where many machines share a folder, others may not see its lock.
func locked(f *os.File) bool {
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	return unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &lock) == nil && lock.Type != unix.F_UNLCK
}

// spools returns the spool files of a folder, by run.
func spools(dir string) (runs []string, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if run, ok := strings.CutSuffix(e.Name(), spoolEnd); ok && e.Type().IsRegular() {
			runs = append(runs, run)
		}
	}
	return runs, err
}

// unspool reads a spool file, also while it grows.
type unspool struct {
	file   *os.File
	offset int64 // of the next line
	folder folder
	here   string // this machine
	// How it was before the lines were read.
	locked bool
	seen   time.Time // when its launcher was known to live
}

// lives tells whether the spool's launcher did before the lines were read. That of another machine counts as dead when it is silent for long.
func (u *unspool) lives() bool {
	return u.locked || u.folder.Machine != u.here && time.Since(u.seen) < silence
}

func openSpool(dir, run string) (*unspool, error) {
	f, err := os.OpenFile(filepath.Join(dir, run+spoolEnd), os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	u := &unspool{file: f}
	u.here, _ = os.Hostname()
	return u, nil
}

// next reads whole lines, as far as they are there and make a batch of reasonable size. more says that there are others.
func (u *unspool) next() (entries []Entry, more bool, err error) {
	const batch = 1 << 20
	if u.locked, u.seen = locked(u.file), time.Now(); !u.locked {
		st, err := u.file.Stat()
		if err != nil {
			return nil, false, err
		}
		u.seen = st.ModTime()
	}
	r := bufio.NewReaderSize(io.NewSectionReader(u.file, u.offset, 1<<62), 64<<10)
	for read := 0; read < batch; {
		b, err := readLine(r)
		if errors.Is(err, io.EOF) {
			return entries, false, nil // what is not ended is not written yet, or never will be
		}
		if err != nil {
			return entries, false, fmt.Errorf("%s: %w", u.file.Name(), err)
		}
		read += len(b)
		u.offset += int64(len(b))
		l := new(line)
		if json.Unmarshal(b, l) != nil {
			*l = line{} // a disk was full
		}
		if e := u.folder.add(l, len(b)); e != nil {
			entries = append(entries, *e)
		}
	}
	return entries, true, nil
}

// readLine returns a line with its end. One that is not ended is io.EOF.
func readLine(r *bufio.Reader) ([]byte, error) {
	var all []byte
	for {
		b, err := r.ReadSlice('\n')
		if all = append(all, b...); !errors.Is(err, bufio.ErrBufferFull) {
			return all, err
		}
		if len(all) > maxLine {
			return nil, errors.New("a line of it is too long")
		}
	}
}

func (u *unspool) close() { u.file.Close() }
