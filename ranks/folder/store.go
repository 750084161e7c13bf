package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"halorun/ranks/raster"
)

// store is where a member puts outputs: the head's folder, or, if it cannot write there, memory, for them to be sent.
type store struct {
	job    *Job
	writes bool
	name   string // of this member's temporary files in this epoch
	device uint64 // of Job.Temp

	mu      sync.Mutex
	folders map[string]bool // that are known to exist: whether a file can be renamed to there from Job.Temp
	open    map[*pending]bool
}

// begin makes the store ready for an epoch.
func (s *store) begin(j *Job, member, epoch uint32, writes bool) {
	s.clear()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.job, s.writes, s.name = j, writes, fmt.Sprintf("m%d-e%d", member, epoch)
	s.folders, s.open = make(map[string]bool), make(map[*pending]bool)
	if st, err := os.Stat(j.Temp); err == nil {
		s.device = deviceOf(st)
	}
}

// clear removes what is not complete.
func (s *store) clear() {
	s.mu.Lock()
	var open []*pending
	for p := range s.open {
		open = append(open, p)
	}
	s.mu.Unlock()
	for _, p := range open {
		p.abort()
	}
}

// pending is an output that is not in place yet.
type pending struct {
	*raster.Pending // nil if it is remote
	file            *os.File
	remote          bool // it is in memory
	store           *store
}

// create makes the file for a picture's output.
func (s *store) create(e *Entry) (*pending, error) {
	if !s.writes {
		fd, err := unix.MemfdCreate("output", unix.MFD_CLOEXEC)
		if err != nil {
			return nil, &fs.PathError{Op: "create", Path: "in memory", Err: err}
		}
		return &pending{file: os.NewFile(uintptr(fd), "output"), remote: true, store: s}, nil
	}
	p, err := s.prepare(e)
	if err != nil {
		return nil, err
	}
	if p.file, err = os.OpenFile(p.Path(), os.O_RDWR, 0); err != nil {
		p.abort()
		return nil, err
	}
	return p, nil
}

// prepare makes the file for a picture's output, in the output folder, without opening it.
func (s *store) prepare(e *Entry) (*pending, error) {
	target := filepath.Join(s.job.Output, filepath.FromSlash(e.Out))
	near, err := s.folder(filepath.Dir(target))
	if err != nil {
		return nil, err
	}
	var p *raster.Pending
	if near {
		temp := filepath.Join(s.job.Temp, fmt.Sprintf("%s-%d", s.name, e.N))
		p, err = raster.NewPendingAt(target, temp)
		if errors.Is(err, fs.ErrExist) { // an attempt before this one has left it
			_ = os.Remove(temp)
			p, err = raster.NewPendingAt(target, temp)
		}
	} else {
		p, err = raster.NewPending(target)
	}
	if err != nil {
		return nil, err
	}
	if !p.Regular() {
		return nil, fmt.Errorf("%s is there, and is not a regular file", e.Out)
	}
	pend := &pending{Pending: p, store: s}
	s.mu.Lock()
	s.open[pend] = true
	s.mu.Unlock()
	return pend, nil
}

// folder makes sure that there is a folder, and tells whether it is on the file system of the temporary files.
func (s *store) folder(path string) (near bool, err error) {
	s.mu.Lock()
	near, known := s.folders[path]
	s.mu.Unlock()
	if known {
		return near, nil
	}
	if err := os.MkdirAll(path, 0o777); err != nil {
		return false, err
	}
	st, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	near = deviceOf(st) == s.device
	s.mu.Lock()
	defer s.mu.Unlock()
	s.folders[path] = near
	return near, nil
}

// commit puts the output in place and returns its size. If durable, it is on the disk then.
func (p *pending) commit(durable bool) (int64, error) {
	size, err := p.settle(durable)
	if err != nil {
		return 0, err
	}
	if err := p.Commit(); err != nil {
		return 0, err
	}
	if durable {
		if err := p.Sync(); err != nil {
			return 0, err
		}
	}
	p.forget()
	return size, nil
}

// settle closes the file, and returns its size.
func (p *pending) settle(durable bool) (int64, error) {
	st, err := os.Stat(p.Path())
	if err != nil || p.file == nil {
		return sizeOf(st), err
	}
	if durable {
		err = p.file.Sync()
	}
	err = errors.Join(err, p.file.Close())
	p.file = nil
	return st.Size(), err
}

func sizeOf(st fs.FileInfo) int64 {
	if st == nil {
		return 0
	}
	return st.Size()
}

// abort removes the output, unless it is in place.
func (p *pending) abort() {
	if p.file != nil {
		p.file.Close()
		p.file = nil
	}
	if p.Pending != nil {
		p.Abort()
	}
	p.forget()
}

func (p *pending) forget() {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	delete(p.store.open, p)
}

// mark is a file in Job.Temp by which members find out whether they can write the head's output folder.
type mark struct {
	Name    string
	Content []byte
	Boot    string
	Device  uint64
	Inode   uint64
}

// makeMark makes the mark of this epoch.
func (m *Member) makeMark() (mark, error) {
	k := mark{Name: fmt.Sprintf("mark-%d", m.world.Epoch()), Content: randomBytes(32), Boot: m.boot}
	if err := os.Mkdir(m.job.Temp, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return k, err
	}
	path := filepath.Join(m.job.Temp, k.Name)
	if err := os.WriteFile(path, k.Content, 0o666); err != nil {
		return k, err
	}
	st, err := os.Stat(path)
	if err == nil {
		k.Device, k.Inode = deviceOf(st), inodeOf(st)
	}
	return k, err
}

// finds tells whether this member can write the head's output folder.
func (m *Member) finds(k mark) bool {
	f, st, err := openFile(filepath.Join(m.job.Temp, k.Name))
	if err != nil {
		return false
	}
	defer f.Close()
	// Where a file system is itself on several hosts, a file has one number.
	if inodeOf(st) != k.Inode || st.Size() != int64(len(k.Content)) || k.Boot == m.boot && deviceOf(st) != k.Device {
		return false
	}
	b := make([]byte, len(k.Content))
	if _, err := f.ReadAt(b, 0); err != nil || string(b) != string(k.Content) {
		return false
	}
	return unix.Access(m.job.Temp, unix.W_OK|unix.X_OK) == nil && unix.Access(m.job.Output, unix.W_OK|unix.X_OK) == nil
}
