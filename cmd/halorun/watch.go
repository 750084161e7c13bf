package main

import (
	"log/slog"
	"os"
	"slices"
	"time"

	"halorun/launcher/jobs/history"
	"halorun/launcher/jobs/messages"
	"halorun/launcher/jobs/watch"
)

// watch makes the board of the job, which also hears what the user is told, and what not.
func (o *runOptions) watch(report *report, began time.Time) {
	dir, _ := os.Getwd()
	job := watch.Job{
		ID: report.Job, Run: report.Job, Command: history.RedactArgs(os.Args), Dir: dir, Version: version, Began: began,
		Input: o.input, Output: o.output, Ops: o.ops, Size: report.Size,
	}
	if o.checkpoint.id != "" {
		job.ID = o.checkpoint.id // what is resumed, if it can be
	}
	for _, h := range o.launch.Placement {
		if name := o.launch.Hosts[h].Name; !slices.Contains(job.Hosts, name) {
			job.Hosts = append(job.Hosts, name)
		}
	}
	o.board = watch.NewBoard(job)
	o.told = o.log
	o.log = slog.New(slog.NewMultiHandler(o.log.Handler(), messages.Board(o.board)))
	if !o.dryRun || o.speech.stream != nil { // which has a first line, since it has a last one
		o.speech.begin(o.board)
	}
}
