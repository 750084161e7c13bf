// Package jobs keeps what is needed to resume a job that did not end well: a folder for each, on every host that took part.
//
//	ROOT/JOB/job.json    what the job is; on the machine where it was started
//	ROOT/JOB/*.seg       the ledger: what ranks on this host have finished
//
// Folders that nobody has touched for a long time go, and the oldest ones if all together are too large.
package jobs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"
)

// Job is what is known of a job that may be resumed.
type Job struct {
	ID      string              `json:"job"`
	Begun   time.Time           `json:"begun"`
	Input   string              `json:"input"`  // absolute
	Output  string              `json:"output"` // absolute
	Ops     []string            `json:"ops"`
	Flags   map[string][]string `json:"flags"`   // of the command line, by name
	Version string              `json:"version"` // of the program
	Remove  []string            `json:"remove"`  // temporary files, by absolute path
	Size    int64               `json:"size"`    // of INPUT, in bytes
	ModTime time.Time           `json:"mod_time"`
	Sample  []byte              `json:"sample"` // checksum of parts of INPUT
	Full    string              `json:"full"`   // checksum of all of it; "" if nobody asked for it
	Ledger  []byte              `json:"ledger"` // its identity
	Rows    int64               `json:"rows"`   // of OUTPUT
	Done    int64               `json:"done"`   // of these
}

// Root returns the default folder of all jobs of this user on this host.
func Root() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "halorun", "jobs"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no folder for checkpoints: %w; give --checkpoint-dir", err)
	}
	return filepath.Join(home, ".local", "state", "halorun", "jobs"), nil
}

const file = "job.json"

// File returns the path of a job's description.
func File(root, id string) string { return filepath.Join(root, id, file) }

// Save writes the description of a job.
func (j *Job) Save(root string) error {
	b, err := json.MarshalIndent(j, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(root, j.ID), 0o700); err != nil {
		return err
	}
	return renameio.WriteFile(File(root, j.ID), append(b, '\n'), 0o600, renameio.WithTempDir(filepath.Join(root, j.ID)))
}

// errNoID is about what cannot be a job.
var errNoID = fmt.Errorf("no job: %w", fs.ErrNotExist)

// Load reads the description of a job. The error is an fs.ErrNotExist if there is none.
func Load(root, id string) (*Job, error) {
	if id == "" || id != filepath.Base(id) || strings.HasPrefix(id, ".") {
		return nil, fmt.Errorf("%q is %w", id, errNoID)
	}
	b, err := read(File(root, id))
	if err != nil {
		return nil, err
	}
	j := new(Job)
	if err := json.Unmarshal(b, j); err != nil {
		return nil, fmt.Errorf("%s: %w", File(root, id), err)
	}
	if j.ID != id {
		return nil, fmt.Errorf("%s is of job %q", File(root, id), j.ID)
	}
	return j, nil
}

// maxFile is how long a description may be, in bytes.
const maxFile = 4 << 20

// read returns what is in a file that may be anything.
func read(name string) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0) // a FIFO would have it wait
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular() || st.Size() > maxFile:
		return nil, fmt.Errorf("%s is no description of a job", name)
	}
	return io.ReadAll(io.LimitReader(f, maxFile))
}

// ErrRuns says that a job is under way.
var ErrRuns = errors.New("it is running")

const lockFile = "lock"

// Lock makes sure that nobody else runs or removes a job, until unlock is called or this process ends. The error is ErrRuns if
// somebody does.
func Lock(root, id string) (unlock func(), err error) {
	dir := filepath.Join(root, id)
	for {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
		if errors.Is(err, fs.ErrNotExist) {
			continue // the job was removed just now
		}
		if err != nil {
			return nil, err
		}
		err = unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK})
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
			err = ErrRuns
		}
		if err == nil && !inPlace(f) {
			f.Close()
			continue // who removed the job has just let go of this file
		}
		if err != nil {
			f.Close()
			return nil, err
		}
		return func() { f.Close() }, nil
	}
}

// inPlace tells whether an open file still has its name.
func inPlace(f *os.File) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(f.Name())
	return err == nil && os.SameFile(mine, named)
}

