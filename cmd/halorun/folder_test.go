package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// photoFolder makes a folder of pictures.
func photoFolder(t *testing.T, n int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "photos")
	for i := range n {
		width, height := 40+i%7, 30+i%5
		b := fmt.Appendf(nil, "P5\n%d %d\n255\n", width, height)
		for j := range width * height {
			b = append(b, byte(j*j/(i+3)))
		}
		name := filepath.Join(dir, fmt.Sprintf("sub%d", i%3), fmt.Sprintf("%03d.pgm", i))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// outputs returns the files in a folder, by name.
func outputs(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		all[name] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func sameOutputs(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name := range got {
		if got[name] != want[name] {
			t.Errorf("%s: another file", name)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d files, not %d", len(got), len(want))
	}
}

// pictureLines are those of a --pictures-log, by input.
func pictureLines(t *testing.T, name string) map[string][]pictureLine {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string][]pictureLine)
	for line := range bytes.Lines(b) {
		var p pictureLine
		if err := json.Unmarshal(line, &p); err != nil {
			t.Fatal(err)
		}
		all[p.Input] = append(all[p.Input], p)
	}
	return all
}

// Ranks, and the head among them, die in the middle of a folder; every picture is done, once.
func TestFolderLosses(t *testing.T) {
	t.Parallel()
	in := photoFolder(t, 60)
	want := filepath.Join(t.TempDir(), "want")
	if out, err := halorun(t, "run", "-n", "1", in, want, "blur:size=5", "edges").Output(); err != nil {
		t.Fatal(err, out)
	}
	wants := outputs(t, want)
	for _, c := range [][]string{
		{"--inject", "kill:rank=1,at=compute,tile=3"},
		{"--inject", "kill:rank=0,at=finish,tile=5"}, // in place, and not recorded yet
		{"--inject", "kill:rank=0,at=read,tile=7", "--checkpoint", "off"},
		{"--inject", "kill:rank=0,at=gather,tile=2", "--inject", "kill:rank=1,at=join,epoch=2"},
		{"--inject", "kill:rank=1,at=halo", "--split-pixels", "1500"}, // in a large picture
		{"--inject", "kill:rank=0,at=write,tile=4", "--on-failure", "shrink", "--split-pixels", "1800"},
	} {
		t.Run(strings.Join(c, " "), func(t *testing.T) {
			t.Parallel()
			out, dir := filepath.Join(t.TempDir(), "out"), t.TempDir()
			log, r := filepath.Join(dir, "log"), filepath.Join(dir, "r.json")
			args := append([]string{"run", "-n", "3", "--threads", "2", "--pictures-log", log, "--report", r, "--tile-rows", "7"}, c...)
			job := halorun(t, append(args, in, out, "blur:size=5", "edges")...)
			job.Env = append(os.Environ(), "XDG_STATE_HOME="+dir)
			if err := job.Run(); err != nil {
				t.Fatal(err)
			}
			sameOutputs(t, outputs(t, out), wants)
			for name, lines := range pictureLines(t, log) {
				if len(lines) != 1 {
					t.Errorf("%s is recorded %d times", name, len(lines))
				}
			}
			b, err := os.ReadFile(r)
			var got report
			if err == nil {
				err = json.Unmarshal(b, &got)
			}
			if err != nil || got.Epochs < 2 || *got.Pictures != (picturesReport{Done: 60}) {
				t.Errorf("%v: %d epochs, %+v", err, got.Epochs, got.Pictures)
			}
		})
	}
}

// Pictures that end their ranks fail, and say so; all others are done, and none of the losses counts.
func TestFolderPoison(t *testing.T) {
	t.Parallel()
	in, dir := photoFolder(t, 24), t.TempDir()
	out, log := filepath.Join(dir, "out"), filepath.Join(dir, "log")
	job := halorun(t, "run", "-n", "2", "--threads", "2", "--pictures-log", log, "--split-pixels", "1427",
		"--inject", "kill:picture=002.pgm", "--inject", "kill:picture=006.pgm", "--inject", "kill:picture=009.pgm", in, out, "invert") // the last is for both ranks
	job.Env = append(os.Environ(), "XDG_STATE_HOME="+dir)
	err := job.Run()
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != exitFailed {
		t.Error(err)
	}
	list, err := os.ReadFile(filepath.Join(out, failedName))
	if err != nil || bytes.Count(list, []byte("while it was at this picture; the last time rank ")) != 3 {
		t.Errorf("%s, %v", list, err)
	}
	if got := len(outputs(t, out)); got != 22 {
		t.Errorf("%d files, not 22", got)
	}
	for name, lines := range pictureLines(t, log) {
		bad := slices.Contains([]string{"002.pgm", "006.pgm", "009.pgm"}, filepath.Base(name))
		if len(lines) != 1 || (lines[0].Kind == "rank") != bad || (lines[0].State == "failed") != bad {
			t.Errorf("%s: %+v", name, lines)
		}
	}
}

// The launcher is killed in the middle of a list that comes from a stream; nothing is left but what is done and recorded. What goes on does the
// rest.
func TestFolderResume(t *testing.T) {
	t.Parallel()
	in := photoFolder(t, 30)
	dir := t.TempDir()
	out, state, log := filepath.Join(dir, "out"), filepath.Join(dir, "state"), filepath.Join(dir, "log")
	want := filepath.Join(dir, "want")
	if err := halorun(t, "run", "-n", "1", in, want, "invert").Run(); err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range outputs(t, in) {
		names = append(names, filepath.Join(in, name))
	}
	first := strings.Join(names[:20], "\n") + "\n"
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	args := []string{"run", "-n", "2", "--list-dir", in, "--checkpoint-dir", state, "--pictures-log", log, "@-", out, "invert"}
	job := halorun(t, args...)
	job.Stdin = r
	if err := job.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = job.Process.Kill() }()
	if _, err := w.WriteString(first); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all that are listed are recorded", func() bool {
		b, _ := os.ReadFile(log)
		return bytes.Count(b, []byte("\n")) == 20
	})
	agents := childrenOf(job.Process.Pid)
	pids := agents
	for _, a := range agents {
		pids = append(pids, childrenOf(a)...)
	}
	if err := job.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = job.Wait()
	w.Close()
	eventually(t, "all processes are gone", func() bool { return gone(pids) })
	eventually(t, "the temporary folder is gone", func() bool { return len(temporaries(t, out)) == 0 })
	if got := len(outputs(t, out)); got != 20 {
		t.Errorf("%d files, not 20", got)
	}
	jobs, err := os.ReadDir(state)
	if err != nil || len(jobs) != 1 {
		t.Fatalf("%v, %v", jobs, err)
	}
	again := halorun(t, "resume", "--checkpoint-dir", state, "--pictures-log", log, "--report", filepath.Join(dir, "r.json"), jobs[0].Name())
	again.Stdin = strings.NewReader(strings.Join(names, "\n"))
	if err := again.Run(); err != nil {
		t.Fatal(err)
	}
	sameOutputs(t, outputs(t, out), outputs(t, want))
	states := make(map[string]int)
	for _, lines := range pictureLines(t, log) {
		states[lines[0].State] += len(lines)
	}
	if states["done"] != 10 || states["resumed"] != 20 {
		t.Errorf("%v", states)
	}
	if left, _ := os.ReadDir(state); len(left) > 0 {
		t.Errorf("left is %v", left)
	}
}

// A disk that is full ends the job, which can go on later; a disk whose errors pass does not.
func TestFolderDisk(t *testing.T) {
	t.Parallel()
	in, dir := photoFolder(t, 12), t.TempDir()
	out := filepath.Join(dir, "out")
	args := []string{"run", "-n", "2", "--checkpoint-dir", filepath.Join(dir, "state"), in, out, "invert"}
	full := halorun(t, append(args, "--inject", "diskfull:rank=1,at=write")...)
	b, err := full.Output()
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != exitFailed {
		t.Fatalf("%v, %s", err, b)
	}
	if err := halorun(t, append(args, "--resume")...).Run(); err != nil {
		t.Fatal(err)
	}
	if got := len(outputs(t, out)); got != 12 {
		t.Errorf("%d files, not 12", got)
	}
}
