package raster

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// fill writes text where the pending file is.
func fill(t *testing.T, p *Pending, text string) {
	t.Helper()
	if err := os.WriteFile(p.Path(), []byte(text), 0); err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// names lists a folder.
func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

func TestPendingAppearsWhenComplete(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out.png")
	p, err := NewPending(out)
	if err != nil {
		t.Fatal(err)
	}
	if !p.Regular() || filepath.Dir(p.Path()) != dir || !strings.HasPrefix(filepath.Base(p.Path()), ".out.png.halorun-") {
		t.Errorf("temporary file %s", p.Path())
	}
	fill(t, p, "new")
	if _, err := os.Stat(out); !errors.Is(err, fs.ErrNotExist) {
		t.Error("it appeared early")
	}
	if err := p.Commit(); err != nil {
		t.Fatal(err)
	}
	p.Abort()
	if names(t, dir) != "out.png" || content(t, out) != "new" {
		t.Errorf("the folder has %s", names(t, dir))
	}
}

func TestPendingAbort(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out.png")
	if err := os.WriteFile(out, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	p, err := NewPending(out)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, p, "new")
	p.Abort()
	p.Abort()
	if names(t, dir) != "out.png" || content(t, out) != "old" {
		t.Errorf("the folder has %s", names(t, dir))
	}
}

func TestPendingPermissions(t *testing.T) {
	mode := func(path string) fs.FileMode {
		st, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return st.Mode()
	}
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o666); err != nil { // as the umask has it
		t.Fatal(err)
	}
	for name, existing := range map[string]fs.FileMode{"new": 0, "private": 0o600, "odd": 0o752} {
		out := filepath.Join(dir, name)
		want := mode(plain)
		if existing != 0 {
			if err := errors.Join(os.WriteFile(out, nil, 0o666), os.Chmod(out, existing)); err != nil {
				t.Fatal(err)
			}
			want = existing
		}
		p, err := NewPending(out)
		if err != nil {
			t.Fatal(err)
		}
		if mode(p.Path()) != want {
			t.Errorf("%s: the temporary file has mode %v, not %v", name, mode(p.Path()), want)
		}
		if err := p.Commit(); err != nil {
			t.Fatal(err)
		}
		if mode(out) != want {
			t.Errorf("%s has mode %v, not %v", name, mode(out), want)
		}
	}
}

func TestPendingFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"real", "real/deep", "links"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	links := map[string]string{
		"links/absolute": filepath.Join(dir, "real/a"),
		"links/dangling": "../real/b",
		"links/chain":    "chain2",
		"links/chain2":   "../real/c",
		"links/deep":     "../real/deep", // a folder
		"real/deep/up":   "../d",         // from where the link really lies, not from links/
	}
	for name, to := range links {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "real/a"), []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"links/absolute": "real/a", "links/dangling": "real/b", "links/chain": "real/c",
		"links/deep/up": "real/d", "links/deep/../e": "real/e"} {
		p, err := NewPending(dir + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		fill(t, p, name)
		if err := p.Commit(); err != nil {
			t.Fatal(err)
		}
		if got := content(t, filepath.Join(dir, target)); got != name {
			t.Errorf("%s: %s holds %q", name, target, got)
		}
	}
	for name := range links {
		if st, err := os.Lstat(filepath.Join(dir, name)); err != nil || st.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("%s is no link any more", name)
		}
	}
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink("loop", loop); err != nil {
		t.Fatal(err)
	}
	if _, err := NewPending(loop); err == nil {
		t.Error("a link to itself is taken")
	}
}

// A path without a folder means the current one.
func TestPendingInTheCurrentFolder(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	p, err := NewPending("out")
	if err != nil {
		t.Fatal(err)
	}
	if !filepath.IsAbs(p.Path()) {
		t.Errorf("%s is relative", p.Path())
	}
	if err := p.Commit(); err != nil || names(t, dir) != "out" {
		t.Errorf("%v; the folder has %s", err, names(t, dir))
	}
}

func TestPendingErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := NewPending(filepath.Join(dir, "absent", "out")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("folder missing: %v", err)
	}
	if _, err := NewPending(dir); err == nil || !strings.HasSuffix(err.Error(), " is a folder") {
		t.Errorf("folder: %v", err)
	}
	long := filepath.Join(dir, strings.Repeat("n", 255))
	p, err := NewPending(long)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Commit(); err != nil {
		t.Errorf("long name: %v", err)
	}
	if os.Getuid() != 0 { // root may write anywhere
		locked := filepath.Join(dir, "locked")
		if err := os.WriteFile(locked, nil, 0o444); err != nil {
			t.Fatal(err)
		}
		if _, err := NewPending(locked); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("a file that may not be written: %v", err)
		}
		if err := os.Chmod(dir, 0o555); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(dir, 0o777) // so that it can be removed
		if _, err := NewPending(filepath.Join(dir, "out")); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("a folder that may not be written: %v", err)
		}
	}
}

// Only what was made for a file becomes that file.
func TestResumePending(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "out.ppm")
	for temp, ours := range map[string]bool{
		".out.ppm.halorun-0123abcd": true, ".out.ppm.halorun-0123abc": false, ".out.ppm.halorun-0123abcx": false,
		".other.ppm.halorun-0123abcd": false, "precious.ppm": false, "sub/.out.ppm.halorun-0123abcd": false,
	} {
		temp = filepath.Join(dir, temp)
		if err := errors.Join(os.MkdirAll(filepath.Dir(temp), 0o777), os.WriteFile(temp, nil, 0o666)); err != nil {
			t.Fatal(err)
		}
		if _, err := ResumePending(name, temp); (err == nil) != ours {
			t.Errorf("%s: %v", temp, err)
		}
	}
	link := filepath.Join(dir, ".out.ppm.halorun-ffffffff")
	if err := os.Symlink("precious.ppm", link); err != nil {
		t.Fatal(err)
	}
	if _, err := ResumePending(name, link); err == nil {
		t.Error("a link is taken for the temporary file")
	}
}

// Devices and FIFOs are written through, and stay.
func TestPendingWritesThrough(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{os.DevNull, fifo} {
		p, err := NewPending(path)
		if err != nil {
			t.Fatal(err)
		}
		if p.Regular() || p.Path() != path {
			t.Errorf("%s: regular %t, to %s", path, p.Regular(), p.Path())
		}
		if err := p.Commit(); err != nil {
			t.Error(err)
		}
		p.Abort()
		if st, err := os.Stat(path); err != nil || st.Mode().IsRegular() {
			t.Errorf("%s was replaced or removed", path)
		}
	}
}