// Runs tells whether somebody has the lock of a job. It leaves all as it is.
func Runs(root, id string) bool {
	f, err := os.OpenFile(filepath.Join(root, id, lockFile), os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	return unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &lock) == nil && lock.Type != unix.F_UNLCK
}

// List returns the jobs that can be resumed, the latest first. What cannot be read is left out.
func List(root string) ([]*Job, error) {
	entries, err := os.ReadDir(root)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []*Job
	for _, e := range entries {
		if j, err := Load(root, e.Name()); err == nil {
			all = append(all, j)
		}
	}
	slices.SortFunc(all, func(a, b *Job) int { return b.Begun.Compare(a.Begun) })
	return all, nil
}

// Remove forgets a job, with its temporary files and what of the ledger is on this host.
func Remove(root, id string) error {
	j, err := Load(root, id)
	if errors.Is(err, errNoID) {
		return err
	}
	if err == nil {
		for _, path := range j.Remove {
			RemoveTemporary(path)
		}
	}
	return Sweep(filepath.Join(root, id))
}

// RemoveTemporary removes a temporary file of OUTPUT, or a folder of temporary files with the files in it. Whoever wrote down its path: it is
// no means to remove anything else.
func RemoveTemporary(path string) {
	if ours, _ := filepath.Match(".*.halorun-????????", filepath.Base(path)); ours {
		_ = os.Remove(path) // it may be gone
	}
	if ours, _ := filepath.Match(".halorun-????????", filepath.Base(path)); !ours {
		return
	}
	st, err := os.Lstat(path)
	if err != nil || !st.IsDir() {
		return
	}
	entries, _ := os.ReadDir(path)
	for _, e := range entries {
		if e.Type().IsRegular() {
			_ = os.Remove(filepath.Join(path, e.Name()))
		}
	}
	_ = os.Remove(path) // what else is in it stays
}

// Sweep removes a job's folder with what this package and the ledger have put there. If there is anything else, that stays, and so does the
// folder, which is an error.
func Sweep(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if isOurs(e) {
			err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// isOurs tells whether an entry of a job's folder is of this package or of the ledger.
func isOurs(e fs.DirEntry) bool {
	return !e.IsDir() && (e.Name() == lockFile || strings.HasPrefix(strings.TrimPrefix(e.Name(), "."), file) || strings.HasSuffix(e.Name(), ".seg"))
}

// Limits of what is kept.
const (
	MaxAge   = 14 * 24 * time.Hour
	MaxBytes = 20 << 30
	// fresh is how long a folder is not taken for a mere remnant, however large: where a job was not started, nobody has its lock.
	fresh = time.Hour
)

// Prune forgets jobs that nobody has touched for MaxAge, and then the oldest, of those that nobody has touched for an hour, as long as all
// together have more than MaxBytes. The job keep stays.
func Prune(root, keep string, now time.Time) {
	type folder struct {
		id      string
		touched time.Time
		bytes   int64
	}
	var all []folder
	var total int64
	entries, _ := os.ReadDir(root)
	for _, e := range entries {
		if !e.IsDir() || !isID(e.Name()) {
			continue // not ours
		}
		f := folder{id: e.Name()}
		files, err := os.ReadDir(filepath.Join(root, f.id))
		if err != nil || slices.ContainsFunc(files, func(e fs.DirEntry) bool { return !isOurs(e) }) {
			continue // nor is this
		}
		for _, file := range files {
			if info, err := file.Info(); err == nil {
				f.bytes += info.Size()
				if info.ModTime().After(f.touched) {
					f.touched = info.ModTime()
				}
			}
		}
		if info, err := e.Info(); err == nil && info.ModTime().After(f.touched) {
			f.touched = info.ModTime()
		}
		if total += f.bytes; f.id != keep {
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(a, b folder) int { return a.touched.Compare(b.touched) })
	for _, f := range all {
		if age := now.Sub(f.touched); age > MaxAge || age > fresh && total > MaxBytes {
			unlock, err := Lock(root, f.id)
			if err != nil {
				continue // it runs
			}
			defer unlock()
			if Remove(root, f.id) == nil {
				total -= f.bytes
			}
		}
	}
}

// isID tells whether a name is that of a job: eight hexadecimal digits.
func isID(name string) bool {
	return len(name) == 8 && strings.Trim(name, "0123456789abcdef") == ""
}
