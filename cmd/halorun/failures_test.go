package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"halorun/launcher/jobs"
)

// bench is a place for jobs that fail.
type bench struct {
	*testing.T
	dir   string
	mu    sync.Mutex
	wants map[string][]byte
}

func newBench(t *testing.T) *bench {
	b := &bench{T: t, dir: t.TempDir(), wants: make(map[string][]byte)}
	program, err := buildProgram()
	if err != nil {
		t.Fatal(err)
	}
	writeProgram(t, b.path("halorun"), program)
	if err := os.WriteFile(b.path("in.ppm"), picture(310, 400, 3), 0o666); err != nil {
		t.Fatal(err)
	}
	// The same picture, of which only one process can read rows.
	if err := b.halorun(t, "run", "-n", "1", b.path("in.ppm"), b.path("in.png"), "invert", "invert").Run(); err != nil {
		t.Fatal(err)
	}
	return b
}

// halorun returns a command of the program as users have it: there are many jobs here, and the race detector looks on elsewhere.
func (b *bench) halorun(t *testing.T, args ...string) *exec.Cmd {
	cmd := exec.Command(b.path("halorun"), args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%v: %s", args, stderr.String())
		}
	})
	return cmd
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

var failureOps = []string{"blur:size=5", "edges:low=20,high=60", "blur:size=3"}

// failing is a job in a folder of its own.
type failing struct {
	*testing.T
	b            *bench
	dir, in, out string
	want         []byte
	stderr       string
}

// job prepares a job that writes a file of the given extension.
func (b *bench) job(t *testing.T, ext string) *failing {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wants[ext] == nil {
		out := b.path("want." + ext)
		cmd := b.halorun(t, append([]string{"run", "-n", "1", "--checkpoint", "off", b.path("in.ppm"), out}, failureOps...)...)
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		b.wants[ext], _ = os.ReadFile(out)
	}
	dir := t.TempDir()
	return &failing{T: t, b: b, dir: dir, in: b.path("in.ppm"), out: filepath.Join(dir, "out."+ext), want: b.wants[ext]}
}

// run runs the job and returns its exit status and report.
func (f *failing) run(flags ...string) (int, report) {
	f.Helper()
	args := append([]string{"run", "--report", filepath.Join(f.dir, "r.json"), "--checkpoint-dir", filepath.Join(f.dir, "ledger"), f.in, f.out}, failureOps...)
	return f.command(append(args, flags...)...)
}

func (f *failing) command(args ...string) (int, report) {
	f.Helper()
	cmd := f.b.halorun(f.T, args...)
	cmd.Dir = f.dir
	var errs bytes.Buffer
	cmd.Stderr = &errs
	done := make(chan error, 1)
	if err := cmd.Start(); err != nil {
		f.Fatal(err)
	}
	go func() { done <- cmd.Wait() }()
	select {
	case <-done:
	case <-time.After(60 * time.Second):
		_ = cmd.Process.Kill()
		f.Fatalf("%v hangs: %s", args, errs.String())
	}
	f.stderr = errs.String()
	var r report
	if text, err := os.ReadFile(filepath.Join(f.dir, "r.json")); err == nil {
		if err := json.Unmarshal(text, &r); err != nil {
			f.Errorf("the report: %v", err)
		}
	}
	return cmd.ProcessState.ExitCode(), r
}

// wantsAll: the job has ended well, with the right file, and has left nothing.
func (f *failing) wantsAll(status int) {
	f.Helper()
	got, err := os.ReadFile(f.out)
	if status != 0 || err != nil || !bytes.Equal(got, f.want) {
		f.Errorf("status %d, %v, the right bytes: %t; %s", status, err, bytes.Equal(got, f.want), f.stderr)
	}
	if left := temporaries(f.T, f.dir); len(left) > 0 {
		f.Errorf("left are %v", left)
	}
	if left, _ := os.ReadDir(filepath.Join(f.dir, "ledger")); len(left) > 0 {
		f.Errorf("of the ledger is left %v", left)
	}
	if left := f.orphans(); len(left) > 0 {
		f.Errorf("processes %v are left", left)
	}
}

// orphans returns the processes of the job, which are all in its folder.
func (f *failing) orphans() (pids []int) {
	folders, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, folder := range folders {
		if to, err := os.Readlink(folder); err == nil && to == f.dir {
			pid, _ := strconv.Atoi(strings.Split(folder, "/")[2])
			pids = append(pids, pid)
		}
	}
	return pids
}

