package bench

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
)

// Command is a program to be run and measured.
type Command struct {
	Path    string        // of the program
	Args    []string      // the first is the program's name
	Dir     string        // in which it runs; "" for this process's
	Env     []string      // besides Environment
	Suspend <-chan func() // gets a function when all is to pause, which returns when it goes on
	Grace   time.Duration // within which it ends when it is told to, or is killed; 0 for a default
}

// grace is enough for a job on several hosts to clean up.
const grace = 30 * time.Second

// Cost is what a command took.
type Cost struct {
	Seconds   float64
	CPU       float64 // seconds of all its processes
	RSS       int64   // bytes that the largest of its processes had resident
	Bound     bool    // RSS is no more than an upper bound
	Suspended bool    // it was stopped meanwhile, so that its time is nothing to go by
}

// ExitError says how a program failed.
type ExitError struct {
	*exec.ExitError
	Said string // what it wrote last
}

func (e *ExitError) Error() string {
	if e.Said == "" {
		return e.ExitError.Error()
	}
	return e.ExitError.Error() + ": " + brief(e.Said)
}

// Run runs the command to its end, or ends it with all that it has started when ctx ends. The error of a program that fails is an ExitError.
func (c Command) Run(ctx context.Context) (cost Cost, err error) {
	if ctx.Err() != nil {
		return Cost{}, context.Cause(ctx)
	}
	cmd := exec.CommandContext(ctx, c.Path)
	cmd.Args, cmd.Dir, cmd.Env = c.Args, c.Dir, append(Environment(), c.Env...)
	said := new(tail)
	cmd.Stderr, cmd.Stdout = said, said
	// In a group of its own it gets what the terminal sends from us, once, and a second ^C does not kill it while it cleans up.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	signal := func(s syscall.Signal) error { return syscall.Kill(-cmd.Process.Pid, s) }
	// First it is asked, so that mpirun and halorun end their processes on other hosts, and then made to.
	cmd.Cancel = func() error { return signal(syscall.SIGTERM) }
	cmd.WaitDelay = cmp.Or(c.Grace, grace)
	floor := shrink()
	began := time.Now()
	started, ended := make(chan error, 1), make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the kernel takes the end of this thread for the death of the parent
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			ended <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return Cost{}, err
	}
	for running := true; running; {
		select {
		case err = <-ended:
			cost.Seconds, running = time.Since(began).Seconds(), false
		case pause := <-c.Suspend:
			cost.Suspended = true
			_ = signal(syscall.SIGTSTP) // fails if nobody is left
			pause()
			_ = signal(syscall.SIGCONT)
		}
	}
	if err != nil {
		_ = signal(syscall.SIGKILL)
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	cost.RSS = usage.Maxrss << 10
	cost.Bound = cost.RSS <= floor
	cost.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	if ctx.Err() != nil {
		return cost, context.Cause(ctx)
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return cost, &ExitError{exit, said.last()}
	}
	return cost, err
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

// last returns the last line that says something.
func (t *tail) last() string {
	lines := strings.FieldsFunc(string(t.b), func(r rune) bool { return r == '\n' || r == '\r' })
	for i := len(lines) - 1; i >= 0; i-- {
		if line := strings.TrimSpace(lines[i]); strings.Trim(line, "-=* ") != "" {
			return strings.ToValidUTF8(line, "")
		}
	}
	return ""
}
