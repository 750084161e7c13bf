package main

import (
	"cmp"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"halorun/cmdline"
	"halorun/kernels"
	"halorun/launcher/jobs"
)

func completionCommand() *cli.Command {
	return &cli.Command{
		Name: "completion", Usage: "print what makes a shell complete command lines", ArgsUsage: strings.Join(cmdline.Shells[:], "|"),
		Description: "bash: put  source <(halorun completion bash)  into ~/.bashrc\n\n" +
			"zsh:  put  source <(halorun completion zsh)  into ~/.zshrc, behind compinit\n\n" +
			"fish: halorun completion fish > ~/.config/fish/completions/halorun.fish",
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usage("completion: for which shell? give bash, zsh or fish")
			}
			script, err := cmdline.Script(c.Args().First())
			if err != nil {
				return usageError{err}
			}
			_, err = c.App.Writer.Write(script)
			return err
		},
	}
}

// completeName is the command that the completions of shells call, with the words of a command line.
const completeName = "complete"

// completeMain tells how the last of the words may go on. Nothing that it meets is worth a message in the middle of typing.
func completeMain(words []string) error {
	app := newApp()
	c := cmdline.Completer{App: app, Values: map[string]func(*cmdline.Line, string) []cmdline.Candidate{"OP": completeOps, "JOB": completeJobs, "ID": completeJobs}}
	return c.Complete(os.Stdout, words)
}

func completeOps(_ *cmdline.Line, typed string) (all []cmdline.Candidate) {
	for _, c := range kernels.Complete(typed) {
		all = append(all, cmdline.Candidate{Word: c.Text, Doc: c.Doc})
	}
	return all
}

// completeJobs offers the jobs that can be resumed.
func completeJobs(line *cmdline.Line, typed string) (all []cmdline.Candidate) {
	root := cmp.Or(line.Flag("checkpoint-dir"), os.Getenv(cmdline.Variable("checkpoint-dir")))
	if root == "" {
		var err error
		if root, err = jobs.Root(); err != nil {
			return nil
		}
	}
	known, err := jobs.List(root)
	if err != nil {
		return nil
	}
	for _, j := range known {
		if strings.HasPrefix(j.ID, typed) {
			all = append(all, cmdline.Candidate{Word: j.ID, Doc: oneLine(fmt.Sprintf("%s to %s, %s", j.Input, j.Output, chainText(j.Ops, " ")))})
		}
	}
	return all
}