func redone(r report) (tiles int64) {
	for _, rank := range r.Ranks {
		tiles += rank.TilesRedone
	}
	return tiles
}

// TestFailures is the law of recovery: wherever which rank dies, the file is the same, the status is 0, nothing is left, and no more is
// done again than what was in flight or nobody had stored.
func TestFailures(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	long := os.Getenv("HALORUN_TEST_LONG") != ""
	i := 0
	slots := make(chan struct{}, 3)
	for _, n := range []int{2, 3, 5} {
		for _, rank := range slices.Compact([]int{0, n / 2, n - 1}) {
			for _, at := range []string{"join", "read", "scatter", "halo", "compute", "checkpoint", "gather", "write", "finish"} {
				for _, what := range []string{"kill", "stop"} {
					for _, ext := range []string{"ppm", "png", "tif", "jpg"} {
						for _, mode := range []string{"all", "off"} {
							i++
							if !long && i%16 != (i/16)%16 {
								continue // each of them comes up with each of the others
							}
							tile, stage := 2, i%2
							if at == "join" || at == "finish" || at == "scatter" && rank == 0 {
								tile = 0
							}
							inOrder := ext == "png" || ext == "jpg"
							if at == "checkpoint" && mode == "off" || at == "write" && inOrder && rank > 0 {
								continue // it does not come there
							}
							if at == "finish" || at == "write" || at == "gather" || at == "halo" {
								stage = 1
							} else if at == "read" || at == "scatter" || at == "join" {
								stage = 0
							}
							inject := fmt.Sprintf("%s:rank=%d,at=%s,stage=%d,tile=%d", what, rank, at, stage, tile)
							flags := []string{"-n", fmt.Sprint(n), "--tile-rows", "16", "--heartbeat-timeout", "1s", "--checkpoint", mode, "--inject", inject}
							if i%5 == 0 {
								flags = append(flags, "--inject", fmt.Sprintf("kill:rank=%d,at=%s,epoch=2", n-1-rank, []string{"join", "compute"}[i/5%2]))
							}
							t.Run(fmt.Sprintf("%s/%s/%s/%d of %d/%d", ext, mode, inject, rank, n, i%5), func(t *testing.T) {
								t.Parallel()
								slots <- struct{}{}
								defer func() { <-slots }()
								f := b.job(t, ext)
								if at == "scatter" {
									f.in = b.path("in.png") // otherwise they read it themselves
								}
								status, r := f.run(flags...)
								f.wantsAll(status)
								if r.Restarts == 0 {
									t.Error("nobody has died")
								}
								if got := redone(r); mode == "all" && got > 4 {
									t.Errorf("%d tiles were done again: %s", got, f.stderr)
								}
								if r.Restarts != strings.Count(f.stderr, "takes its place") || r.Epochs > 1+r.Restarts || len(r.Events) != r.Restarts {
									t.Errorf("%d epochs, %d restarts, %d events: %s", r.Epochs, r.Restarts, len(r.Events), f.stderr)
								}
							})
						}
					}
				}
			}
		}
	}
}

// A rank that dies again and again ends the job, in time, with what is done kept for later.
func TestTooManyRestarts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	f := b.job(t, "ppm")
	var injections []string
	for epoch := 1; epoch <= 4; epoch++ {
		injections = append(injections, "--inject", fmt.Sprintf("kill:rank=1,at=%s,epoch=%d", []string{"compute", "join"}[epoch/2%2], epoch))
	}
	status, r := f.run(append(injections, "-n", "3", "--tile-rows", "16", "--checkpoint", "all")...)
	if status != exitRanks || r.Ranks[1].Restarts != 3 || r.Restarts != 3 || r.Epochs != 4 || !strings.Contains(f.stderr, "--max-restarts allows no more") {
		t.Errorf("status %d, %d restarts, %d epochs: %s", status, r.Restarts, r.Epochs, f.stderr)
	}
	if _, err := os.Stat(f.out); err == nil {
		t.Error("the output is there")
	}
	status, r = f.run("-n", "2", "--resume")
	f.wantsAll(status)
	if r.Ranks[0].TilesRestored+r.Ranks[1].TilesRestored == 0 {
		t.Error("nothing was restored")
	}
}

