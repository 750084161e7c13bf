package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"halorun/launcher/jobs/progress/terminaltest"
)

// pseudoTerminal is a terminal whose text is kept.
type pseudoTerminal struct {
	*os.File
	keyboard io.Writer

	mu   sync.Mutex
	text bytes.Buffer
}

func newPseudoTerminal(t *testing.T, columns, rows int) *pseudoTerminal {
	t.Helper()
	screen, terminal := terminaltest.Open(t, columns, rows)
	p := &pseudoTerminal{File: terminal, keyboard: screen}
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := screen.Read(b)
			if err != nil {
				return
			}
			p.mu.Lock()
			p.text.Write(b[:n])
			p.mu.Unlock()
		}
	}()
	return p
}

func (p *pseudoTerminal) shown() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// afterBar is what came after the last bar.
func (p *pseudoTerminal) afterBar() string {
	text := p.shown()
	return text[strings.LastIndex(text, "[=")+1:]
}

// heldHere starts a job that lasts until somebody reads its OUTPUT, at a terminal of its own, and returns when there is a bar.
func heldHere(t *testing.T, state string, flags ...string) (*exec.Cmd, *pseudoTerminal, *os.File) {
	t.Helper()
	in := filepath.Join(t.TempDir(), "in.pgm")
	if err := os.WriteFile(in, picture(3000, 3000, 1), 0o666); err != nil {
		t.Fatal(err)
	}
	terminal := newPseudoTerminal(t, 80, 24)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { read.Close() })
	job := halorun(t, append([]string{"run", "-n", "2", "--format", "pgm", in, "-", "invert"}, flags...)...)
	job.Stdout, job.Stdin, job.Stderr = write, terminal.File, terminal.File
	job.Env = append(os.Environ(), "TERM=xterm", "XDG_STATE_HOME="+state)
	job.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := job.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	t.Cleanup(func() {
		_ = job.Process.Kill()
		_ = job.Wait()
	})
	eventually(t, "there is a bar", func() bool { return strings.Contains(terminal.shown(), "[=") })
	return job, terminal, read
}

// The view of a real job is gone when the job is suspended or has ended, by whatever, and leaves the terminal as it was.
func TestLiveView(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"done", "interrupted"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			state := t.TempDir()
			job, terminal, output := heldHere(t, state)
			before, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
			if err != nil {
				t.Fatal(err)
			}
			signal := func(s syscall.Signal) {
				if err := job.Process.Signal(s); err != nil {
					t.Fatal(err)
				}
			}
			signal(syscall.SIGTSTP)
			eventually(t, "it is suspended, without a bar", func() bool {
				fields := stat(job.Process.Pid)
				return len(fields) > 0 && fields[0] == "T" && strings.Contains(terminal.shown(), "suspended") && strings.HasSuffix(terminal.shown(), "\x1b[J")
			})
			signal(syscall.SIGCONT)
			eventually(t, "it goes on, with a bar", func() bool {
				_, later, ok := strings.Cut(terminal.shown(), "goes on\r\n")
				return ok && strings.Contains(later, "[=")
			})
			want := ""
			if end == "done" {
				if n, err := io.Copy(io.Discard, output); err != nil || n < 9_000_000 {
					t.Errorf("%d bytes, %v", n, err)
				}
				_ = job.Wait()
			} else {
				signal(syscall.SIGINT)
				_ = job.Wait()
				want = "halorun: stopped by SIGINT\r\n"
			}
			if got := job.ProcessState.ExitCode(); got != map[string]int{"done": 0, "interrupted": 130}[end] {
				t.Errorf("exit status %d", got)
			}
			eventually(t, "the bar is gone", func() bool { return strings.HasSuffix(terminal.afterBar(), "\x1b[J"+want) })
			if after, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS); err != nil || *after != *before {
				t.Errorf("the terminal was %+v and is %+v, %v", before, after, err)
			}
			if strings.Contains(terminal.shown(), "\x1b[?") {
				t.Errorf("modes of the terminal were changed: %q", terminal.shown())
			}
		})
	}
}

