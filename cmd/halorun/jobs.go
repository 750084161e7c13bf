package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"halorun/cmdline"
	"halorun/launcher/jobs"
	"halorun/launcher/jobs/history"
	"halorun/launcher/jobs/watch"
)

// defaultRoot is where people find what can be resumed, if they have said nothing else.
const defaultRoot = "~/.local/state/halorun/jobs"

// listed is how many jobs are listed if nothing is said.
const listed = 50

func jobsCommand() *cli.Command {
	states := append(history.States(), history.Stopped, history.Resumable)
	return &cli.Command{
		Name: "jobs", Usage: "list jobs, show one, forget some", ArgsUsage: "[JOB...]",
		Description: "Lists the jobs of this user on this machine, the latest first. 'halorun resume JOB' goes on with what is resumable.",
		Flags: []cli.Flag{
			cmdline.AnyOf(&cli.StringFlag{Name: "state", DefaultText: "all", Usage: "only those in a state of `LIST`: " + strings.Join(states, ", ")}, states...),
			&cli.StringFlag{Name: "since", Usage: "only those begun since `TIME`: 2h or 7d ago, or 2026-11-01 or 2026-11-01T15:04"},
			&cli.StringFlag{Name: "until", Usage: "only those begun before `TIME`"},
			&cli.StringFlag{Name: "grep", Usage: "only those with `TEXT` in what is known of them or in their log, in upper or lower case"},
			cmdline.Within(&cli.IntFlag{Name: "limit", Value: listed, Usage: "the latest `N`; 0: all"}, "the number of jobs", 0, cmdline.NoLimit),
			&cli.StringFlag{Name: "checkpoint-dir", DefaultText: defaultRoot, Usage: "only those that can be resumed from what is in `DIR`"},
			&cli.BoolFlag{Name: "remove", Usage: "forget what the JOBs have left, so that they cannot be resumed"},
			&cli.BoolFlag{Name: "json", Usage: "the list as JSON"},
			logDBFlag(),
		},
		Subcommands: []*cli.Command{
			{
				Name: "show", Usage: "all that is known of a job", ArgsUsage: "JOB", HideHelpCommand: true,
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "checkpoint-dir", DefaultText: defaultRoot, Usage: "what can be resumed is in `DIR`"},
					&cli.BoolFlag{Name: "json", Usage: "as JSON"}, logDBFlag(),
				},
				OnUsageError: onUsageError, Action: showJob,
			},
			{
				Name: "prune", Usage: "forget the oldest jobs", HideHelpCommand: true,
				Description: "Jobs that run are not forgotten. What can be resumed still can be.",
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "older-than", Usage: "those that ended longer than `D` ago, such as 12h or 30d"},
					cmdline.Within(&cli.IntFlag{Name: "keep", Usage: "all but the latest `N`"}, "the number of jobs", 0, cmdline.NoLimit),
					&cli.StringFlag{Name: "max-size", Usage: "as many as it takes for the rest to have `SIZE`, such as 100MB"},
					&cli.BoolFlag{Name: "json", Usage: "what was done, as JSON"},
					logDBFlag(),
				},
				OnUsageError: onUsageError, Action: pruneJobs,
			},
		},
		OnUsageError: onUsageError,
		Action:       listJobs,
	}
}

func listJobs(c *cli.Context) error {
	root, err := rootOf(c)
	if err != nil && !given(c, "log-db") { // without a ledger there is still that
		return err
	}
	if c.Bool("remove") {
		return removeJobs(root, c.Args().Slice())
	}
	w, err := parseWanted(c)
	if err != nil {
		return err
	}
	jobs.Prune(root, "", time.Now())
	var rows []history.Row
	w.Resumable = c.IsSet("checkpoint-dir") && !fromVariable(c, "checkpoint-dir")
	list := func(h *history.History) (err error) {
		rows, err = history.List(c.Context, h, root, w)
		return err
	}
	lost := useHistory(c, list)
	if isA[usageError](lost) {
		return lost
	}
	if lost != nil { // what can be resumed is in the ledger even so
		if err := list(nil); err != nil {
			return err
		}
	}
	for _, id := range w.IDs {
		here := func(r history.Row) bool { return r.Job == id || r.Run == id }
		if lost == nil && w.IsAll() && !slices.ContainsFunc(rows, here) {
			return usageError{unknownJob(c, id)}
		}
	}
	if c.Bool("json") {
		if rows == nil {
			rows = []history.Row{}
		}
		err = printJSON(c.App.Writer, rows)
	} else {
		err = printJobs(c.App.Writer, rows)
	}
	return cmp.Or(err, lost)
}

