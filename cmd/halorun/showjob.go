package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	measure "halorun/bench"
	"halorun/launcher"
	"halorun/launcher/jobs"
	"halorun/launcher/jobs/history"
	"halorun/launcher/jobs/watch"
)

// shownJob is a job as 'halorun jobs show --json' prints it.
type shownJob struct {
	Job       string             `json:"job"`
	State     string             `json:"state"`
	Resumable bool               `json:"resumable"`
	Ledger    *jobs.Job          `json:"ledger"`   // null: there is nothing to resume
	Attempts  []*history.Attempt `json:"attempts"` // the latest first
	Events    []history.Entry    `json:"events"`   // of the latest
}

func showJob(c *cli.Context) error {
	id, err := oneJob(c)
	if err != nil {
		return err
	}
	root, err := rootOf(c)
	if err != nil && !given(c, "log-db") { // without a ledger there is still that
		return err
	}
	return useHistory(c, func(h *history.History) error {
		shown := shownJob{Job: id, Events: []history.Entry{}}
		if shown.Attempts, err = h.Job(c.Context, id); err != nil {
			return err
		}
		if len(shown.Attempts) > 0 {
			shown.Job = shown.Attempts[0].Job
		}
		rows, err := history.List(c.Context, h, root, history.Wanted{IDs: []string{shown.Job}})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return usageError{unknownJob(c, id)}
		}
		row := rows[0]
		shown.State, shown.Ledger, shown.Resumable = row.State, row.Ledger, row.Ledger != nil
		if len(shown.Attempts) == 0 {
			shown.Attempts = []*history.Attempt{row.Attempt} // the ledger alone knows of it
		}
		if _, err := h.Each(c.Context, shown.Attempts[0].Run, 0, func(e *history.Entry) error {
			if e.Kind == watch.Happens {
				shown.Events = append(shown.Events, *e)
			}
			return nil
		}); err != nil {
			return err
		}
		if c.Bool("json") {
			return printJSON(c.App.Writer, shown)
		}
		return printJob(c.App.Writer, &shown, row)
	})
}

func oneJob(c *cli.Context) (string, error) {
	if c.NArg() != 1 || c.Args().First() == "" {
		return "", usage("give one JOB: %s [flags] JOB; 'halorun jobs' lists them", c.Command.HelpName)
	}
	return c.Args().First(), nil
}

func unknownJob(c *cli.Context, id string) error {
	t, err := targetOf(c)
	if err != nil {
		return err
	}
	return fmt.Errorf("there is no job %q in %s; 'halorun jobs' lists those that are known", id, t)
}

func printJob(w io.Writer, s *shownJob, row history.Row) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	line := func(name, format string, args ...any) {
		fmt.Fprintf(t, "%s\t%s\n", name, oneLine(fmt.Sprintf(format, args...)))
	}
	a := s.Attempts[0]
	line("job", "%s", s.Job)
	state := s.State
	if a.ExitStatus != 0 {
		state += fmt.Sprintf(", exit status %d", a.ExitStatus)
	}
	if s.Resumable && !a.Running() {
		state += fmt.Sprintf("; %s done, 'halorun resume %s' goes on", progressOf(row), s.Job)
	}
	line("state", "%s", state)
	if a.Error != "" {
		line("error", "%s", a.Error)
	}
	line("begun", "%s", clock(a.Begun))
	if !a.Ended.IsZero() {
		line("ended", "%s, after %s", clock(a.Ended), took(a))
	} else if a.State == history.Killed {
		line("ended", "without a word, not before %s", clock(a.Seen))
	}
	if len(a.Command) > 0 {
		line("command", "%s", measure.ShellText(a.Command))
		line("folder", "%s", a.Dir)
		line("by", "%s on %s, process %d, version %s", a.User, a.Machine, a.PID, a.Version)
	}
	line("input", "%s%s", a.Input, pictureText(a.Picture))
	line("output", "%s", a.Output)
	line("operations", "%s", chainText(a.Ops, " "))
	if a.Ranks > 0 {
		line("ranks", "%d on %s", a.Ranks, strings.Join(a.Hosts, ", "))
	}
	if a.Dropped > 0 {
		line("dropped", "%d lines of its log are not recorded", a.Dropped)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(s.Attempts) > 1 {
		fmt.Fprintln(w, "\nattempts, the latest first")
		fmt.Fprintln(t, "  ATTEMPT\tBEGUN\tTIME\tSTATE\tSTATUS\tRANKS\tERROR")
		for _, a := range s.Attempts {
			fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%d\t%d\t%s\n", a.Run, clock(a.Begun), took(a), a.State, a.ExitStatus, a.Ranks, oneLine(a.Error))
		}
	}
	if len(s.Events) > 0 {
		if err := t.Flush(); err != nil {
			return err
		}
		fmt.Fprintln(w, "\nevents")
		for _, e := range s.Events {
			fmt.Fprintf(t, "  %s\t%s\n", e.Time.Local().Format(logTime), oneLine(e.Text))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return printSplit(w, a)
}

func pictureText(p watch.Picture) string {
	if p.Width == 0 {
		return ""
	}
	return fmt.Sprintf(", %d × %d pixels of %d", p.Width, p.Height, p.Channels)
}

// printSplit prints for how long ranks were busy with what, which the report of an attempt tells.
func printSplit(w io.Writer, a *history.Attempt) error {
	var r report
	if len(a.Report) == 0 || json.Unmarshal(a.Report, &r) != nil || len(r.Ranks) == 0 {
		return nil
	}
	fmt.Fprintln(w, "\nseconds, summed over a rank's threads")
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "  rank\thost\ttiles\tstart\tread\tscatter\thalo\tcompute\tcheckpoint\tgather\twrite\t")
	all := r.Ranks
	if r.Head != nil {
		all = append(all, *r.Head)
	}
	for _, one := range all {
		s := one.Seconds
		fmt.Fprintf(t, "  %s\t%s\t%d", launcher.RankName(one.Rank), one.Host, one.Tiles)
		for _, x := range []float64{s.Start, s.Read, s.Scatter, s.Halo, s.Compute, s.Checkpoint, s.Gather, s.Write} {
			fmt.Fprintf(t, "\t%.3f", x)
		}
		fmt.Fprintln(t, "\t")
	}
	return t.Flush()
}
