package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"halorun/launcher/jobs"
)

// resumeCommand has the flags of run, for which the job's own stand in.
func resumeCommand() *cli.Command {
	run := runCommand()
	return &cli.Command{
		Name: "resume", Usage: "go on with a job that did not end well", ArgsUsage: "JOB",
		Description: "JOB is one of those that 'halorun jobs' lists. The flags are those of halorun run; what is not given is as it was.",
		Flags:       run.Flags, OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usage("give one JOB: halorun resume [flags] JOB; 'halorun jobs' lists them")
			}
			root, err := rootOf(c)
			if err != nil {
				return err
			}
			j, err := jobs.Load(root, c.Args().First())
			if err != nil {
				return usageError{noJob(root, c.Args().First(), err)}
			}
			return c.App.RunContext(c.Context, resumed(j, flagsOf(c)))
		},
	}
}

// resumed returns the command line that goes on with a job, with other flags.
func resumed(j *jobs.Job, given map[string][]string) []string {
	flags := maps.Clone(j.Flags)
	if flags == nil {
		flags = make(map[string][]string)
	}
	if given["host"] != nil || given["hostfile"] != nil {
		for _, name := range hostGroup {
			delete(flags, name)
		}
	}
	maps.Copy(flags, given)
	args := []string{"halorun", "run", "--resume", "--resume-job=" + j.ID}
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		for _, value := range flags[name] {
			args = append(args, "--"+name+"="+value)
		}
	}
	return append(append(args, "--", j.Input, j.Output), j.Ops...)
}

// hostGroup are the flags that together say where ranks run: who gives a list of hosts means none of the old ones.
var hostGroup = []string{"np", "hostfile", "host", "oversubscribe", "map-by", "spare"}

// flagsOf returns the flags that were given, by name, with paths that mean the same anywhere.
func flagsOf(c *cli.Context) map[string][]string {
	flags := make(map[string][]string)
	for _, f := range c.Command.Flags {
		name := f.Names()[0]
		if !c.IsSet(name) || slices.Contains([]string{"resume", "resume-job", "inject", "dry-run", "json"}, name) {
			continue
		}
		switch value := c.Value(name).(type) {
		case cli.StringSlice:
			flags[name] = value.Value()
		default:
			flags[name] = []string{fmt.Sprint(value)}
		}
		if slices.Contains([]string{"hostfile", "report", "output-dir", "checkpoint-dir", "pictures-log", "list-dir"}, name) {
			if abs, err := filepath.Abs(flags[name][0]); err == nil {
				flags[name] = []string{abs}
			}
		}
	}
	return flags
}

// rootOf returns the folder of jobs that a command means.
func rootOf(c *cli.Context) (string, error) {
	if dir := c.String("checkpoint-dir"); dir != "" {
		return filepath.Abs(dir)
	}
	return jobs.Root()
}

func jobsCommand() *cli.Command {
	return &cli.Command{
		Name: "jobs", Usage: "list the jobs that can be resumed, or forget some", ArgsUsage: "[JOB...]",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "checkpoint-dir", DefaultText: "~/.local/state/halorun/jobs", Usage: "those in `DIR`"},
			&cli.BoolFlag{Name: "remove", Usage: "forget the JOBs, with what they have left"},
			&cli.BoolFlag{Name: "json", Usage: "the list as JSON"},
		},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			root, err := rootOf(c)
			if err != nil {
				return err
			}
			if c.Bool("remove") {
				return removeJobs(root, c.Args().Slice())
			}
			jobs.Prune(root, "", time.Now())
			all, err := jobs.List(root)
			if err != nil {
				return err
			}
			if c.NArg() > 0 {
				all = slices.DeleteFunc(all, func(j *jobs.Job) bool { return !slices.Contains(c.Args().Slice(), j.ID) })
			}
			if c.Bool("json") {
				if all == nil {
					all = []*jobs.Job{}
				}
				e := json.NewEncoder(c.App.Writer)
				e.SetIndent("", "  ")
				return e.Encode(all)
			}
			return printJobs(c.App.Writer, root, all)
		},
	}
}

func removeJobs(root string, ids []string) error {
	if len(ids) == 0 {
		return usage("--remove: give the JOBs to forget")
	}
	for _, id := range ids {
		if _, err := jobs.Load(root, id); errors.Is(err, fs.ErrNotExist) {
			return usageError{noJob(root, id, err)}
		} // what is damaged can be forgotten, too
		unlock, err := jobs.Lock(root, id)
		if err != nil {
			return fmt.Errorf("job %s: %w", id, err)
		}
		err = jobs.Remove(root, id)
		unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

func printJobs(w io.Writer, root string, all []*jobs.Job) error {
	if len(all) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "JOB\tBEGUN\tDONE\tSTATE\tINPUT\tOUTPUT\tOPERATIONS")
	for _, j := range all {
		done := 0
		if j.Rows > 0 {
			done = int(100 * j.Done / j.Rows)
		}
		state := "stopped"
		if jobs.Runs(root, j.ID) {
			state = "runs"
		}
		fmt.Fprintf(t, "%s\t%s\t%d %%\t%s\t%s\t%s\t%s\n", j.ID, j.Begun.Local().Format(time.DateTime), done, state, oneLine(j.Input), oneLine(j.Output), chainText(j.Ops, " "))
	}
	return t.Flush()
}
