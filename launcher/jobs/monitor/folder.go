package monitor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"halorun/launcher/jobs"
)

// maxPath is how long the path of a socket may be: that of sockaddr_un less its zero byte.
const maxPath = 107

const suffix = ".sock"

// folders returns where sockets may be: beside the jobs that are kept, in a folder of this host's, since home folders may be shared by many; and,
// where the path would be too long or there is no such folder, among temporary files.
func folders() []string {
	var all []string
	if root, err := jobs.Root(); err == nil {
		if host, err := os.Hostname(); err == nil {
			all = append(all, filepath.Join(filepath.Dir(root), "run", host))
		}
	}
	return append(all, filepath.Join(os.TempDir(), fmt.Sprintf("halorun-run-%d", os.Getuid())))
}

// private makes sure that there is a folder which is this user's and nobody else can enter.
func private(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := isPrivate(dir); !errors.Is(err, errOpen) {
		return err
	}
	if err := os.Chmod(dir, 0o700); err != nil { // it was there
		return err
	}
	return isPrivate(dir)
}

var errOpen = errors.New("others can enter it")

func isPrivate(dir string) error {
	var st unix.Stat_t
	if err := unix.Lstat(dir, &st); err != nil {
		return &fs.PathError{Op: "stat", Path: dir, Err: err}
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		return fmt.Errorf("%s is no folder", dir)
	case int(st.Uid) != os.Getuid():
		return fmt.Errorf("%s is another user's", dir)
	case st.Mode&0o077 != 0:
		return fmt.Errorf("%s: %w", dir, errOpen)
	}
	return nil
}

// sockets returns the sockets of this user's jobs on this host, by the run.
func sockets() map[string]string {
	found := make(map[string]string)
	for _, dir := range folders() {
		if isPrivate(dir) != nil {
			continue // what is in there is nobody's word
		}
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if run, ok := strings.CutSuffix(e.Name(), suffix); ok && e.Type() == fs.ModeSocket && !strings.HasPrefix(run, ".") {
				found[run] = filepath.Join(dir, e.Name())
			}
		}
	}
	return found
}
