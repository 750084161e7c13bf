package bench

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
)

// command is a program to be run and measured.
type command struct {
	path string   // of the program
	args []string // the first is the program's name
	dir  string
	env  []string // besides this process's
}

// cost is what a command took.
type cost struct {
	seconds float64
	cpu     float64 // seconds of all its processes
	rss     int64   // bytes that the largest of its processes had resident
	bound   bool    // rss is no more than an upper bound
}

// run runs the command to its end, or ends it with all that it has started when ctx ends. The error says what the command wrote last.
func (c command) run(ctx context.Context) (cost, error) {
	if ctx.Err() != nil {
		return cost{}, context.Cause(ctx)
	}
	cmd := exec.CommandContext(ctx, c.path)
	cmd.Args, cmd.Dir, cmd.Env = c.args, c.dir, append(Environment(), c.env...)
	said := new(tail)
	cmd.Stderr, cmd.Stdout = said, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// First it is asked, so that mpirun and halorun end their processes on other hosts, and then made to.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	floor := shrink()
	began := time.Now()
	err := cmd.Start()
	if err == nil {
		pid := cmd.Process.Pid
		err = cmd.Wait()
		if err != nil {
			_ = syscall.Kill(-pid, syscall.SIGKILL) // fails if nobody is left
		}
	}
	took := time.Since(began)
	switch {
	case ctx.Err() != nil:
		return cost{}, context.Cause(ctx)
	case err != nil:
		var exit *exec.ExitError
		if line := said.last(); line != "" && errors.As(err, &exit) {
			return cost{}, fmt.Errorf("%w: %s", err, line)
		}
		return cost{}, err
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	rss := usage.Maxrss << 10
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return cost{took.Seconds(), cpu.Seconds(), rss, rss <= floor}, nil
}

// shrink gives back what memory it can, and returns how much is left. Until a child has begun its program it shares its parent's memory, and
// the kernel counts that as the child's: what a child is said to have had resident is never less.
func shrink() int64 {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // forgets the peak so far; not every kernel can
	status, _ := os.ReadFile("/proc/self/status")
	_, after, _ := bytes.Cut(status, []byte("\nVmHWM:"))
	var kib int64
	if _, err := fmt.Sscanf(string(after), "%d kB", &kib); err != nil {
		return 0
	}
	return kib<<10 + 1<<20 // for what is added until then
}

// tail keeps the end of what a program writes.
type tail struct{ b []byte }

func (t *tail) Write(b []byte) (int, error) {
	const most = 4096
	t.b = append(t.b, b[max(0, len(b)-most):]...)
	t.b = t.b[max(0, len(t.b)-most):]
	return len(b), nil
}

// last returns the last line that is not empty, cut to what a message has room for.
func (t *tail) last() string {
	lines := strings.FieldsFunc(string(t.b), func(r rune) bool { return r == '\n' || r == '\r' })
	for i := len(lines) - 1; i >= 0; i-- {
		if line := strings.TrimSpace(lines[i]); strings.Trim(line, "-=* ") != "" {
			return strings.ToValidUTF8(line[:min(len(line), 300)], "")
		}
	}
	return ""
}

// workFolder makes a temporary folder in dir, or in $TMPDIR.
func workFolder(dir, name string) (string, error) {
	work, err := os.MkdirTemp(dir, name)
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return "", fmt.Errorf("no folder can be made in %s: %w; --dir names another place", cmp.Or(dir, os.TempDir()), err)
	}
	return work, nil
}
