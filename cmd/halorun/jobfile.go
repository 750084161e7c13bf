package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"halorun/cmdline"
	"halorun/jobfile"
	"halorun/ranks"
	"halorun/ranks/raster"
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

// checkPrinted finds what is wrong wherever the job will run, and whatever is added to it then.
func (o *runOptions) checkPrinted() error {
	if o.memory > 0 && o.memory <= ranks.ProgramBytes {
		return usage("--memory: a process needs more than %d MiB", ranks.ProgramBytes>>20)
	}
	if o.input != "" && o.input != "-" && filepath.Clean(o.input) == filepath.Clean(o.output) {
		return usage("OUTPUT %s is the same file as INPUT %s", o.output, o.input)
	}
	if o.many != nil {
		if err := o.checkNoStreams(); err != nil {
			return err
		}
		if o.input != "" || o.format != "" {
			_, _, _, err := o.folderFormat()
			return err
		}
	}
	if _, err := raster.FormatOf(o.output); o.many == nil && (o.format != "" || err == nil || o.oneHere()) {
		return o.outputFormat(new(ranks.Job))
	}
	// Without a format the compression is one that some format has.
	var err error
	for _, format := range []string{"png", "tiff"} {
		if _, _, err = raster.ParseCompression(format, o.compression); err == nil || o.compression == "" {
			return nil
		}
	}
	return usage("--compression %q: there are 0 to 9 for a PNG; none, lzw, packbits, deflate[:LEVEL] and zstd[:LEVEL] for a TIFF", o.compression)
}

// oneHere tells whether INPUT is one picture of this machine, so that OUTPUT, if it is named, is one, too.
func (o *runOptions) oneHere() bool {
	st, err := os.Stat(o.input)
	return err == nil && st.Mode().IsRegular() && o.output != "" && o.output != "-"
}

// printJob prints a file that describes the job.
func (o *runOptions) printJob(c *cli.Context) error {
	if o.mistake != nil {
		return o.mistake
	}
	f := &jobfile.File{Input: o.input, Output: o.output, Ops: o.ops}
	for _, key := range keys(c.Command) {
		if !c.IsSet(key.Name) || o.many == nil && isForMany(key.Name) { // a variable that does not count here
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
