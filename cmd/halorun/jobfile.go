package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"halorun/cmdline"
	"halorun/jobfile"
)

// jobFileFlags are the flags about files that describe a job.
func jobFileFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "job", Usage: "take from `FILE`, which is YAML or JSON, what is not given here: INPUT, OUTPUT, operations, flags; - is stdin"},
		&cli.BoolFlag{Name: "print-job", Usage: "only print a file for --job that says what is given here"},
	}
}

// keys are the flags that a job file may have.
func keys(c *cli.Command) []cmdline.Flag {
	return slices.DeleteFunc(cmdline.Flags(c), func(f cmdline.Flag) bool { return f.Name == "job" || f.Name == "print-job" })
}

// readJob takes from the job file, if there is one, what was not given otherwise. What the environment says counts more than the file.
func (o *runOptions) readJob(c *cli.Context) error {
	o.input, o.output = c.Args().Get(0), c.Args().Get(1)
	if c.NArg() > 2 {
		o.ops = c.Args().Slice()[2:]
	}
	o.args = min(c.NArg(), 3)
	name := c.String("job")
	if name == "" {
		return nil
	}
	file, err := jobfile.Read(name, os.Stdin, keys(c.Command))
	if err != nil {
		return usageError{err}
	}
	if c.NArg() < 1 {
		o.input = file.Input
	}
	if c.NArg() < 2 {
		o.output = file.Output
	}
	if c.NArg() < 3 {
		o.ops = file.Ops
		if err := file.CheckOps(); err != nil {
			return usageError{err}
		}
	}
	o.args = 3
	for i, given := range []bool{o.input != "", o.output != "", len(o.ops) > 0} {
		if !given {
			o.args = min(o.args, i)
		}
	}
	typed, origins := cmdline.Typed(c), originsOf(c)
	for _, v := range file.Flags {
		if err := origins.Set(c, v.Flag, typed, file.Where(v.Flag.Name), v.Values); err != nil {
			return usageError{err}
		}
	}
	if name == "-" && slices.Contains([]string{"-", "@-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"}, o.input) {
		return usage("--job -: the job comes from stdin, and INPUT %s would, too; name a file for one of them", o.input)
	}
	return nil
}

// printJob prints a file that describes the job.
func (o *runOptions) printJob(c *cli.Context) error {
	if o.mistake != nil {
		return o.mistake
	}
	f := &jobfile.File{Input: o.input, Output: o.output, Ops: o.ops}
	for _, key := range keys(c.Command) {
		if !c.IsSet(key.Name) {
			continue
		}
		if v := (jobfile.Value{Flag: key, Values: valuesOf(c, key.Name)}); !isSecret(key.Name, v.Values) {
			f.Flags = append(f.Flags, v)
		}
	}
	var text bytes.Buffer // so that what cannot be described is told from what cannot be written
	if err := f.Write(&text); err != nil {
		return usageError{err}
	}
	_, err := c.App.Writer.Write(text.Bytes())
	return err
}

// valuesOf returns what a flag was given, as text.
func valuesOf(c *cli.Context, flag string) []string {
	switch value := c.Value(flag).(type) {
	case cli.StringSlice:
		return value.Value()
	default:
		return []string{fmt.Sprint(value)}
	}
}

func schemaCommand() *cli.Command {
	return &cli.Command{
		Name: "schema", Usage: "print the JSON schema of the files for run --job", OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usage("schema takes no arguments, not %q", c.Args().First())
			}
			b, err := jobfile.Schema(keys(runCommand()))
			if err != nil {
				return err
			}
			_, err = c.App.Writer.Write(b)
			return err
		},
	}
}
