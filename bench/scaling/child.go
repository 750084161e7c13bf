package scaling

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

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
	return fmt.Sprintf("with %s: %s", bench.Count(e.Ranks, "rank"), e.Message)
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

// job runs "halorun run".
func (r *Runner) job(ctx context.Context, ranks int, flags []string, args ...string) (bench.Cost, error) {
	all := append([]string{"halorun", "run", "-n", strconv.Itoa(ranks)}, append(append(flags, r.Flags...), "--")...)
	cost, err := bench.Command{Path: r.Program, Args: append(all, args...), Suspend: r.Suspend}.Run(ctx)
	exit := (*bench.ExitError)(nil)
	switch {
	case err == nil || ctx.Err() != nil:
		return cost, err
	case !errors.As(err, &exit):
		return cost, fmt.Errorf("run a job: %w", err)
	case exit.ExitCode() < 0: // a signal's
		return cost, &JobError{ranks, 1, exit.ExitError.Error()}
	}
	return cost, &JobError{ranks, exit.ExitCode(), strings.TrimPrefix(exit.Said, "halorun: ")}
}

// dryRun lets a job find mistakes without running.
func (r *Runner) dryRun(ctx context.Context, ranks int, flags []string, in, out string) error {
	args := append([]string{in, out}, r.Ops...)
	_, err := r.job(ctx, ranks, append([]string{"--dry-run", "--json", "--quiet"}, flags...), args...)
	return err
}

// timed runs one job and returns what its report says. Its output is summed up and removed.
func (r *Runner) timed(ctx context.Context, w *workshop, ranks int, flags []string, in, out string) (Run, *report, error) {
	for {
		name := w.file("report.json")
		_ = os.Remove(name)
		args := append([]string{in, out}, r.Ops...)
		cost, err := r.job(ctx, ranks, append([]string{"--quiet", "--report", name}, flags...), args...)
		report, reportErr := readReport(name)
		if err != nil {
			if reportErr == nil && r.Forget != nil {
				r.Forget(report.Job)
			}
			return Run{}, nil, err
		}
		if cost.Suspended {
			continue // its time is nothing to go by
		}
		if reportErr != nil {
			return Run{}, nil, fmt.Errorf("report of a job: %w", reportErr)
		}
		if report.Size != ranks {
			return Run{}, nil, fmt.Errorf("the job was to have %s and had %d", bench.Count(ranks, "rank"), report.Size)
		}
		run := report.run()
		run.Ranks, run.Wall = ranks, cost.Seconds
		if run.Checksum, err = checksum(ctx, out); err != nil {
			return Run{}, nil, err
		}
		return run, report, os.Remove(out)
	}
}