// While a job runs others can look at it; when it is killed, nothing of it is taken for a job.
func TestTopAndMetrics(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	job, terminal, _ := heldHere(t, state, "--metrics", ":0")
	top := func(args ...string) string {
		t.Helper()
		cmd := halorun(t, append([]string{"top"}, args...)...)
		cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+state)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		return string(out)
	}
	var snap struct {
		Jobs []struct {
			Job, State string
			Ranks      []struct{ Result map[string]any }
		}
	}
	if err := json.Unmarshal([]byte(top("--json")), &snap); err != nil {
		t.Fatal(err)
	}
	if len(snap.Jobs) != 1 || snap.Jobs[0].State != "running" || len(snap.Jobs[0].Ranks) != 2 {
		t.Fatalf("%+v", snap)
	}
	if r := snap.Jobs[0].Ranks[1].Result; r["resident_bytes"].(float64) < 1<<20 || r["cpu_seconds"].(float64) <= 0 {
		t.Errorf("a rank says %v", r)
	}
	if text := top(snap.Jobs[0].Job[:4]); !strings.Contains(text, "running") || !strings.Contains(text, "RECEIVED/S") {
		t.Errorf("%s", text)
	}

	// At a terminal it is drawn again and again, until q.
	other := newPseudoTerminal(t, 100, 30)
	before, _ := unix.IoctlGetTermios(int(other.Fd()), unix.TCGETS)
	live := halorun(t, "top", "--interval", "100ms")
	live.Stdin, live.Stdout, live.Stderr = other.File, other.File, other.File
	live.Env = append(os.Environ(), "TERM=xterm", "XDG_STATE_HOME="+state)
	live.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := live.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is drawn thrice", func() bool { return strings.Count(other.shown(), "RANK  HOST") > 2 })
	if _, err := other.keyboard.Write([]byte("q")); err != nil {
		t.Fatal(err)
	}
	if err := live.Wait(); err != nil {
		t.Errorf("%v: %s", err, other.shown())
	}
	if after, _ := unix.IoctlGetTermios(int(other.Fd()), unix.TCGETS); *after != *before {
		t.Errorf("the terminal was %+v and is %+v", before, after)
	}

	url := regexp.MustCompile(`http://\S+/`).FindString(terminal.shown())
	get := func(path string) string {
		t.Helper()
		r, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode != http.StatusOK {
			t.Errorf("%s: %s %s %v", path, r.Status, b, err)
		}
		return string(b)
	}
	if m := get("metrics"); !strings.Contains(m, "halorun_job_ranks 2\n") || !strings.Contains(m, `halorun_rank_cpu_seconds_total{rank="1"`) {
		t.Errorf("%s", m)
	}
	if h := get("healthz"); !strings.Contains(h, `"heard":2`) {
		t.Errorf("%s", h)
	}
	second := halorun(t, "run", "--metrics", strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/"), "../../testdata/camera.png", filepath.Join(t.TempDir(), "out.png"), "invert")
	second.Stderr = nil
	var exit *exec.ExitError
	if _, err := second.Output(); !asExit(err, &exit) || exit.ExitCode() != exitStart || !strings.Contains(string(exit.Stderr), "address already in use") {
		t.Errorf("a second job at the same address: %v", err)
	}
	if err := job.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = job.Wait()
	if text := top(); text != "no job is running\n" {
		t.Errorf("%s", text)
	}
	if left, _ := filepath.Glob(filepath.Join(state, "halorun", "run", "*", "*.sock")); len(left) > 0 {
		t.Errorf("left are %v", left)
	}
}

// q ends 'halorun top' for another host at once, however long that one says nothing.
func TestTopQuit(t *testing.T) {
	t.Parallel()
	ssh := filepath.Join(t.TempDir(), "ssh")
	script := `#!/bin/sh
echo '{"jobs":[{"job":"aabbccdd","run":"aabbccdd","state":"running","size":1}]}'
exec sleep 300
`
	if err := os.WriteFile(ssh, []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
	terminal := newPseudoTerminal(t, 100, 30)
	top := halorun(t, "top", "--host", "far", "--ssh", ssh, "--interval", "5m")
	top.Stdin, top.Stdout, top.Stderr = terminal.File, terminal.File, terminal.File
	top.Env = append(os.Environ(), "TERM=xterm")
	top.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := top.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- top.Wait() }()
	defer top.Process.Kill()
	eventually(t, "the job is shown", func() bool { return strings.Contains(terminal.shown(), "job aabbccdd") })
	if _, err := terminal.keyboard.Write([]byte("q")); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("%v: %s", err, terminal.shown())
		}
	case <-time.After(20 * time.Second):
		t.Errorf("it waits for the other host: %s", terminal.shown())
	}
}