// parseWanted takes over the flags that say which jobs are listed.
func parseWanted(c *cli.Context) (w history.Wanted, err error) {
	w.IDs, w.Text, w.Limit = c.Args().Slice(), c.String("grep"), c.Int("limit")
	if c.IsSet("state") {
		known := append(history.States(), history.Stopped, history.Resumable)
		for s := range strings.SplitSeq(c.String("state"), ",") {
			if s = strings.TrimSpace(s); !slices.Contains(known, s) {
				return w, usage("--state %q: there are %s", s, strings.Join(known, ", "))
			}
			w.States = append(w.States, s)
		}
	}
	now := time.Now()
	if w.Since, err = parseTime("since", c.String("since"), now); err != nil {
		return w, err
	}
	w.Until, err = parseTime("until", c.String("until"), now)
	return w, err
}

// parseTime understands a time, or how long ago it was. Nothing is the zero time.
func parseTime(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := parseAge(text); err == nil {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime, "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usage("--%s %q: give how long ago, such as 2h or 7d, or a time such as 2026-11-01 or 2026-11-01T15:04", flag, text)
}

// parseAge understands a duration, also in days.
func parseAge(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		hours, err := time.ParseDuration(days + "h")
		if err == nil && hours <= 1<<62/24 {
			return hours * 24, checkAge(hours)
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, err
	}
	return d, checkAge(d)
}

func checkAge(d time.Duration) error {
	if d < 0 {
		return errors.New("it is below 0")
	}
	return nil
}

func removeJobs(root string, ids []string) error {
	if len(ids) == 0 {
		return usage("--remove: give the JOBs to forget")
	}
	for _, id := range ids {
		if _, err := jobs.Load(root, id); errors.Is(err, fs.ErrNotExist) {
			return usageError{noJob(root, id, err)}
		} // what is damaged can be forgotten, too
		unlock, err := jobs.Lock(root, id)
		if err != nil {
			return fmt.Errorf("job %s: %w", id, err)
		}
		err = jobs.Remove(root, id)
		unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

func printJobs(w io.Writer, rows []history.Row) error {
	if len(rows) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "JOB\tBEGUN\tTIME\tDONE\tSTATE\tINPUT\tOUTPUT\tOPERATIONS")
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Job, clock(r.Begun), took(r.Attempt), progressOf(r), stateText(r), oneLine(r.Input), oneLine(r.Output), chainText(r.Ops, " "))
	}
	return t.Flush()
}

func clock(t time.Time) string { return t.Local().Format(time.DateTime) }

// took is how long an attempt has taken, as far as is known.
func took(a *history.Attempt) string {
	until := a.Last()
	if a.Running() {
		until = time.Now()
	}
	d := until.Sub(a.Begun)
	switch {
	case a.State == history.Stopped || d < 0:
		return "-"
	case a.State == history.Killed:
		return "≥" + span(d)
	}
	return span(d)
}

func span(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.2fs", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// stateText is the state of a job, and whether it can be resumed.
func stateText(r history.Row) string {
	if r.Ledger != nil && !r.Running() {
		return r.State + ", " + history.Resumable
	}
	return r.State
}

// progressOf returns how much of a job is done, if it can be resumed.
func progressOf(r history.Row) string {
	switch {
	case r.Ledger != nil && r.Ledger.Rows > 0:
		return fmt.Sprintf("%d %%", 100*r.Ledger.Done/r.Ledger.Rows)
	case r.Ledger != nil:
		return "0 %"
	case r.State == watch.Done:
		return "100 %"
	}
	return "-"
}

func pruneJobs(c *cli.Context) error {
	if c.Args().Present() {
		return usage("jobs prune takes no arguments, not %q", c.Args().First())
	}
	var l history.Limits
	var err error
	if c.IsSet("older-than") {
		if l.Age, err = parseAge(c.String("older-than")); err != nil || l.Age == 0 {
			return usage("--older-than %q: give a time above 0, such as 12h or 30d", c.String("older-than"))
		}
	}
	if c.IsSet("keep") {
		if l.Jobs = c.Int("keep"); l.Jobs == 0 {
			l.Jobs = -1
		}
	}
	if c.IsSet("max-size") {
		if l.Bytes, err = parseSize("max-size", c.String("max-size")); err != nil {
			return err
		}
	}
	if l == (history.Limits{}) {
		return usage("jobs prune: say what goes, with --older-than, --keep or --max-size")
	}
	return useHistory(c, func(h *history.History) error {
		p, err := h.Prune(c.Context, l, time.Now())
		if err != nil {
			return err
		}
		if c.Bool("json") {
			return printJSON(c.App.Writer, p)
		}
		_, err = fmt.Fprintf(c.App.Writer, "%d jobs are forgotten, %d are left, with %.1f MB\n", p.Removed, p.Left, float64(p.Bytes)/1e6)
		return err
	})
}
