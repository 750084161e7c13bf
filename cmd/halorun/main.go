// Command halorun runs picture operations over many rank processes.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"halorun/cmdline"
)

// version is set by the Makefile.
var version = "devel"

func main() {
	if do := memberMain(os.Args); do != nil {
		os.Exit(status(do(context.Background())))
	}
	if len(os.Args) > 1 && os.Args[1] == completeName {
		os.Exit(status(completeMain(os.Args[2:])))
	}
	app, out := newApp(), new(stdout)
	app.Writer = out
	err := app.RunContext(context.Background(), flagsFirst(os.Args))
	if err == nil {
		err = out.err
	}
	os.Exit(status(inJSON(os.Args, err)))
}

func newApp() *cli.App {
	app := &cli.App{
		Name:    "halorun",
		Usage:   "picture operations over many rank processes, exact and seamless",
		Version: version,
		Description: "Each flag of each command has an environment variable, such as HALORUN_TILE_ROWS for --tile-rows.\n" +
			"'halorun man | man -l -' shows all of this as a page.",
		HideHelpCommand:           true,
		UseShortOptionHandling:    false,
		DisableSliceFlagSeparator: true, // values have commas of their own
		Commands: []*cli.Command{
			runCommand(), resumeCommand(), jobsCommand(), logsCommand(), topCommand(), opsCommand(), hostsCommand(), benchCommand(), schemaCommand(),
			completionCommand(), manCommand(),
		},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usage("there is no command %q; 'halorun --help' lists them", c.Args().First())
			}
			return cli.ShowAppHelp(c)
		},
		OnUsageError:   onUsageError,
		ExitErrHandler: func(*cli.Context, error) {}, // main does it
	}
	for _, c := range app.Commands {
		c.HideHelpCommand = true // an INPUT may be called help
	}
	for _, c := range cmdline.Commands(app) {
		for _, f := range c.Flags {
			if repeated, ok := f.(*cli.StringSliceFlag); ok {
				repeated.KeepSpace = true // a value is what was typed, as those of other flags are
			}
		}
	}
	withVariables(app)
	return app
}

func onUsageError(c *cli.Context, err error, _ bool) error {
	name := "halorun"
	if c.Command != nil && c.Command.Name != "" && c.Command.Name != name {
		name = c.Command.HelpName
	}
	return usage("%v; '%s --help' lists the flags", err, name)
}

// status prints the error, if there is one, and returns the exit status it stands for.
func status(err error) int {
	if err == nil {
		return exitDone
	}
	switch {
	case isA[pipeError](err), isA[toldError](err): // the former as the shell's tools, without a word
	default:
		fmt.Fprintf(os.Stderr, "halorun: %s\n", message(err))
	}
	return exitStatus(err)
}
