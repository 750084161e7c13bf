package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"halorun/launcher/jobs/watch"
)

func opened(t testing.TB, target Target) Store {
	t.Helper()
	s, err := Open(context.Background(), target, func(text string) { t.Error(text) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestSQLite(t *testing.T) {
	t.Parallel()
	target, err := ParseTarget("sqlite:" + filepath.Join(t.TempDir(), "a?b#c%20d é.db"))
	if err != nil {
		t.Fatal(err)
	}
	laws(t, func(t testing.TB) Store { return opened(t, target) })
	firstUse(t, fileIn(t, "x"))
}

func fileIn(t testing.TB, name string) Target {
	return Target{kind: "sqlite", path: filepath.Join(t.TempDir(), name), own: true}
}

// firstUse is that many may find nothing there at the same time, and all write.
func firstUse(t *testing.T, target Target) {
	t.Run("first use", func(t *testing.T) {
		const n = 8
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() {
				s, err := Open(context.Background(), target, func(text string) { t.Error(text) })
				if err != nil {
					t.Error(err)
					return
				}
				defer s.Close()
				run := fmt.Sprintf("first%d", i)
				if err := s.Add(context.Background(), attempt(run, run, i, watch.Done), []Entry{{Seq: 1, Time: begin, Text: "x"}}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		s := opened(t, target)
		got, err := s.Attempts(context.Background(), Query{})
		if err != nil || len(got) != n {
			t.Errorf("%d attempts, %v", len(got), err)
		}
	})
}

// What a newer program has made is left as it is.
func TestNewerSQLite(t *testing.T) {
	target := fileIn(t, "h.db")
	s := opened(t, target).(*sqlStore)
	if _, err := s.db.Exec("PRAGMA user_version = 7"); err != nil {
		t.Fatal(err)
	}
	s.Close()
	_, err := Open(context.Background(), target, nil)
	if err == nil || !strings.Contains(err.Error(), "newer version of Halorun (schema 7") || !strings.Contains(err.Error(), target.path) {
		t.Error(err)
	}
}

// Files are private, whatever the umask is.
func TestPrivate(t *testing.T) {
	target := fileIn(t, "new/h.db")
	s := opened(t, target)
	if err := s.Add(context.Background(), attempt("a", "a", 0, watch.Done), nil); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, end := range []string{"", "-wal", "-shm"} {
		st, err := os.Stat(target.path + end)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if n++; err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", st.Mode(), err)
		}
	}
	if n == 0 {
		t.Error("there are no files")
	}
	if st, err := os.Stat(filepath.Dir(target.path)); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", st, err)
	}
}

// damage makes a database in which something is wrong.
func damage(t *testing.T, target Target, how string) {
	t.Helper()
	if how == "garbage" {
		if err := os.WriteFile(target.path, []byte(strings.Repeat("this is no database ", 500)), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	s := opened(t, target)
	for i := range 200 {
		run := fmt.Sprintf("run%d", i)
		if err := s.Add(context.Background(), attempt(run, run, i, watch.Done), []Entry{{Seq: 1, Text: strings.Repeat("x", 500)}}); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	b, err := os.ReadFile(target.path)
	if err != nil {
		t.Fatal(err)
	}
	switch how {
	case "pages": // all but the first
		for i := 4096; i < len(b); i++ {
			b[i] = 0xa5
		}
	case "cut":
		b = b[:len(b)/2]
	}
	if err := os.WriteFile(target.path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A damaged database is set aside, once, and a new one is begun.
func TestDamaged(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	for _, how := range []string{"garbage", "pages", "cut"} {
		t.Run(how, func(t *testing.T) {
			target := fileIn(t, "h.db")
			damage(t, target, how)
			var warnings []string
			for range 2 {
				err := Use(context.Background(), target, func(text string) { warnings = append(warnings, text) }, func(h *History) error {
					_, err := h.Attempts(context.Background(), Query{Text: "x"})
					if err == nil {
						err = h.Add(context.Background(), attempt("a", "a", 0, watch.Done), nil)
					}
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			aside, _ := filepath.Glob(target.path + ".damaged-*")
			if len(warnings) != 1 || !strings.Contains(warnings[0], "is damaged") || len(aside) == 0 {
				t.Errorf("%q, %q", warnings, aside)
			}
			got, err := opened(t, target).Attempts(context.Background(), Query{})
			if err != nil || len(got) != 1 {
				t.Errorf("%d attempts, %v", len(got), err)
			}
		})
	}
}

// What is not ours is left as it is, if somebody names it.
func TestForeignFile(t *testing.T) {
	dir := t.TempDir()
	picture, other := filepath.Join(dir, "a.png"), filepath.Join(dir, "other.db")
	if err := os.WriteFile(picture, []byte(strings.Repeat("picture", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", other)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE t (x)"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	for _, path := range []string{picture, other} {
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		target, err := ParseTarget(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(context.Background(), target, func(text string) { t.Error(text) }); err == nil || !strings.Contains(err.Error(), "left as it is") {
			t.Error(err)
		}
		after, err := os.ReadFile(path)
		if err != nil || string(after) != string(before) {
			t.Errorf("%s has changed, %v", path, err)
		}
	}
}

// What the oldest jobs take is given back, and what runs stays.
func TestPrune(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		limits Limits
		left   string
	}{
		{Limits{Jobs: 3}, "j5 j4 j0 j0"},
		{Limits{Jobs: -1}, "j4"},
		{Limits{Age: 3500 * time.Millisecond}, "j5 j4 j3 j0 j0"},
		{Limits{Age: time.Hour, Jobs: 100, Bytes: 1 << 40}, "j5 j4 j3 j2 j1 j0 j0"},
		{Limits{Bytes: 1}, "j4"},
	} {
		target := fileIn(t, "h.db")
		s := opened(t, target)
		for i := range 6 {
			a := attempt(fmt.Sprintf("j%d", i), fmt.Sprintf("j%d", i), i, watch.Done)
			if i == 4 {
				a = attempt("j4", "j4", i, watch.Running)
			}
			if err := s.Add(ctx, a, []Entry{{Seq: 1, Text: strings.Repeat("x", 100)}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Add(ctx, attempt("again", "j0", 4, watch.Failed), nil); err != nil { // so j0 is not the oldest
			t.Fatal(err)
		}
		h := &History{Store: s, target: target}
		p, err := h.Prune(ctx, c.limits, begin.Add(7*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		all, err := s.Attempts(ctx, Query{})
		if err != nil {
			t.Fatal(err)
		}
		var left []string
		for _, a := range all {
			left = append(left, a.Job)
		}
		slices.SortFunc(left, func(a, b string) int { return strings.Compare(b, a) })
		got := strings.Join(left, " ")
		if got != c.left || p.Removed+p.Left != 6 {
			t.Errorf("%+v: left %s, want %s; %+v", c.limits, got, c.left, p)
		}
	}
}

// readable is that who may only read a store sees what is there, and hears nothing.
func readable(t *testing.T, s Store, forReader func() Target) {
	t.Helper()
	ctx := context.Background()
	if err := s.Add(ctx, attempt("r1", "r1", 0, watch.Running), []Entry{{Seq: 1, Time: begin, Text: "x"}}); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	target := forReader()
	if err := Use(ctx, target, func(text string) { t.Error(text) }, func(h *History) error {
		all, err := h.Job(ctx, "r1")
		if err != nil || len(all) != 1 {
			t.Errorf("%v, %v", all, err)
		}
		if err := h.Remove(ctx, []string{"r1"}); !isForbidden(err) {
			t.Errorf("removed: %v", err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func TestReadOnlyDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		// Root writes whatever permissions say, so only a file system that is read-only will do, and only root can mount. CI runs as root.
		t.Skip("a file system can only be mounted by root")
	}
	for _, name := range []string{"closed", "open"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := unix.Mount("halorun-test", dir, "tmpfs", 0, ""); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
					t.Error(err)
				}
			})
			target := Target{kind: "sqlite", path: filepath.Join(dir, "h.db")}
			s := opened(t, target)
			readable(t, s, func() Target {
				if name == "closed" {
					s.Close()
				} else if err := copyFiles(dir); err != nil { // as a machine that lost its power leaves it
					t.Fatal(err)
				}
				s.Close()
				if name == "open" {
					target.path = filepath.Join(dir, "copy", "h.db")
				}
				if err := unix.Mount("halorun-test", dir, "tmpfs", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
					t.Fatal(err)
				}
				return target
			})
		})
	}
}

// copyFiles copies the files of a folder into one in it, "copy".
func copyFiles(dir string) error {
	if err := os.Mkdir(filepath.Join(dir, "copy"), 0o700); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(dir, "h.db*"))
	for _, f := range files {
		b, readErr := os.ReadFile(f)
		err = errors.Join(err, readErr, os.WriteFile(filepath.Join(dir, "copy", filepath.Base(f)), b, 0o600))
	}
	return err
}
