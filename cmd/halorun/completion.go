package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"halorun/cmdline"
	"halorun/kernels"
	"halorun/launcher/jobs"
	"halorun/launcher/jobs/history"
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
	c := cmdline.Completer{App: app, Values: map[string]func(*cmdline.Line, string) []cmdline.Candidate{"OP": completeOps, "JOB": completeJobs}}
	return c.Complete(os.Stdout, words)
}

func completeOps(_ *cmdline.Line, typed string) (all []cmdline.Candidate) {
	for _, c := range kernels.Complete(typed) {
		all = append(all, cmdline.Candidate{Word: c.Text, Doc: c.Doc})
	}
	return all
}

// completeJobs offers jobs: those that can be resumed, and, where one wants to know of others, the latest of the history.
func completeJobs(line *cmdline.Line, typed string) (all []cmdline.Candidate) {
	given := func(flag string) string { return cmp.Or(line.Flag(flag), os.Getenv(cmdline.Variable(flag))) }
	root := given("checkpoint-dir")
	if root == "" {
		var err error
		if root, err = jobs.Root(); err != nil {
			return nil
		}
	}
	var rows []history.Row
	ctx, cancel := context.WithTimeout(context.Background(), completeTime)
	defer cancel()
	list := func(h *history.History) (err error) {
		rows, err = history.List(ctx, h, root, history.Wanted{Limit: listed, Resumable: line.Command.Name == "resume"})
		return err
	}
	if line.Command.Name == "resume" || useCompleted(ctx, given("log-db"), list) != nil {
		_ = list(nil) // without a history there is the ledger
	}
	for _, r := range rows {
		if strings.HasPrefix(r.Job, typed) {
			all = append(all, cmdline.Candidate{Word: r.Job, Doc: oneLine(fmt.Sprintf("%s: %s to %s, %s", stateText(r), r.Input, r.Output, chainText(r.Ops, " ")))})
		}
	}
	return all
}

// completeTime is how long somebody who types waits for a database.
const completeTime = 2 * time.Second

// useCompleted calls f with the history that a command line means.
func useCompleted(ctx context.Context, db string, f func(*history.History) error) error {
	target, err := history.Default()
	if db != "" {
		target, err = history.ParseTarget(db)
	}
	if err != nil {
		return err
	}
	return history.Use(ctx, target, func(string) {}, f)
}
