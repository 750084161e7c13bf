package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// eventually waits until the condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	if !within(patience, holds) {
		t.Fatalf("waited %v in vain until %s", patience, what)
	}
}

// within waits until the condition holds, and tells whether it did within the limit. Conditions are about other processes, which
// cannot call the test: all it can do is to look again and again.
func within(limit time.Duration, holds func() bool) bool {
	const pause = 5 * time.Millisecond // so that looking does not take the time of what is looked at
	for deadline := time.Now().Add(limit); !holds(); time.Sleep(pause) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// computed returns how much time a process has had on a processor.
func computed(pid int) time.Duration {
	const user, system, tick = 11, 12, 10 * time.Millisecond // fields of stat, and their unit on every Linux
	f := stat(pid)
	if len(f) <= system {
		return 0
	}
	u, _ := strconv.Atoi(f[user])
	s, _ := strconv.Atoi(f[system])
	return time.Duration(u+s) * tick
}

// slowJob starts a job that would take minutes, and returns it with its processes' IDs when its ranks are at work: agent first.
func slowJob(t *testing.T, dir string, flags ...string) (job *exec.Cmd, pids []int) {
	t.Helper()
	const width, height = 6000, 6000
	in := filepath.Join(dir, "in.pgm")
	pixels := bytes.Repeat([]byte{10, 200, 30}, width*height/3)
	if err := os.WriteFile(in, append(fmt.Appendf(nil, "P5\n%d %d\n255\n", width, height), pixels...), 0o666); err != nil {
		t.Fatal(err)
	}
	job = halorun(t, append([]string{"run", "-n", "2", "--max-restarts", "0", "--checkpoint", "off", in, filepath.Join(dir, "out.ppm"), "blur:size=1023", "blur:size=1021", "blur:size=1019"}, flags...)...)
	job.Env = append(os.Environ(), "HALORUN_KERNELS=go")
	if err := job.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = job.Process.Kill() })
	eventually(t, "the ranks work", func() bool {
		agents := childrenOf(job.Process.Pid)
		if len(agents) != 1 {
			return false
		}
		ranks := childrenOf(agents[0])
		pids = append(agents, ranks...)
		return len(ranks) == 2 && attached(ranks[0]) && attached(ranks[1]) && len(temporaries(t, dir)) == 1
	})
	return job, pids
}

// stat returns the fields of /proc/PID/stat behind the name: state, parent, …
func stat(pid int) []string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	return strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
}

func childrenOf(parent int) []int {
	var pids []int
	names, _ := filepath.Glob("/proc/[0-9]*")
	for _, n := range names {
		pid, _ := strconv.Atoi(filepath.Base(n))
		if f := stat(pid); len(f) > 1 && f[1] == strconv.Itoa(parent) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// attached tells whether a rank process knows its rank, which it then shows as its name.
func attached(pid int) bool {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return err == nil && strings.HasPrefix(string(name), "halorun rank")
}

// gone tells whether none of the processes runs any more.
func gone(pids []int) bool {
	for _, pid := range pids {
		if f := stat(pid); len(f) > 0 && f[0] != "Z" {
			return false
		}
	}
	return true
}

func temporaries(t testing.TB, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, ".*halorun-*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// checkNothingLeft checks that no process, no temporary file and no output is left.
func checkNothingLeft(t *testing.T, dir string, pids []int) {
	t.Helper()
	eventually(t, "all processes are gone", func() bool { return gone(pids) })
	eventually(t, "the temporary file is gone", func() bool { return len(temporaries(t, dir)) == 0 })
	if _, err := os.Stat(filepath.Join(dir, "out.ppm")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("out.ppm: %v", err)
	}
}

func exitCode(t *testing.T, job *exec.Cmd) int {
	t.Helper()
	err := job.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return job.ProcessState.ExitCode()
}

func TestSignals(t *testing.T) {
	for sig, want := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143, syscall.SIGHUP: 129} {
		t.Run(sig.String(), func(t *testing.T) {
			heard := make(chan os.Signal, 1)
			signal.Notify(heard, sig) // so that children do not ignore what this process was told to ignore, under nohup
			defer signal.Stop(heard)
			dir := t.TempDir()
			report := filepath.Join(dir, "r.json")
			job, pids := slowJob(t, dir, "--report", report)
			if err := job.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if got := exitCode(t, job); got != want {
				t.Errorf("exit status %d, want %d", got, want)
			}
			checkNothingLeft(t, dir, pids)
			if b, err := os.ReadFile(report); err != nil || !bytes.Contains(b, []byte(`"interrupted"`)) {
				t.Errorf("report: %s, %v", b, err)
			}
		})
	}
}

func TestTimeout(t *testing.T) {
	dir := t.TempDir()
	job, pids := slowJob(t, dir, "--timeout", "3s")
	if got := exitCode(t, job); got != exitTimeout {
		t.Errorf("exit status %d, want %d", got, exitTimeout)
	}
	checkNothingLeft(t, dir, pids)
}

// TestKilled kills one process of a job, also when the others are stopped, and looks for orphans.
func TestKilled(t *testing.T) {
	for name, who := range map[string]int{"launcher": -1, "agent": 0, "rank 0": 1, "rank 1": 2} {
		for _, stopped := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/stopped=%t", name, stopped), func(t *testing.T) {
				dir := t.TempDir()
				job, pids := slowJob(t, dir)
				if stopped {
					for _, rank := range pids[1:] {
						if err := syscall.Kill(rank, syscall.SIGSTOP); err != nil {
							t.Fatal(err)
						}
					}
				}
				victim := job.Process.Pid
				if who >= 0 {
					victim = pids[who]
				}
				if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
				if got := exitCode(t, job); who >= 0 && got != exitRanks {
					t.Errorf("exit status %d, want %d", got, exitRanks)
				}
				checkNothingLeft(t, dir, pids)
			})
		}
	}
}
