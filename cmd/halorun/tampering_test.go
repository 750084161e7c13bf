package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// held starts a job with a rank that stops in the middle, has something done then, and returns how the job ends once that rank goes on.
func (f *failing) held(meanwhile func(), flags ...string) int {
	f.Helper()
	done := make(chan int)
	go func() {
		status, _ := f.run(append(flags, "-n", "2", "--tile-rows", "16", "--heartbeat-timeout", "1m", "--inject", "stop:rank=1,at=compute,stage=1,tile=3")...)
		done <- status
	}()
	pid := 0
	eventually(f.T, "rank 1 has stopped", func() bool {
		for _, p := range f.orphans() {
			if name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", p)); string(name) == "halorun rank 1\n" && stat(p)[0] == "T" {
				pid = p
			}
		}
		return pid != 0
	})
	meanwhile()
	_ = syscall.Kill(pid, syscall.SIGCONT)
	return <-done
}

// An input that somebody replaces or writes to while the job runs does not end in a mixture.
func TestInputChangesMeanwhile(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	before, err := os.ReadFile(b.path("in.ppm"))
	if err != nil {
		t.Fatal(err)
	}
	other := bytes.Clone(before)
	other[len(other)-1]++
	prepare := func() *failing {
		f := b.job(t, "ppm")
		f.in = filepath.Join(f.dir, "in.ppm")
		if err := os.WriteFile(f.in, before, 0o666); err != nil {
			t.Fatal(err)
		}
		return f
	}
	replace := func(f *failing) func() {
		return func() {
			if err := errors.Join(os.WriteFile(f.in+"2", other, 0o666), os.Rename(f.in+"2", f.in)); err != nil {
				t.Error(err)
			}
		}
	}
	f := prepare()
	f.wantsAll(f.held(replace(f))) // who had it open has read the old one

	f = prepare()
	status := f.held(replace(f), "--inject", "kill:rank=0,at=finish")
	if status != exitInput || !strings.Contains(f.stderr, "it has changed since the job was begun") {
		t.Errorf("replaced, and the head lost: status %d, %s", status, f.stderr)
	}

	f = prepare()
	status = f.held(func() {
		if err := os.WriteFile(f.in, other, 0o666); err != nil {
			t.Error(err)
		}
	})
	if _, err := os.Stat(f.out); status != exitInput || err == nil || !strings.Contains(f.stderr, "it has changed since the job was begun") {
		t.Errorf("written to: status %d, %v, %s", status, err, f.stderr)
	}
}

// A temporary file that is not what it was does not become OUTPUT.
func TestTemporaryFileChangesMeanwhile(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	f := b.job(t, "ppm")
	status := f.held(func() {
		temp := temporaries(t, f.dir)[0]
		content, err := os.ReadFile(temp)
		if err := errors.Join(err, os.WriteFile(filepath.Join(f.dir, "copy"), content, 0o666), os.Rename(filepath.Join(f.dir, "copy"), temp)); err != nil {
			t.Error(err)
		}
	})
	if _, err := os.Stat(f.out); status != exitFailed || err == nil || !strings.Contains(f.stderr, "somebody has replaced or cut the temporary file") {
		t.Errorf("status %d, %v, %s", status, err, f.stderr)
	}

	f = b.job(t, "tif")
	if status, _ := f.run("-n", "2", "--tile-rows", "16", "--checkpoint", "all", "--inject", "kill:at=rename"); status != -1 {
		t.Fatalf("status %d, %s", status, f.stderr)
	}
	temp, err := os.OpenFile(temporaries(t, f.dir)[0], os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = temp.Write(make([]byte, 1000))
		err = errors.Join(err, temp.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	f.resumes("-n", "3")
}

// An agent that is killed is replaced, and so is that one.
func TestAgentsAreKilledAgainAndAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	f := b.job(t, "png")
	status := f.held(func() {
		killed := make(map[int]bool)
		for ended := false; !ended && len(killed) < 4; {
			eventually(t, "there is an agent", func() bool {
				pids := f.orphans()
				ended = len(pids) == 0 // once nobody is held, the job may be quicker
				for _, pid := range pids {
					name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
					args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
					if !killed[pid] && string(args) == "halorun\x00agent\x00" && !strings.HasPrefix(string(name), "halorun rank") && syscall.Kill(pid, syscall.SIGKILL) == nil {
						killed[pid] = true
						return true
					}
				}
				return ended
			})
		}
		t.Logf("%d agents were killed", len(killed))
	}, "--max-restarts", "10")
	f.wantsAll(status)
}

// A report that nobody reads holds up nothing for ever.
func TestReportThatNobodyReads(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	f := b.job(t, "ppm")
	fifo := filepath.Join(f.dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o666); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"run", "-n", "2", "--report", fifo, "--timeout", "2s", f.in, f.out}, failureOps...)
	began := time.Now()
	status, _ := f.command(args...)
	if status == 0 || time.Since(began) > patience {
		t.Errorf("status %d after %v", status, time.Since(began))
	}
	f.wantsAll(0)
}
