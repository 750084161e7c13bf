package main

import (
	"context"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"halorun/cmdline"
)

// ownAffairs are the flags of halorun resume that are about this start of the program, not about the job. Only they have environment variables there:
// no variable changes what a job was.
var ownAffairs = []string{"checkpoint-dir", "quiet", "verbose", "progress", "metrics", "log-format", "log-file", "log-db", "no-history"}

// withVariables makes all commands take from the environment what was not typed.
func withVariables(app *cli.App) {
	for name, command := range cmdline.Commands(app) {
		do := command.Action
		if do == nil || len(command.Flags) == 0 {
			continue
		}
		command.Action = func(c *cli.Context) error {
			wanted := func(flag string) bool {
				switch name {
				case "resume":
					return slices.Contains(ownAffairs, flag)
				case "run":
					return !c.IsSet("resume-job") // it has all that it had
				}
				return true
			}
			origins, err := cmdline.Environment(c, os.Getenv, wanted)
			if err != nil {
				return usageError{err}
			}
			c.Context = context.WithValue(c.Context, originsKey{}, origins)
			if name != "run" && name != "resume" { // a job has a report that tells of it
				if err := cmdline.CheckLimits(c); err != nil {
					return explain(c, usageError{err})
				}
			}
			return explain(c, do(c))
		}
	}
}

type originsKey struct{}

// originsOf returns where flags were given that were not typed.
func originsOf(c *cli.Context) cmdline.Origins {
	o, _ := c.Context.Value(originsKey{}).(cmdline.Origins)
	return o
}

// explain adds to a mistake in a flag where it stands, if it was not typed.
func explain(c *cli.Context, err error) error {
	if err == nil || !isA[usageError](err) || isA[reportError](err) || isA[toldError](err) {
		return err
	}
	return usageError{originsOf(c).Explain(c, err)}
}

// fromVariable tells whether a flag has its value from the environment, where it is meant for many jobs.
func fromVariable(c *cli.Context, flag string) bool {
	return originsOf(c)[flag] == cmdline.Variable(flag)
}
