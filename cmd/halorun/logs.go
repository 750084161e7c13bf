package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"halorun/cmdline"
	"halorun/launcher"
	"halorun/launcher/jobs/history"
	"halorun/launcher/jobs/watch"
)

func logsCommand() *cli.Command {
	return &cli.Command{
		Name: "logs", Usage: "print what happened and what was said in a job", ArgsUsage: "JOB",
		Description: "JOB is one of those that 'halorun jobs' lists, or one attempt at it, which 'halorun jobs show' lists.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "go on until the job ends"},
			&cli.StringFlag{Name: "rank", DefaultText: "all, and the launcher", Usage: "only what is of rank `R`, or head: the source and sink that is no rank"},
			cmdline.AnyOf(&cli.StringFlag{Name: "level", Value: "info", Usage: "only what is at least of `LEVEL`: debug, info, warn, error"}, "debug", "info", "warn", "error"),
			&cli.BoolFlag{Name: "json", Usage: "lines of JSON"},
			logDBFlag(),
		},
		OnUsageError: onUsageError,
		Action:       printLogs,
	}
}

// logTime is how the time of an entry is printed.
const logTime = "2006-01-02 15:04:05.000"

// followEvery is how often one looks for more.
const followEvery = 200 * time.Millisecond

func printLogs(c *cli.Context) error {
	id, err := oneJob(c)
	if err != nil {
		return err
	}
	filter, err := parseFilter(c)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(c.App.Writer)
	printed := make(map[string]int64) // the last, by attempt
	print := func(h *history.History, a *history.Attempt) error {
		last, err := h.Each(c.Context, a.Run, printed[a.Run], func(e *history.Entry) error {
			if !filter.Wants(e) {
				return nil
			}
			return printEntry(w, a.Run, e, c.Bool("json"))
		})
		printed[a.Run] = last
		if err == nil {
			err = w.Flush()
		}
		return err
	}
	return useHistory(c, func(h *history.History) error {
		all, err := h.Job(c.Context, id)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return usageError{unknownJob(c, id)}
		}
		if i := slices.IndexFunc(all, func(a *history.Attempt) bool { return a.Run == id && a.Job != id }); i >= 0 {
			all = all[i : i+1]
		}
		for _, a := range slices.Backward(all) {
			if err := print(h, a); err != nil {
				return err
			}
		}
		for last := all[0]; c.Bool("follow") && last.Running(); {
			select {
			case <-c.Context.Done():
				return c.Context.Err()
			case <-time.After(followEvery):
			}
			if err := h.Refresh(c.Context); err != nil {
				return err
			}
			// Its state first: what came before its end is there then.
			now, err := h.Attempts(c.Context, history.Query{IDs: []string{last.Run}})
			if err != nil {
				return err
			}
			i := slices.IndexFunc(now, func(a *history.Attempt) bool { return a.Run == last.Run })
			if i < 0 {
				return nil // somebody has removed it
			}
			last = now[i]
			if err := print(h, last); err != nil {
				return err
			}
		}
		return nil
	})
}

func parseFilter(c *cli.Context) (f history.Filter, err error) {
	switch level := c.String("level"); level {
	case "debug":
		f.Level = slog.LevelDebug
	case "info":
		f.Level = slog.LevelInfo
	case "warn", "warning":
		f.Level = slog.LevelWarn
	case "error":
		f.Level = slog.LevelError
	default:
		return f, usage("--level %q: there are debug, info, warn and error", level)
	}
	if !c.IsSet("rank") {
		return f, nil
	}
	rank := launcher.HeadRank
	if text := c.String("rank"); text != "head" {
		if rank, err = strconv.Atoi(text); err != nil || rank < 0 {
			return f, usage("--rank %q: give the number of a rank, or head", text)
		}
	}
	f.Rank = &rank
	return f, nil
}

// loggedEntry is an entry as 'halorun logs --json' prints it.
type loggedEntry struct {
	Run string `json:"run"`
	*history.Entry
}

func printEntry(w *bufio.Writer, run string, e *history.Entry, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(loggedEntry{run, e})
	}
	who := ""
	if e.Kind == watch.Prints {
		rank := launcher.HeadRank
		if e.Rank != nil {
			rank = *e.Rank
		}
		who = fmt.Sprintf("[%s@%s] ", launcher.RankName(rank), e.Host)
	}
	_, err := fmt.Fprintf(w, "%s %-5s %s%s\n", e.Time.Local().Format(logTime), e.Level, who, oneLine(e.Text))
	return err
}
