package main

import (
	"slices"

	"github.com/urfave/cli/v2"

	"halorun/launcher/jobs/history"
)

func logDBFlag() cli.Flag {
	return &cli.StringFlag{Name: "log-db", DefaultText: "~/.local/state/halorun/history.db", Usage: "the history of jobs is in `URI`: postgres://…, mongodb://…, or the path of an SQLite database"}
}

// historyFlags are the flags of commands that run jobs.
func historyFlags() []cli.Flag {
	return []cli.Flag{logDBFlag(), &cli.BoolFlag{Name: "no-history", Usage: "do not record the job"}}
}

// historyOptions are the values of historyFlags.
type historyOptions struct {
	off    bool
	target history.Target
	err    error // there is no default
}

func (o *historyOptions) parse(c *cli.Context) (err error) {
	o.off = c.Bool("no-history")
	o.target, err = targetOf(c)
	if !given(c, "log-db") {
		o.err, err = err, nil
	}
	return err
}

// isSecret tells whether a flag has a value that is not to be written down.
func isSecret(flag string, values []string) bool {
	return flag == "log-db" && slices.ContainsFunc(values, history.HasPassword)
}

// absoluteDatabase makes the name of a database one that means the same anywhere.
func absoluteDatabase(name string) string {
	if t, err := history.ParseTarget(name); err == nil && t.IsFile() {
		return t.String()
	}
	return name
}

// record begins to record the job, unless it is none.
func (o *runOptions) record() *history.Recorder {
	switch {
	case o.mistake != nil || o.dryRun || o.history.off:
		return nil
	case o.history.err != nil:
		o.log.Warn(oneLine(o.history.err.Error()) + "; the job is not recorded")
		return nil
	}
	return history.Record(o.board, o.history.target, func(text string) { o.log.Warn(oneLine(text)) })
}

// useHistory calls f with the history that a command means. If it cannot be had, the error says so.
func useHistory(c *cli.Context, f func(*history.History) error) error {
	target, err := targetOf(c)
	if err != nil {
		return err
	}
	log := plainLog(false, false)
	return history.Use(c.Context, target, func(text string) { log.Warn(oneLine(text)) }, f)
}

func targetOf(c *cli.Context) (history.Target, error) {
	if !given(c, "log-db") {
		return history.Default()
	}
	t, err := history.ParseTarget(value(c, "log-db"))
	if err != nil {
		err = usage("--log-db: %v", err)
	}
	return t, err
}

// given tells whether a flag was given to a command or to the one that it belongs to.
func given(c *cli.Context, name string) bool { return where(c, name) != nil }

func value(c *cli.Context, name string) string { return where(c, name).String(name) }

func where(c *cli.Context, name string) *cli.Context {
	for _, one := range c.Lineage() {
		if one.IsSet(name) {
			return one
		}
	}
	return nil
}
