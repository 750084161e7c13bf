package raster

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Pending is a file that appears under its name only when it is complete. Until then it has a temporary name beside it. What
// is not a regular file (a device, a FIFO) is written through.
type Pending struct {
	// Size is how many bytes the file must have to be complete, if that is known; else it is 0.
	Size int64

	target string // symbolic links followed
	temp   string // "" if it is written through
	made   fs.FileInfo
}

// NewPending prepares to write the file of the given name, which may be a symbolic link, also to what does not exist yet. A new file's
// permissions follow the umask; an existing one's are kept, and its owner where that is allowed. The error is an fs.ErrNotExist if the
// folder does not exist.
func NewPending(name string) (*Pending, error) { return newPending(name, "") }

// NewPendingAt is NewPending with a temporary file of the given path, on the same file system, which must not be there yet.
func NewPendingAt(name, temp string) (*Pending, error) { return newPending(name, temp) }

func newPending(name, temp string) (*Pending, error) {
	st, err := os.Stat(name)
	switch {
	case err == nil && st.IsDir():
		return nil, fmt.Errorf("%s is a folder", name)
	case err == nil && !st.Mode().IsRegular():
		return &Pending{target: name}, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case err == nil:
		// A rename would not ask.
		if err := unix.Access(name, unix.W_OK); err != nil {
			return nil, &fs.PathError{Op: "write", Path: name, Err: err}
		}
	}
	target, err := Target(name)
	if err != nil {
		return nil, err
	}
	if temp == "" {
		random := make([]byte, 4)
		rand.Read(random) // never fails
		temp = beside(target) + hex.EncodeToString(random)
	}
	p := &Pending{target: target, temp: temp}
	perm := fs.FileMode(0o666)
	if st != nil {
		perm = 0o600 // till it has the permissions it shall keep, nobody else may open it
	}
	f, err := os.OpenFile(p.temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, perm)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p.made, err = f.Stat()
	if err == nil && st != nil {
		err = keepOwner(f, st)
	}
	if err != nil {
		p.Abort()
		return nil, err
	}
	return p, nil
}

// Put writes a whole file, which is not large, and puts it in place, or leaves nothing of it.
func (p *Pending) Put(b []byte) error {
	err := os.WriteFile(p.Path(), b, 0o666)
	if err == nil {
		err = p.Commit()
	}
	if err != nil {
		p.Abort()
	}
	return err
}

// beside returns how the path of every temporary file of a target begins, which ends in eight hexadecimal digits.
func beside(target string) string {
	dir, base := filepath.Split(target)
	if len(base) > 200 { // a file's name has at most 255 bytes; some file systems want whole characters
		base = strings.ToValidUTF8(base[:200], "")
	}
	return filepath.Join(dir, "."+base+".halorun-")
}

// ResumePending goes on with a file that an earlier NewPending of the same name prepared, whose temporary file is still there.
func ResumePending(name, temp string) (*Pending, error) {
	target, err := Target(name)
	if err != nil {
		return nil, err
	}
	st, err := os.Lstat(temp)
	switch {
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular() || !isTemporary(temp, target):
		return nil, fmt.Errorf("%s is no temporary file of %s", temp, name)
	}
	return &Pending{target: target, temp: temp, made: st}, nil
}

// isTemporary tells whether NewPending could have made temp for target. Whoever wrote down its name: no other file may be written.
func isTemporary(temp, target string) bool {
	random, ok := strings.CutPrefix(temp, beside(target))
	return ok && len(random) == 8 && strings.Trim(random, "0123456789abcdef") == ""
}

// Target returns the absolute path that a symbolic link, or a chain of them, leads to. The file need not exist; its folder must.
func Target(path string) (string, error) {
	for range 40 {
		dir, base := filepath.Split(path)
		if dir == "" {
			dir = "."
		}
		// The folder comes first: ".." in a link counts from where the link really lies.
		dir, err := filepath.EvalSymlinks(dir)
		if err != nil {
			return "", err
		}
		path = filepath.Join(dir, base)
		to, err := os.Readlink(path)
		if err != nil {
			return filepath.Abs(path)
		}
		if path = to; !filepath.IsAbs(to) {
			path = dir + "/" + to
		}
	}
	return "", fmt.Errorf("%s: too many symbolic links", path)
}

// Path returns where to write: the temporary file, or what is written through.
func (p *Pending) Path() string {
	if p.temp != "" {
		return p.temp
	}
	return p.target
}

// Regular tells whether there is a temporary file, which can be opened by several processes.
func (p *Pending) Regular() bool { return p.temp != "" }

// Commit puts the file in place. If that fails it is as before. What is not the file that was prepared, or not complete, is not put in
// place.
func (p *Pending) Commit() error {
	if p.temp == "" {
		return nil
	}
	st, err := os.Lstat(p.temp)
	if err != nil {
		return err
	}
	if !os.SameFile(st, p.made) || p.Size > 0 && st.Size() != p.Size {
		return fmt.Errorf("somebody has replaced or cut the temporary file %s", p.temp)
	}
	if err := os.Rename(p.temp, p.target); err != nil {
		return err
	}
	p.temp = ""
	return nil
}

// Sync makes a Commit outlast the host's crash.
func (p *Pending) Sync() error {
	folder, err := os.Open(filepath.Dir(p.target))
	if err != nil {
		return err
	}
	err = folder.Sync()
	if errors.Is(err, unix.EINVAL) {
		err = nil // some network file systems cannot
	}
	return errors.Join(err, folder.Close())
}

// Abort removes the temporary file, unless it has been committed.
func (p *Pending) Abort() {
	if p.temp != "" {
		_ = os.Remove(p.temp)
		p.temp = ""
	}
}
