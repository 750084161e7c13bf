package raster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// as runs do with the rights of an ordinary user to files, also if the tests are root's. The thread is not used again.
func as(t *testing.T, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if os.Getuid() == 0 {
			runtime.LockOSThread() // and never unlocked
			for _, err := range []error{unix.Setfsgid(65534), unix.Setfsuid(65534)} {
				if err != nil {
					t.Error(err)
					return
				}
			}
		}
		do()
	}()
	<-done
}

// passable lets everybody into a test's folder, which lies in another one of that test's.
func passable(t *testing.T, dir string) {
	t.Helper()
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chmod(filepath.Dir(dir), 0o755)); err != nil {
		t.Fatal(err)
	}
}

func TestPendingWithoutRights(t *testing.T) {
	dir := t.TempDir()
	passable(t, dir)
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o755) // so that it can be removed
	as(t, func() {
		_, err := NewPending(filepath.Join(dir, "out"))
		if !errors.Is(err, fs.ErrPermission) || strings.Contains(fmt.Sprint(err), "\n") {
			t.Errorf("a folder that may not be written: %v", err)
		}
	})
	if got := names(t, dir); got != "" {
		t.Errorf("left behind: %s", got)
	}
}

func TestPendingInWhatIsNoFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := NewPending(filepath.Join(file, "out")); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("a file as a folder: %v", err)
	}
	if _, err := NewPending(filepath.Join(filepath.Dir(file), strings.Repeat("n", 256))); !errors.Is(err, unix.ENAMETOOLONG) {
		t.Errorf("a name of 256 bytes: %v", err)
	}
}

// Names of up to 255 bytes are taken, of whatever bytes, and cut between characters for the temporary one.
func TestPendingNames(t *testing.T) {
	for _, name := range []string{"n", strings.Repeat("n", 255), "n" + strings.Repeat("ü", 127), "\xff\xfe.png", "a\nb", ".hidden"} {
		dir := t.TempDir()
		p, err := NewPending(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if temp := filepath.Base(p.Path()); len(name) > 200 && strings.ContainsRune(temp, '\uFFFD') || len(temp) > 255 {
			t.Errorf("temporary name %q", temp)
		}
		if err := p.Commit(); err != nil {
			t.Fatal(err)
		}
		if got := names(t, dir); got != name {
			t.Errorf("%q instead of %q", got, name)
		}
	}
}

func TestPendingFollowsTheUmask(t *testing.T) {
	defer unix.Umask(unix.Umask(0o027))
	for mask, want := range map[int]fs.FileMode{0: 0o666, 0o027: 0o640, 0o077: 0o600} {
		unix.Umask(mask)
		dir := t.TempDir()
		path := filepath.Join(dir, "out")
		p, err := NewPending(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Commit(); err != nil {
			t.Fatal(err)
		}
		if st, err := os.Stat(path); err != nil || st.Mode() != want {
			t.Errorf("umask %o: %v, %v", mask, st.Mode(), err)
		}
	}
}

// A target that became a folder is left alone, and what was written stays till Abort.
func TestCommitFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	p, err := NewPending(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o777); err != nil {
		t.Fatal(err)
	}
	if p.Commit() == nil {
		t.Error("a folder was replaced")
	}
	if _, err := os.Stat(p.Path()); err != nil {
		t.Error(err)
	}
	p.Abort()
	if got := names(t, dir); got != "out" {
		t.Errorf("the folder has %s", got)
	}
}

// Whoever reads a FIFO gets the picture, of every format.
func TestFIFOGetsThePicture(t *testing.T) {
	p := draw(67, 90, 3, 2)
	for _, format := range []string{"png", "jpeg", "tiff", "ppm"} {
		path := filepath.Join(t.TempDir(), "fifo")
		if err := unix.Mkfifo(path, 0o666); err != nil {
			t.Fatal(err)
		}
		pending, err := NewPending(path)
		if err != nil {
			t.Fatal(err)
		}
		wrote := make(chan error, 1)
		go func() {
			f, err := os.OpenFile(pending.Path(), os.O_WRONLY, 0)
			if err != nil {
				wrote <- err
				return
			}
			w := NewWriter(f, p.output(format), !pending.Regular())
			wrote <- errors.Join(w.Begin(), w.WriteRows(0, p.rows(0, p.height)), w.Finish(), f.Close(), pending.Commit())
		}()
		got, err := os.ReadFile(path)
		if err := errors.Join(err, <-wrote); err != nil {
			t.Fatal(err)
		}
		if string(got) != string(write(t, p, format, false, atOnce(p))) {
			t.Errorf("%s: other bytes", format)
		}
		if st, err := os.Stat(path); err != nil || st.Mode()&fs.ModeNamedPipe == 0 {
			t.Errorf("%s: the FIFO was replaced", format)
		}
	}
}

func TestTarget(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(os.WriteFile(in("file"), nil, 0o666), os.Link(in("file"), in("hard")),
		os.Symlink("file", in("link")), os.Symlink("absent", in("dangling")), os.Symlink("link", in("chain"))); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"file": "file", "hard": "hard", "link": "file", "dangling": "absent", "chain": "file", "new": "new"} {
		if got, err := Target(in(name)); err != nil || got != in(want) {
			t.Errorf("%s leads to %s, %v", name, got, err)
		}
	}
	if _, err := Target(in("no/file")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder missing: %v", err)
	}
}
