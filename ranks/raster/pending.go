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
	target string // symbolic links followed
	temp   string // "" if it is written through
}

// NewPending prepares to write the file of the given name, which may be a symbolic link, also to what does not exist yet. A new file's
// permissions follow the umask; an existing one's are kept, and its owner where that is allowed. The error is an fs.ErrNotExist if the
// folder does not exist.
func NewPending(name string) (*Pending, error) {
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
	random := make([]byte, 4)
	rand.Read(random) // never fails
	dir, base := filepath.Split(target)
	if len(base) > 200 { // a file's name has at most 255 bytes; some file systems want whole characters
		base = strings.ToValidUTF8(base[:200], "")
	}
	p := &Pending{target: target, temp: filepath.Join(dir, "."+base+".halorun-"+hex.EncodeToString(random))}
	perm := fs.FileMode(0o666)
	if st != nil {
		perm = 0o600 // till it has the permissions it shall keep, nobody else may open it
	}
	f, err := os.OpenFile(p.temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, perm)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if st != nil {
		if err := keepOwner(f, st); err != nil {
			p.Abort()
			return nil, err
		}
	}
	return p, nil
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

// Commit puts the file in place.
func (p *Pending) Commit() error {
	if p.temp == "" {
		return nil
	}
	if err := os.Rename(p.temp, p.target); err != nil {
		p.Abort()
		return err
	}
	p.temp = ""
	return nil
}

// Abort removes the temporary file, unless it has been committed.
func (p *Pending) Abort() {
	if p.temp != "" {
		_ = os.Remove(p.temp)
		p.temp = ""
	}
}
