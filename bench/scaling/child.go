package scaling

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/zeebo/xxh3"

	"halorun/bench"
)

// JobError is what became of a job that failed.
type JobError struct {
	Ranks   int // 0 if it would have failed with any number of them
	Status  int // of its exit
	Message string
}

func (e *JobError) Error() string {
	if e.Ranks == 0 {
		return e.Message
	}
	return fmt.Sprintf("with %s: %s", count(e.Ranks, "rank"), e.Message)
}

// Runner starts jobs as users do.
type Runner struct {
	Program string        // this one
	Flags   []string      // of each job
	Read    []string      // more of them, for who reads INPUT itself
	Ops     []string      //
	Suspend <-chan func() // gets a function when all is to pause, which returns when it goes on
	Forget  func(job string)
}

// endTime is how long a job that is to end may take to clean up.
const endTime = 30 * time.Second

// job runs "halorun run" and returns how long that took. suspended tells that it was stopped meanwhile.
func (r *Runner) job(ctx context.Context, ranks int, flags []string, args ...string) (wall time.Duration, suspended bool, err error) {
	all := append([]string{"halorun", "run", "-n", strconv.Itoa(ranks)}, append(append(flags, r.Flags...), "--")...)
	var stderr bytes.Buffer
	c := exec.CommandContext(ctx, r.Program)
	c.Args = append(all, args...)
	c.Stderr, c.Env = &stderr, bench.Environment()
	// In a group of its own, it gets from us what the terminal sends, once, and a second signal does not kill it while it cleans up.
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = endTime
	began := time.Now()
	started, ended := make(chan error, 1), make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the kernel takes the end of this thread for the death of the parent
		defer runtime.UnlockOSThread()
		err := c.Start()
		started <- err
		if err == nil {
			ended <- c.Wait()
		}
	}()
	if err := <-started; err != nil {
		return 0, false, fmt.Errorf("start a job: %w", err)
	}
	for running := true; running; {
		select {
		case err = <-ended:
			wall, running = time.Since(began), false
		case pause := <-r.Suspend:
			suspended = true
			_ = c.Process.Signal(syscall.SIGTSTP)
			pause()
			_ = c.Process.Signal(syscall.SIGCONT)
		}
	}
	if ctx.Err() != nil {
		return wall, suspended, context.Cause(ctx)
	}
	if err != nil {
		e := &JobError{Ranks: ranks, Status: c.ProcessState.ExitCode(), Message: lastLine(stderr.String())}
		if e.Status < 0 {
			e.Status, e.Message = 1, err.Error()
		}
		return wall, suspended, e
	}
	return wall, suspended, nil
}

// lastLine returns what a job that fails says of it.
func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return strings.TrimPrefix(s[strings.LastIndexByte(s, '\n')+1:], "halorun: ")
}

// dryRun lets a job find mistakes without running.
func (r *Runner) dryRun(ctx context.Context, ranks int, flags []string, in, out string) error {
	args := append([]string{in, out}, r.Ops...)
	_, _, err := r.job(ctx, ranks, append([]string{"--dry-run", "--json", "--quiet"}, flags...), args...)
	return err
}

// timed runs one job and returns what its report says. Its output is summed up and removed.
func (r *Runner) timed(ctx context.Context, w *workshop, ranks int, flags []string, in, out string) (Run, *report, error) {
	for {
		name := w.file("report.json")
		_ = os.Remove(name)
		args := append([]string{in, out}, r.Ops...)
		wall, suspended, err := r.job(ctx, ranks, append([]string{"--quiet", "--report", name}, flags...), args...)
		report, reportErr := readReport(name)
		if err != nil {
			if reportErr == nil && r.Forget != nil {
				r.Forget(report.Job)
			}
			return Run{}, nil, err
		}
		if suspended {
			continue // its time is nothing to go by
		}
		if reportErr != nil {
			return Run{}, nil, fmt.Errorf("report of a job: %w", reportErr)
		}
		if report.Size != ranks {
			return Run{}, nil, fmt.Errorf("the job was to have %s and had %d", count(ranks, "rank"), report.Size)
		}
		run := report.run()
		run.Ranks, run.Wall = ranks, wall.Seconds()
		if run.Checksum, err = checksum(ctx, out); err != nil {
			return Run{}, nil, err
		}
		return run, report, os.Remove(out)
	}
}

// checksum returns XXH3's of a file, in 128 bits.
func checksum(ctx context.Context, name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := xxh3.New128()
	buf := make([]byte, 1<<20)
	for {
		n, err := f.Read(buf)
		_, _ = h.Write(buf[:n]) // never fails
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", err
		}
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
	}
	sum := h.Sum128().Bytes()
	return hex.EncodeToString(sum[:]), nil
}