// Damaged records count for nothing, and others for what they are.
func TestDamagedRecords(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, ext := range []string{"ppm", "png"} {
		f := b.job(t, ext)
		status, r := f.run("-n", "3", "--tile-rows", "16", "--checkpoint", "all", "--inject", "corrupt:rank=1,stage=0,tile=1", "--inject", "corrupt:rank=1,stage=1,tile=1",
			"--inject", "kill:rank=1,at=compute,stage=1,tile=4")
		f.wantsAll(status)
		if restored(r) == 0 || redone(r) == 0 {
			t.Errorf("%s: %d tiles were restored and %d done again", ext, restored(r), redone(r))
		}
	}
}

// A rank that cannot even be killed, because the kernel holds it, is given up, too.
func TestFrozenRank(t *testing.T) {
	t.Parallel()
	const root = "/sys/fs/cgroup/freezer"
	if _, err := os.Stat(root); err != nil || os.Geteuid() != 0 {
		// What a frozen process stands for, one that waits for a dead disk or network file system, cannot be had on purpose in any other way.
		t.Skip("only root can freeze processes, and with cgroups of version 1 only so that they cannot be killed")
	}
	b := newBench(t)
	f := b.job(t, "ppm")
	group := filepath.Join(root, fmt.Sprintf("halorun-test-%d", os.Getpid()))
	if err := os.Mkdir(group, 0o755); err != nil { // in a container, which sees the hierarchy and may not change it
		t.Skipf("there are no cgroups here: %v", err)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(group, name), []byte(text), 0o644); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() {
		write("freezer.state", "THAWED")
		eventually(t, "the rank is gone", func() bool { return os.Remove(group) == nil })
	})
	done := make(chan int)
	go func() {
		status, _ := f.run("-n", "3", "--tile-rows", "16", "--heartbeat-timeout", "1s", "--inject", "stop:rank=1,at=compute,tile=1")
		done <- status
	}()
	eventually(t, "rank 1 has stopped", func() bool {
		for _, pid := range f.orphans() {
			name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
			if string(name) == "halorun rank 1\n" && stat(pid)[0] == "T" {
				write("cgroup.procs", strconv.Itoa(pid))
				write("freezer.state", "FROZEN")
				return true
			}
		}
		return false
	})
	status := <-done
	if got, err := os.ReadFile(f.out); status != 0 || err != nil || !bytes.Equal(got, f.want) {
		t.Errorf("status %d, %v, %s", status, err, f.stderr)
	}
	if !strings.Contains(f.stderr, "rank 1 on host "+hostname(t)+" hung: nothing was heard from it for 1s") {
		t.Errorf("it says %q", f.stderr)
	}
}

