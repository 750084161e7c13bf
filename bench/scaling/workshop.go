package scaling

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// workshop is the folder for pictures and outputs while jobs run. It has a fixed name, so that what a killed program has left is found by the next.
type workshop struct {
	dir  string
	lock *os.File
}

// workshopName is hidden, and is among the names of temporary files that jobs on folders leave out.
const workshopName = ".halorun-scaling"

// ErrBusy says that another one is at work in a folder.
var ErrBusy = errors.New("another halorun bench scaling is writing there; give another --out, or wait for it")

func newWorkshop(out string) (*workshop, error) {
	w := &workshop{dir: filepath.Join(out, workshopName)}
	if err := os.Mkdir(w.dir, 0o777); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	var err error
	if w.lock, err = os.Open(w.dir); err != nil {
		return nil, err
	}
	err = unix.Flock(int(w.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		w.lock.Close()
		return nil, fmt.Errorf("%s: %w", out, ErrBusy)
	}
	return w, w.empty() // a file system without locks has none
}

func (w *workshop) file(name string) string { return filepath.Join(w.dir, name) }

// empty removes what is in it.
func (w *workshop) empty() error {
	entries, err := os.ReadDir(w.dir)
	for _, e := range entries {
		if e.Type().IsRegular() {
			err = errors.Join(err, os.Remove(w.file(e.Name())))
		}
	}
	return err
}

func (w *workshop) close() error {
	defer w.lock.Close()
	return errors.Join(w.empty(), os.Remove(w.dir))
}
