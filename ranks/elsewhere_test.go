package ranks_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"halorun/ranks"
)

// places are where a member may find a file that is called the same on every host, and whether that is the head's.
func places(t *testing.T, file string) (paths []string, same []bool) {
	t.Helper()
	dir := t.TempDir()
	place := func(name string) string { return filepath.Join(dir, name) }
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(content) > 0 {
		content[len(content)-1]++
	}
	err = errors.Join(
		os.WriteFile(place("other"), content, 0o666), os.Chtimes(place("other"), st.ModTime(), st.ModTime()),
		os.WriteFile(place("empty"), nil, 0o666), os.WriteFile(place("unreadable"), content, 0),
		os.Symlink(file, place("symlink")), os.Link(file, place("link")), os.Mkdir(place("folder"), 0o777),
		unix.Mkfifo(place("fifo"), 0o666), os.Symlink("/dev/zero", place("device")),
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"symlink", "other", "folder", "link", "fifo", "empty", "device", "none", "unreadable"} {
		paths, same = append(paths, place(name)), append(same, strings.HasSuffix(name, "link"))
	}
	return paths, same
}

// TestFilesElsewhere: whatever a path leads to on other hosts, the file is that of one rank, and those that have the head's
// files use them.
func TestFilesElsewhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := filepath.Join(dir, "in.ppm")
	picture(t, in, 45, 70, 3, 3)
	job := ranks.Job{Input: ranks.File{Name: in, Path: in}, Ops: []string{"blur:size=3"}, Format: "ppm", Output: ranks.File{Name: "out"}}
	want := run(t, job, setup{size: 1})

	inputs, sameInput := places(t, in)
	for _, head := range []int{0, 4, len(inputs)} {
		// In a real job OUTPUT has its full size before the ranks start; and so has whatever is taken for it.
		out := filepath.Join(t.TempDir(), "out")
		if err := errors.Join(os.WriteFile(out, make([]byte, len(want)), 0o666), os.Chtimes(out, time.Time{}, time.Unix(9, 0))); err != nil {
			t.Fatal(err)
		}
		outputs, sameOutput := places(t, out)
		slices.Reverse(outputs)
		slices.Reverse(sameOutput)
		var plan ranks.Plan
		s := setup{size: len(inputs), head: head, tileRows: 2}
		runWorld(t, job, s, func(m int) member {
			self := member{host: string(rune('a' + m%3)), job: func(job ranks.Job) ranks.Job {
				job.Output.Path = out
				if m != head {
					job.Input.Path, job.Output.Path = inputs[m], outputs[m]
				}
				return job
			}}
			if m == head {
				self.probe.Plan = func(p ranks.Plan) { plan = p }
			}
			return self
		})
		if got, err := os.ReadFile(out); err != nil || !bytes.Equal(got, want) {
			t.Errorf("head %d: the file differs from that of one rank, %v", head, err)
		}
		for m := range s.members() {
			if reads := m == head || sameInput[m]; plan.Readers[m] != reads {
				t.Errorf("head %d: member %d reads %s: %t", head, m, inputs[m], !reads)
			}
			if writes := m == head || sameOutput[m]; plan.Writers[m] != writes {
				t.Errorf("head %d: member %d writes %s: %t", head, m, outputs[m], !writes)
			}
		}
		for i, path := range append(inputs, outputs...) {
			if filepath.Base(path) == "other" {
				if b, err := os.ReadFile(path); err != nil || i >= len(inputs) && !bytes.Equal(b, append(make([]byte, len(want)-1), 1)) {
					t.Errorf("head %d: somebody wrote to %s, %v", head, path, err)
				}
			}
		}
	}
}

// TestInheritedElsewhere: a descriptor is worth something where it was inherited, and is not touched elsewhere.
func TestInheritedElsewhere(t *testing.T) {
	t.Parallel()
	in := filepath.Join(t.TempDir(), "in.ppm")
	picture(t, in, 45, 31, 3, 3)
	job := ranks.Job{Input: ranks.File{Name: in, Path: in}, Ops: []string{"edges"}, Format: "ppm"}
	want := run(t, job, setup{size: 1})
	for _, head := range []int{0, 2, 3} {
		var plan ranks.Plan
		got := runWorld(t, job, setup{size: 3, head: head}, func(m int) member {
			self := member{host: string(rune('a' + m)), job: func(job ranks.Job) ranks.Job {
				f, err := os.Open(in)
				if err != nil {
					t.Error(err)
					return job
				}
				defer f.Close()
				// The rank closes it.
				if job.Input.FD, err = unix.Dup(int(f.Fd())); err != nil {
					t.Error(err)
				}
				job.Input.Path = ""
				if m != head && m != 1 {
					unix.Close(job.Input.FD)
					job.Input.FD = 1 // standard output
					return job.Elsewhere()
				}
				return job
			}}
			if m == head {
				self.probe.Plan = func(p ranks.Plan) { plan = p }
			}
			return self
		})
		if !bytes.Equal(got, want) {
			t.Errorf("head %d: the file differs from that of one rank", head)
		}
		for m, reads := range plan.Readers {
			if reads != (m == head || m == 1) {
				t.Errorf("head %d: member %d reads: %t", head, m, reads)
			}
		}
	}
	if _, err := os.Stdout.Stat(); err != nil {
		t.Errorf("standard output was closed: %v", err)
	}
	if errs := fails(t, ranks.Job{Input: ranks.File{Name: "in.png", FD: 1}, Ops: []string{"gray"}, Format: "ppm"}.Elsewhere()); !strings.Contains(errs[0].Error(), "in.png is open on the host where") {
		t.Error(errs[0])
	}
}
