package main

import (
	"maps"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"halorun/launcher/jobs"
)

// resumeCommand has the flags of run, for which the job's own stand in.
func resumeCommand() *cli.Command {
	run := runCommand()
	return &cli.Command{
		Name: "resume", Usage: "go on with a job that did not end well", ArgsUsage: "JOB",
		Description: "JOB is one of those that 'halorun jobs' lists. The flags are those of halorun run; what is not given is as it was.",
		Flags:       run.Flags[len(jobFileFlags()):], OnUsageError: onUsageError,
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
			args := resumed(j, flagsOf(c))
			for _, asked := range []string{"dry-run", "json"} { // which are about this time alone
				if c.Bool(asked) {
					args = slices.Insert(args, 2, "--"+asked)
				}
			}
			return c.App.RunContext(c.Context, args)
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
		if !c.IsSet(name) || slices.Contains([]string{"resume", "resume-job", "inject", "dry-run", "json", "job", "print-job"}, name) {
			continue
		}
		flags[name] = valuesOf(c, name)
		if name == "log-db" {
			flags[name] = []string{absoluteDatabase(flags[name][0])}
		}
		if slices.Contains([]string{"hostfile", "report", "output-dir", "log-file", "checkpoint-dir", "pictures-log", "list-dir"}, name) {
			if abs, err := filepath.Abs(flags[name][0]); err == nil {
				flags[name] = []string{abs}
			}
		}
	}
	return flags
}

// rootOf returns the folder of jobs that a command means.
func rootOf(c *cli.Context) (string, error) {
	if given(c, "checkpoint-dir") && value(c, "checkpoint-dir") != "" {
		return filepath.Abs(value(c, "checkpoint-dir"))
	}
	return jobs.Root()
}