// While OUTPUT is put in place nobody hears the ranks, and nobody takes that for silence.
func TestLiveCommit(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	in := filepath.Join(state, "in.pgm")
	if err := os.WriteFile(in, picture(300, 700, 1), 0o666); err != nil { // more than a pipe holds, and less than is queued
		t.Fatal(err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	job := halorun(t, "run", "-n", "2", "--metrics", ":0", "--heartbeat-timeout", "1s", "--format", "pgm", in, "-", "invert")
	job.Stdout, job.Stderr = write, nil
	job.Env = append(os.Environ(), "XDG_STATE_HOME="+state)
	stderr, err := job.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := job.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	defer job.Wait()
	defer job.Process.Kill()
	lines := bufio.NewScanner(stderr)
	lines.Scan()
	url := regexp.MustCompile(`http://\S+/`).FindString(lines.Text())
	eventually(t, "no rank is heard any more", func() bool {
		cmd := halorun(t, "top", "--json")
		cmd.Env = job.Env
		out, err := cmd.Output()
		var snap struct {
			Jobs []struct {
				Time       time.Time
				Committing *time.Time
				Ranks      []struct{ Heard time.Time }
			}
		}
		if err != nil || json.Unmarshal(out, &snap) != nil || len(snap.Jobs) == 0 || snap.Jobs[0].Committing == nil {
			return false
		}
		for _, r := range snap.Jobs[0].Ranks {
			if snap.Jobs[0].Time.Sub(r.Heard) < 2*time.Second {
				return false
			}
		}
		return true
	})
	r, err := http.Get(url + "healthz")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if b, err := io.ReadAll(r.Body); err != nil || r.StatusCode != http.StatusOK || !strings.Contains(string(b), `"heard":2`) {
		t.Errorf("%s: %s %v", r.Status, b, err)
	}
	if n, err := io.Copy(io.Discard, read); err != nil || n < 210_000 {
		t.Errorf("%d bytes, %v", n, err)
	}
	if err := job.Wait(); err != nil {
		t.Error(err)
	}
}

func asExit(err error, exit **exec.ExitError) bool {
	e, ok := err.(*exec.ExitError)
	*exit = e
	return ok
}

// Also over losses, what the stream tells never falls and is all only in the end; each of its lines is JSON.
func TestProgressOverLosses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := filepath.Join(dir, "in.ppm")
	if err := os.WriteFile(in, picture(900, 700, 3), 0o666); err != nil {
		t.Fatal(err)
	}
	job := halorun(t, "run", "-n", "3", "--progress", "json", "-x", "HALORUN_KERNELS=go", "--inject", "kill:rank=1,at=compute,tile=3", "--inject", "kill:rank=2,at=compute,tile=0,epoch=2", "--tile-rows", "20",
		in, filepath.Join(dir, "out.ppm"), "bilateral", "blur:size=31", "edges")
	job.Env = append(os.Environ(), "XDG_STATE_HOME="+dir)
	job.Stderr = nil
	stderr, err := job.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := job.Start(); err != nil {
		t.Fatal(err)
	}
	last, kinds := 0.0, make(map[string]int)
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		var line struct {
			Time     time.Time
			Kind     string
			Fraction *float64
			State    string
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		kinds[line.Kind]++
		if f := line.Fraction; f != nil {
			if *f < last || *f >= 1 {
				t.Errorf("%s after %v", lines.Text(), last)
			}
			last = *f
		}
	}
	if err := job.Wait(); err != nil {
		t.Error(err)
	}
	if kinds["begin"] != 1 || kinds["end"] != 1 || kinds["event"] < 2 {
		t.Errorf("%v", kinds)
	}
}

// A job is watched from another host, if ssh lets one in.
func TestClusterTop(t *testing.T) {
	t.Parallel()
	l := newLab(t, 2)
	job := l.held("h1,h2", 2)
	eventually(t, "it is seen from the other host", func() bool {
		e := l.halorun("h2", "top", "--host", "root@h1", "--remote-path", l.exe)
		return e.status == 0 && strings.Contains(e.stdout, "running") && strings.Contains(e.stdout, "\n1     h2 ")
	})
	l.fails(exitStart, "h2", []string{"top", "--host", "h1", "--remote-path", "/no/halorun"}, "--remote-path")
	l.fails(exitStart, "h2", []string{"top", "--host", "nowhere"}, "nowhere")
	l.fails(exitUsage, "h2", []string{"top", "--host", "h1", "--remote-path", l.exe, "beef"}, "no such job runs here")
	l.kill("h1", "halorun", syscall.SIGKILL)
	_ = job.Wait()
	if e := l.halorun("h2", "top", "--host", "h1", "--remote-path", l.exe); e.stdout != "no job is running\n" {
		t.Errorf("%+v", e)
	}
}
