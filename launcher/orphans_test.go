package launcher_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// watch watches processes that are not our children.
type watch struct {
	t       *testing.T
	mu      sync.Mutex
	handles map[int]int // PID to descriptor: unlike a PID, it stays the process's own
	ranks   int
}

func newWatch(t *testing.T) *watch {
	w := &watch{t: t, handles: make(map[int]int)}
	t.Cleanup(func() {
		for _, fd := range w.handles {
			unix.Close(fd)
		}
	})
	return w
}

func (w *watch) add(pid int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.handles[pid]; ok {
		return
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return // gone already
	}
	if err != nil {
		w.t.Errorf("watch process %d: %v", pid, err)
		return
	}
	w.handles[pid] = fd
}

// announced adds the processes of which a rank's line tells, and returns how many ranks that makes.
func (w *watch) announced(line string) int {
	var agent, rank int
	if _, err := fmt.Sscanf(line, "agent %d rank %d", &agent, &rank); err != nil {
		w.t.Errorf("a rank printed %q", line)
		return 0
	}
	w.add(agent)
	w.add(rank)
	w.ranks++
	return w.ranks
}

// mustBeGone waits until all are gone.
func (w *watch) mustBeGone() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for pid, fd := range w.handles {
		n, err := 0, error(unix.EINTR)
		for errors.Is(err, unix.EINTR) {
			n, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(soon.Milliseconds()))
		}
		if n != 1 || err != nil {
			w.t.Errorf("process %d is not gone after %v (%v)", pid, soon, err)
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
}

// launched is a job whose launcher is a process of its own.
type launched struct {
	*watch
	cmd         *exec.Cmd
	stderr      *os.File
	agent       int
	ranks       []int
	temporaries []string
}

// startLauncher starts a launcher and returns when all its ranks run.
func startLauncher(t *testing.T, executable, role string, n int, s spec) *launched {
	t.Helper()
	dir := t.TempDir()
	l := &launched{watch: newWatch(t)}
	for _, name := range []string{"picture.tmp", "another.tmp"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("half a picture"), 0o600); err != nil {
			t.Fatal(err)
		}
		l.temporaries = append(l.temporaries, path)
	}
	c := config(t, n, s)
	c.Remove = append(slices.Clone(l.temporaries), filepath.Join(dir, "never-there"))
	b, err := json.Marshal(launchable{c.AgentArgs, c.RankArgs, c.Size, c.Spec, c.Remove})
	if err != nil {
		t.Fatal(err)
	}
	l.cmd = exec.Command(executable, role, string(b))
	if l.stderr, err = os.Create(filepath.Join(dir, "stderr")); err != nil {
		t.Fatal(err)
	}
	l.cmd.Stderr = l.stderr
	stdout, err := l.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = l.cmd.Process.Kill()
		_ = l.cmd.Wait()
		l.stderr.Close()
	})
	l.add(l.cmd.Process.Pid)
	lines := bufio.NewScanner(stdout)
	for len(l.ranks) < n {
		if !lines.Scan() {
			t.Fatalf("the launcher ended after %d of %d ranks: %s", len(l.ranks), n, l.printed())
		}
		var rank int
		if _, err := fmt.Sscanf(lines.Text(), "agent %d rank %d", &l.agent, &rank); err != nil {
			t.Fatalf("a rank printed %q", lines.Text())
		}
		l.announced(lines.Text())
		l.ranks = append(l.ranks, rank)
	}
	return l
}

// launchable is the part of a Config that goes to another process.
type launchable struct {
	AgentArgs, RankArgs []string
	Size                int
	Spec                []byte
	Remove              []string
}

// printed is what launcher and agent have printed to stderr.
func (l *launched) printed() string {
	b, err := os.ReadFile(l.stderr.Name())
	if err != nil {
		l.t.Error(err)
	}
	return string(b)
}

func (l *launched) kill(pid int) {
	l.t.Helper()
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		l.t.Fatal(err)
	}
}

// Kill -9 of anybody leaves no process, and temporary files only to somebody who is still there to remove them.
func TestNoOrphans(t *testing.T) {
	for _, act := range []string{"wait", "stay", "stop yourself"} {
		for name, c := range map[string]struct {
			victim func(*launched) int
			// The temporary files are left to the launcher's caller.
			left bool
			want string // that the launcher or agent prints
		}{
			"launcher": {func(l *launched) int { return l.cmd.Process.Pid }, false, "agent: the launcher is gone"},
			"agent":    {func(l *launched) int { return l.agent }, true, "the agent on host " + hostname(t) + " was killed by SIGKILL"},
			"rank":     {func(l *launched) int { return l.ranks[0] }, true, "on host " + hostname(t) + " was killed by SIGKILL"},
		} {
			t.Run(name+" while ranks "+act, func(t *testing.T) {
				t.Parallel()
				l := startLauncher(t, "/proc/self/exe", "launch", 3, spec{Act: act, Rank: 1})
				l.kill(c.victim(l))
				l.mustBeGone()
				for _, path := range l.temporaries {
					if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) == c.left {
						t.Errorf("%s: %v; left to the launcher's caller: %v", path, err, c.left)
					}
				}
				if got := l.printed(); !strings.Contains(got, c.want) {
					t.Errorf("printed %q; want %q", got, c.want)
				}
			})
		}
	}
}

// An agent that is asked to end ends its ranks. The temporary files are left to the launcher, which may start another.
func TestAgentIsTerminated(t *testing.T) {
	t.Parallel()
	l := startLauncher(t, "/proc/self/exe", "launch", 2, spec{Act: "stay"})
	if err := unix.Kill(l.agent, unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	l.mustBeGone()
	for _, path := range l.temporaries {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

// A job goes on when a program's file was replaced or removed, as an upgrade does.
func TestErasedProgram(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "program")
	copyProgram(t, path)
	l := startLauncher(t, path, "launch-erased", 2, spec{Act: "wait"})
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the program was not erased: %v", err)
	}
	l.kill(l.cmd.Process.Pid)
	l.mustBeGone()
}

func copyProgram(t *testing.T, path string) {
	t.Helper()
	in, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}
