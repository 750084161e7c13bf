package main

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"time"

	"halorun/launcher/jobs/watch"
)

// watch makes the board of the job, which also hears what the user is told, and what not.
func (o *runOptions) watch(report *report, began time.Time) {
	dir, _ := os.Getwd()
	job := watch.Job{
		ID: report.Job, Run: report.Job, Command: os.Args, Dir: dir, Version: version, Began: began,
		Input: o.input, Output: o.output, Ops: o.ops, Size: report.Size,
	}
	for _, h := range o.launch.Placement {
		if name := o.launch.Hosts[h].Name; !slices.Contains(job.Hosts, name) {
			job.Hosts = append(job.Hosts, name)
		}
	}
	o.board = watch.NewBoard(job)
	o.log = slog.New(overheard{o.log.Handler(), o.board})
}

// overheard is a log whose records the board gets, too: all of them, however quiet the log is.
type overheard struct {
	slog.Handler
	board *watch.Board
}

func (overheard) Enabled(context.Context, slog.Level) bool { return true }

func (h overheard) Handle(ctx context.Context, r slog.Record) error {
	h.board.Log(r.Level, oneLine(textOf(r)))
	if !h.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}
