package jobs_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"halorun/launcher/jobs"
)

func save(t *testing.T, root string, i int, begun time.Time) *jobs.Job {
	t.Helper()
	temp := filepath.Join(t.TempDir(), ".out.halorun-0123abcd")
	if err := os.WriteFile(temp, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	j := &jobs.Job{
		ID: fmt.Sprintf("%08x", i), Begun: begun.UTC().Round(0), Input: "/in", Output: "/out", Ops: []string{"blur"},
		Flags: map[string][]string{"np": {"3"}}, Remove: []string{temp}, Sample: []byte{1}, Ledger: []byte{2}, Rows: 10, Done: 5,
	}
	if err := j.Save(root); err != nil {
		t.Fatal(err)
	}
	return j
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestSavedIsLoaded(t *testing.T) {
	root := filepath.Join(t.TempDir(), "not", "there")
	if all, err := jobs.List(root); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
	now := time.Now()
	older, newer := save(t, root, 1, now.Add(-time.Hour)), save(t, root, 2, now)
	all, err := jobs.List(root)
	if err != nil || len(all) != 2 {
		t.Fatalf("%v, %v", all, err)
	}
	for i, want := range []*jobs.Job{newer, older} {
		if !reflect.DeepEqual(all[i], want) {
			t.Errorf("%+v; want %+v", all[i], want)
		}
	}
	for _, id := range []string{"", ".", "..", "../" + newer.ID, "00000003"} {
		if _, err := jobs.Load(root, id); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("job %q: %v", id, err)
		}
	}
	// What is damaged is not listed.
	if err := os.WriteFile(jobs.File(root, older.ID), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if all, err := jobs.List(root); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
	if err := jobs.Remove(root, newer.ID); err != nil || exists(newer.Remove[0]) || exists(filepath.Join(root, newer.ID)) {
		t.Errorf("removed: %v", err)
	}
}

// A description that somebody has tampered with removes nothing else.
func TestRemoveOnlyTemporaryFiles(t *testing.T) {
	root := t.TempDir()
	j := save(t, root, 1, time.Now())
	other := filepath.Join(t.TempDir(), "precious.halorun-0123abcd")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	j.Remove = append(j.Remove, other)
	if err := errors.Join(j.Save(root), jobs.Remove(root, j.ID)); err != nil {
		t.Fatal(err)
	}
	if !exists(other) || exists(j.Remove[0]) {
		t.Error("another file was removed, or the temporary one was not")
	}
}

// What is no description keeps nobody waiting, and costs no memory.
func TestLoadRefuses(t *testing.T) {
	root := t.TempDir()
	for name, put := range map[string]func(path string) error{
		"a FIFO":   func(path string) error { return unix.Mkfifo(path, 0o600) },
		"a giant":  func(path string) error { return errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, 1<<40)) },
		"a folder": func(path string) error { return os.Mkdir(path, 0o700) },
		"a device": func(path string) error { return os.Symlink("/dev/zero", path) },
	} {
		j := save(t, root, 1, time.Now())
		path := jobs.File(root, j.ID)
		if err := errors.Join(os.Remove(path), put(path)); err != nil {
			t.Fatal(err)
		}
		if _, err := jobs.Load(root, j.ID); err == nil {
			t.Errorf("%s is a job", name)
		}
		if err := os.RemoveAll(filepath.Join(root, j.ID)); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"", ".", "..", "../x", ".x"} {
		if err := jobs.Remove(root, id); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q was removed: %v", id, err)
		}
	}
	if !exists(root) {
		t.Error("all jobs were removed")
	}
}

func TestLock(t *testing.T) {
	root := t.TempDir()
	unlock, err := jobs.Lock(root, "00000001")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jobs.Lock(root, "00000001"); err != jobs.ErrRuns {
		t.Errorf("locked twice: %v", err)
	}
	if !jobs.Runs(root, "00000001") || jobs.Runs(root, "00000002") {
		t.Error("it is not known which job runs")
	}
	unlock()
	if jobs.Runs(root, "00000001") {
		t.Error("what has ended runs")
	}
	if exists(filepath.Join(root, "00000002")) {
		t.Error("who asked has made a folder")
	}
	if unlock, err = jobs.Lock(root, "00000001"); err != nil {
		t.Fatal(err)
	}
	unlock()
}

// Old jobs go, and the oldest of too large ones; but none that runs, and nothing that is not a job's.
func TestPrune(t *testing.T) {
	root := t.TempDir()
	now := time.Now()
	var all []*jobs.Job
	for i := range 6 {
		all = append(all, save(t, root, i, now))
	}
	at := func(j *jobs.Job, age time.Duration) {
		for _, path := range []string{jobs.File(root, j.ID), filepath.Join(root, j.ID)} {
			if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
				t.Fatal(err)
			}
		}
	}
	foreign := filepath.Join(root, "somebody's")
	if err := os.Mkdir(foreign, 0o700); err != nil {
		t.Fatal(err)
	}
	// A name that could be a job's may be a date.
	date := filepath.Join(root, "20240101")
	if err := errors.Join(os.MkdirAll(date, 0o700), os.WriteFile(filepath.Join(date, "photo.raw"), nil, 0o600), os.Chtimes(date, time.Unix(1, 0), time.Unix(1, 0))); err != nil {
		t.Fatal(err)
	}
	large := func(j *jobs.Job, bytes int64) {
		f, err := os.Create(filepath.Join(root, j.ID, "x.seg"))
		if err == nil {
			err = errors.Join(f.Truncate(bytes), f.Close(), os.Chtimes(f.Name(), time.Unix(1, 0), time.Unix(1, 0)))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	large(all[2], jobs.MaxBytes/2)
	large(all[3], jobs.MaxBytes/2+1)
	unlock, err := jobs.Lock(root, all[1].ID)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if err := os.Chtimes(filepath.Join(root, all[1].ID, "lock"), now.Add(-jobs.MaxAge*2), now.Add(-jobs.MaxAge*2)); err != nil {
		t.Fatal(err)
	}
	for i, age := range []time.Duration{jobs.MaxAge + time.Hour, jobs.MaxAge + time.Hour, 2 * time.Hour, time.Hour, jobs.MaxAge + time.Hour, 0} {
		at(all[i], age)
	}
	jobs.Prune(root, all[4].ID, now)
	for i, stays := range []bool{false, true, false, true, true, true} {
		if exists(filepath.Join(root, all[i].ID)) != stays || exists(all[i].Remove[0]) != stays {
			t.Errorf("job %d stays: %t", i, !stays)
		}
	}
	if !exists(foreign) || !exists(filepath.Join(date, "photo.raw")) || exists(filepath.Join(date, "lock")) {
		t.Error("somebody's folder is gone, or another")
	}
}

// What is not of a job stays, also in its folder.
func TestSweep(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "00000001")
	if err := jobs.Sweep(dir); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"lock", "job.json", ".job.json123", "a-m1.0001.seg", "mine"} {
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, name), nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := jobs.Sweep(dir); err == nil {
		t.Error("there is nothing left to be said")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != "mine" {
		t.Errorf("left are %v, %v", left, err)
	}
	if err := errors.Join(os.Remove(filepath.Join(dir, "mine")), jobs.Sweep(dir)); err != nil || exists(dir) {
		t.Errorf("%v, or the folder is left", err)
	}
}