func hostname(t *testing.T) string {
	t.Helper()
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// Jobs of less than two seconds are not worth a checkpoint.
func TestShortJobsWriteNoCheckpoint(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	f := b.job(t, "ppm")
	if status, _ := f.run("-n", "2", "--inject", "kill:at=rename"); status != -1 {
		t.Fatalf("status %d, %s", status, f.stderr)
	}
	files, err := filepath.Glob(filepath.Join(f.dir, "ledger", "*", "*"))
	if err != nil || len(files) > 1 || len(files) == 1 && filepath.Base(files[0]) != "lock" {
		t.Errorf("there are %v, %v", files, err)
	}
}

// The shortest heartbeat finds a rank that hangs, and if a busy machine does not keep to it, the job ends well even so.
func TestShortestHeartbeat(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	f := b.job(t, "png")
	status, r := f.run("-n", "5", "--tile-rows", "4", "--heartbeat-timeout", "300ms", "--max-restarts", "100", "--inject", "stop:rank=3,at=compute,tile=2")
	f.wantsAll(status)
	if r.Ranks[3].Restarts == 0 {
		t.Errorf("rank 3 was not replaced: %s", f.stderr)
	}
}

// Without the lost ranks it works, too.
func TestShrink(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i, c := range []struct {
		n       string
		inject  []string
		dropped int
	}{
		{"3", []string{"kill:rank=1,at=compute,tile=1"}, 1},
		{"3", []string{"kill:rank=1,at=compute,tile=1", "kill:rank=1,at=compute,tile=1,epoch=2"}, 2},
		{"2", []string{"kill:rank=0,at=write,tile=1"}, 0}, // the head is replaced
		{"1", []string{"kill:rank=0,at=write,tile=1"}, 0},
	} {
		f := b.job(t, []string{"png", "ppm"}[i%2])
		flags := []string{"-n", c.n, "--tile-rows", "16", "--on-failure", "shrink"}
		for _, in := range c.inject {
			flags = append(flags, "--inject", in)
		}
		status, _ := f.run(flags...)
		f.wantsAll(status)
		if got := strings.Count(f.stderr, "take over its rows"); got != c.dropped {
			t.Errorf("%v: %s", flags, f.stderr)
		}
	}
}

// halfDone leaves a job whose launcher was killed in the middle, and returns its ID.
func (f *failing) halfDone(flags ...string) string {
	f.Helper()
	args := append([]string{"run", "--checkpoint-dir", filepath.Join(f.dir, "ledger"), "--checkpoint", "all", "--tile-rows", "16", "-n", "3", "--inject", "stop:rank=2,at=compute,stage=1,tile=4", "--heartbeat-timeout", "1m"}, flags...)
	cmd := halorun(f.T, append(append(args, f.b.path("in.ppm"), f.out), failureOps...)...)
	if err := cmd.Start(); err != nil {
		f.Fatal(err)
	}
	// It holds still now and then, and has stored what it will.
	id := ""
	eventually(f.T, "most is in the ledger", func() bool {
		all, _ := jobs.List(filepath.Join(f.dir, "ledger"))
		if len(all) == 1 {
			id = all[0].ID
		}
		return len(all) == 1 && all[0].Done >= 200
	})
	_ = cmd.Process.Signal(syscall.SIGKILL)
	_ = cmd.Wait()
	eventually(f.T, "the job can be resumed", func() bool {
		unlock, err := jobs.Lock(filepath.Join(f.dir, "ledger"), id)
		if err == nil {
			unlock()
		}
		return err == nil
	})
	return id
}

// What is in the ledger is not done again, whatever the number of ranks and the height of tiles; and what is damaged is.
func TestResume(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, ext := range []string{"ppm", "png", "tif"} {
		for name, c := range map[string]struct {
			damage   func(t *testing.T, ledger, temp string)
			restored bool
		}{
			"as it was":        {func(*testing.T, string, string) {}, true},
			"one file deleted": {func(t *testing.T, ledger, _ string) { remove(t, segments(t, ledger)[0]) }, true},
			"all deleted": {func(t *testing.T, ledger, _ string) {
				for _, s := range segments(t, ledger) {
					remove(t, s)
				}
			}, false},
			"bits flipped": {func(t *testing.T, ledger, _ string) {
				for i, s := range segments(t, ledger) {
					content, err := os.ReadFile(s)
					if err != nil {
						t.Fatal(err)
					}
					for at := 50 + i; at < len(content); at += 4099 {
						content[at] ^= 16
					}
					if err := os.WriteFile(s, content, 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}, true},
			"truncated": {func(t *testing.T, ledger, _ string) {
				for _, s := range segments(t, ledger) {
					st, err := os.Stat(s)
					if err == nil {
						err = os.Truncate(s, st.Size()*2/3)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
			}, true},
			"temporary file deleted": {func(t *testing.T, _, temp string) { remove(t, temp) }, true}, // the first stage
			"temporary file overwritten": {func(t *testing.T, _, temp string) {
				f, err := os.OpenFile(temp, os.O_WRONLY, 0)
				if err == nil {
					_, err = f.WriteAt(bytes.Repeat([]byte{7}, 100_000), 1000)
				}
				if err != nil {
					t.Fatal(err)
				}
				f.Close()
			}, true},
		} {
			t.Run(ext+"/"+name, func(t *testing.T) {
				f := b.job(t, ext)
				id := f.halfDone()
				temps := temporaries(t, f.dir)
				if len(temps) != 1 {
					t.Fatalf("temporary files: %v", temps)
				}
				ledger := filepath.Join(f.dir, "ledger")
				c.damage(t, filepath.Join(ledger, id), temps[0])
				status, r := f.command("resume", "--checkpoint-dir", ledger, "--report", filepath.Join(f.dir, "r.json"), "-n", "2", "--tile-rows", "23", "--heartbeat-timeout", "5s", id)
				f.wantsAll(status)
				var restored int64
				for _, rank := range r.Ranks {
					restored += rank.TilesRestored
				}
				if restored > 0 != c.restored {
					t.Errorf("%d tiles were restored; %s", restored, f.stderr)
				}
			})
		}
	}
}

func segments(t *testing.T, ledger string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(ledger, "*.seg"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no segments in %s, %v", ledger, err)
	}
	return found
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// An input that is not what it was is refused, and nothing is lost by trying.
func TestResumeOfAnotherInput(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	f := b.job(t, "ppm")
	in := b.path("in.ppm")
	before, err := os.ReadFile(in)
	if err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(in)
	if err != nil {
		t.Fatal(err)
	}
	id := f.halfDone("--verify-input", "full")
	described := filepath.Join(f.dir, "ledger", id, "job.json")
	description, err := os.ReadFile(described)
	if err != nil {
		t.Fatal(err)
	}
	resume := func(flags ...string) int {
		status, _ := f.command(append([]string{"resume", "--checkpoint-dir", filepath.Join(f.dir, "ledger"), "--heartbeat-timeout", "5s", "-n", "2"}, append(flags, id)...)...)
		return status
	}
	write := func(content []byte, at time.Time) {
		if err := os.WriteFile(in, content, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(in, at, at); err != nil {
			t.Fatal(err)
		}
	}
	other := bytes.Clone(before)
	other[len(other)/2]++
	for name, change := range map[string]func(){
		"longer":          func() { write(append(bytes.Clone(before), 0), st.ModTime()) },
		"of another time": func() { write(before, st.ModTime().Add(time.Second)) },
		"with one bit":    func() { write(other, st.ModTime()) },
	} {
		change()
		if status := resume("--verify-input", "full"); status != exitInput || !strings.Contains(f.stderr, "changed since job "+id+" was begun") {
			t.Errorf("an input %s: status %d, %s", name, status, f.stderr)
		}
	}
	write(before, st.ModTime())
	another := bytes.Replace(description, []byte(`"version": "`), []byte(`"version": "0.`), 1)
	if err := os.WriteFile(described, another, 0o600); err != nil {
		t.Fatal(err)
	}
	if status := resume(); status != exitUsage || !strings.Contains(f.stderr, "was begun by version 0.") {
		t.Errorf("a job of another version: status %d, %s", status, f.stderr)
	}
	if err := os.WriteFile(described, description, 0o600); err != nil {
		t.Fatal(err)
	}
	if status := resume(); status != 0 {
		t.Errorf("status %d, %s", status, f.stderr)
	}
	f.wantsAll(0)
	if status := resume(); status != exitUsage || !strings.Contains(f.stderr, "there is no job") {
		t.Errorf("a job that is done: status %d, %s", status, f.stderr)
	}
}

// Rows that are read again are compared with what they were, also in a file that is too large to be compared as a whole.
func TestRowsThatAreReadAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	f := b.job(t, "ppm")
	f.in, f.out = filepath.Join(f.dir, "in.ppm"), filepath.Join(f.dir, "large.ppm")
	const width, height, row = 5000, 4700, 1607
	large := picture(width, height, 3)
	if err := os.WriteFile(f.in, large, 0o666); err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(f.in)
	if err != nil {
		t.Fatal(err)
	}
	job := func(flags ...string) int {
		args := []string{"run", "-n", "1", "--tile-rows", "16", "--checkpoint", "all", "--checkpoint-dir", filepath.Join(f.dir, "ledger"), f.in, f.out, "invert"}
		status, _ := f.command(append(args, flags...)...)
		return status
	}
	if status := job("--inject", fmt.Sprintf("diskfull:at=write,tile=%d", row/16)); status != exitFailed || !strings.Contains(f.stderr, "'halorun resume ") {
		t.Fatalf("status %d, %s", status, f.stderr)
	}
	set := func(value byte) {
		content := bytes.Clone(large)
		content[len(large)-(height-row)*width*3] = value
		if err := errors.Join(os.WriteFile(f.in, content, 0o666), os.Chtimes(f.in, st.ModTime(), st.ModTime())); err != nil {
			t.Fatal(err)
		}
	}
	was := large[len(large)-(height-row)*width*3]
	set(was + 1)
	if status := job("--resume"); status != exitInput || !strings.Contains(f.stderr, fmt.Sprintf("it has changed since the job was begun; run it anew, without --resume: rows %d to %[1]d are others", row)) {
		t.Errorf("status %d, %s", status, f.stderr)
	}
	set(was)
	if status := job("--resume"); status != 0 {
		t.Errorf("status %d, %s", status, f.stderr)
	}
	inverted, err := os.ReadFile(f.out)
	if err != nil {
		t.Fatal(err)
	}
	header := len(large) - width*height*3
	for i := header; i < len(large); i++ {
		if inverted[i] != ^large[i] {
			t.Fatalf("byte %d is %d", i, inverted[i])
		}
	}
}

// Where there is no room for checkpoints, the job goes on without, and says so once.
func TestCheckpointsAreGivenUp(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for what, why := range map[string]string{"diskfull": "no space left on device", "eio": "input/output error"} {
		f := b.job(t, "ppm")
		status, _ := f.run("-n", "3", "--tile-rows", "16", "--checkpoint", "all", "--inject", what+":rank=1", "--inject", what+":rank=0,tile=3")
		f.wantsAll(status)
		if strings.Count(f.stderr, "\n") != 1 || !strings.Contains(f.stderr, "checkpoints are given up: checkpoint: ") || !strings.Contains(f.stderr, why) {
			t.Errorf("it says %q", f.stderr)
		}
	}
	// Nor if there is no folder at all.
	f := b.job(t, "ppm")
	cmd := append([]string{"run", "-n", "2", "--checkpoint", "all", "--checkpoint-dir", "/proc/none", b.path("in.ppm"), f.out}, failureOps...)
	status, _ := f.command(cmd...)
	f.wantsAll(status)
	if strings.Count(f.stderr, "\n") != 1 || !strings.Contains(f.stderr, "checkpoints are given up: ") {
		t.Errorf("it says %q", f.stderr)
	}
}

// A disk under OUTPUT that is full or broken ends the job, and what is done can be resumed.
func TestBadDiskIsResumable(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for what, why := range map[string]string{"diskfull": "no space left on device", "eio": "input/output error"} {
		for _, ext := range []string{"ppm", "png"} {
			f := b.job(t, ext)
			status, _ := f.run("-n", "3", "--tile-rows", "16", "--checkpoint", "all", "--inject", what+":rank=0,at=write,tile=4")
			if status != exitFailed || !strings.Contains(f.stderr, "write "+f.out+": "+why) || !strings.Contains(f.stderr, "'halorun resume ") {
				t.Errorf("%s: status %d, %s", ext, status, f.stderr)
			}
			if _, err := os.Stat(f.out); err == nil {
				t.Errorf("%s: the output is there", ext)
			}
			status, _ = f.run("--resume", "-n", "2")
			f.wantsAll(status)
		}
	}
}

// A launcher that dies with everything done but the rename leaves nothing to compute.
func TestKilledAtRename(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	f := b.job(t, "ppm")
	if status, _ := f.run("-n", "3", "--checkpoint", "all", "--tile-rows", "16", "--inject", "kill:at=rename"); status != -1 {
		t.Fatalf("status %d, %s", status, f.stderr)
	}
	eventually(t, "the ranks are gone", func() bool {
		status, r := f.run("-n", "2", "--resume")
		if status == exitUsage { // it is running
			return false
		}
		f.wantsAll(status)
		var tiles int64
		for _, rank := range r.Ranks {
			tiles += rank.Tiles
		}
		if tiles > 0 {
			t.Errorf("%d tiles were computed", tiles)
		}
		return true
	})
}

// What has gone out on a stream goes out once, even if the process that wrote it is replaced.
func TestStreamOutlivesItsHead(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, ext := range []string{"ppm", "png", "jpg"} {
		f := b.job(t, ext)
		for _, at := range []string{"write,tile=9", "compute,tile=3", "finish"} {
			cmd := b.halorun(t, append([]string{
				"run", "-n", "3", "--tile-rows", "16", "--format", ext, "--inject", "kill:rank=0,at=" + at,
				"--inject", "kill:rank=0,epoch=2,at=write,tile=2", b.path("in.ppm"), "-",
			}, failureOps...)...)
			got, err := cmd.Output()
			if err != nil || !bytes.Equal(got, f.want) {
				t.Errorf("%s, killed at %s: %v, the right bytes: %t", ext, at, err, bytes.Equal(got, f.want))
			}
		}
	}
}
