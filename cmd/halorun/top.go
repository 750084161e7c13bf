package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"halorun/cmdline"
	"halorun/hostfiles"
	"halorun/launcher"
	"halorun/launcher/jobs/monitor"
)

func topCommand() *cli.Command {
	return &cli.Command{
		Name: "top", Usage: "watch jobs while they run", ArgsUsage: "[JOB]",
		Description: "JOB is a job's ID, or its beginning. Without it, the only job that runs is shown, or a list of several. q ends.",
		Flags: []cli.Flag{
			cmdline.AtLeast(&cli.DurationFlag{Name: "interval", Value: time.Second, Usage: "look every `D`, at least 100ms"}, 100*time.Millisecond),
			&cli.BoolFlag{Name: "json", Usage: "one snapshot as JSON"},
			&cli.BoolFlag{Name: "stream", Usage: "one snapshot after the other until the job has ended, also where stdout is no terminal"},
			&cli.StringFlag{Name: "host", Aliases: []string{"H"}, Usage: "watch the jobs of this user on `HOST`, or user@HOST, over ssh: the machine on which they were started"},
			&cli.StringFlag{Name: "remote-path", Value: "halorun", Usage: "of this program on HOST is `PATH`"},
			&cli.StringFlag{Name: "ssh", Value: "ssh", Usage: "connect with `PROGRAM`, which takes ssh's arguments"},
			&cli.StringSliceFlag{Name: "ssh-arg", Usage: "pass `ARG` to ssh, before other options; can be repeated"},
		},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if c.NArg() > 1 {
				return usage("top takes one JOB, and there are %d", c.NArg())
			}
			t := &monitor.Top{Name: c.Args().First(), Interval: c.Duration("interval"), JSON: c.Bool("json"), Stream: c.Bool("stream"), Keys: os.Stdin}
			if c.NArg() > 0 && t.Name == "" {
				return usage("JOB has a name; an empty one was given")
			}
			ctx, stop := signal.NotifyContext(c.Context, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
			defer stop()
			if c.String("host") != "" || c.IsSet("host") {
				return topRemote(ctx, c, t)
			}
			local := new(monitor.Local)
			defer local.Close()
			t.Source = local
			return topError(t.Run(ctx, os.Stdout))
		},
	}
}

func topError(err error) error {
	if errors.Is(err, monitor.ErrNoJob) {
		return usage("%v; 'halorun top' lists those that do", err)
	}
	return err
}

// topRemote watches the jobs of another host, through this program there.
func topRemote(ctx context.Context, c *cli.Context, t *monitor.Top) error {
	hosts, err := hostfiles.ParseList(c.String("host"))
	if err != nil {
		return usageError{fmt.Errorf("--host: %w", err)}
	}
	if len(hosts) != 1 {
		return usage("--host %s: give one host", c.String("host"))
	}
	config := launcher.Config{SSH: strings.Fields(c.String("ssh")), SSHArgs: c.StringSlice("ssh-arg")}
	if len(config.SSH) == 0 {
		return usage("--ssh: names no program")
	}
	words := []string{c.String("remote-path"), "top", "--json", "--stream", "--interval=" + t.Interval.String()}
	if t.Name != "" {
		words = append(words, "--", t.Name)
	}
	args := config.Command(hosts[0], words...)
	running, end := context.WithCancel(ctx)
	defer end()
	cmd := exec.CommandContext(running, args[0], args[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = time.Second // what ssh has started may keep stderr open
	var said bytes.Buffer
	cmd.Stderr = &said
	answers, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return startFailed{fmt.Errorf("connect to %s: %w", hosts[0], err)}
	}
	t.Source = monitor.NewPipe(answers)
	t.Interval = 0 // the other side keeps it
	shown := t.Run(ctx, os.Stdout)
	answers.Close()
	if !errors.Is(shown, io.EOF) {
		end() // which may not write for long, and so not know that nobody reads
	}
	ended := cmd.Wait()
	switch {
	case ctx.Err() != nil || shown == nil:
		return nil
	case !errors.Is(shown, io.EOF):
		return fmt.Errorf("%s: %w", hosts[0], shown)
	}
	return remoteError(hosts[0], c.String("remote-path"), ended, said.String(), shown)
}

// remoteError says why nothing comes from a host any more.
func remoteError(h hostfiles.Host, path string, ended error, said string, err error) error {
	var exit *exec.ExitError
	last := strings.TrimSpace(said[strings.LastIndex(strings.TrimSpace(said), "\n")+1:])
	if !errors.As(ended, &exit) || exit.ExitCode() < 0 {
		return fmt.Errorf("%s: %w", h, err)
	}
	switch exit.ExitCode() {
	case 127:
		return startFailed{fmt.Errorf("there is no %s in the PATH of %s: say where it is with --remote-path", path, h)}
	case 255:
		if try := launcher.Advice(h, said); try != "" {
			last += "; " + try
		}
		return startFailed{fmt.Errorf("connect to %s: %s", h, last)}
	case exitUsage:
		return usage("%s: %s", h, strings.TrimPrefix(last, "halorun: "))
	}
	if last == "" {
		last = fmt.Sprintf("%s ended with status %d, and said nothing", path, exit.ExitCode())
	}
	return fmt.Errorf("%s: %s", h, last)
}
