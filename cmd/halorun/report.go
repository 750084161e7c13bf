package main

import (
	"encoding/json"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"halorun/launcher"
	"halorun/ranks"
	"halorun/ranks/raster"
)

// report is what --report writes. Its names are a promise to scripts.
type report struct {
	Version     string           `json:"version"`
	Job         string           `json:"job"`
	State       string           `json:"state"` // done, failed, interrupted, timeout
	ExitStatus  int              `json:"exit_status"`
	Error       string           `json:"error"`
	Size        int              `json:"size"`
	Epochs      int              `json:"epochs"`
	Restarts    int              `json:"restarts"`
	WallSeconds float64          `json:"wall_seconds"`
	Input       pictureReport    `json:"input"`
	Output      pictureReport    `json:"output"`
	Ops         []string         `json:"ops"` // normalised
	Ranks       []rankReport     `json:"ranks"`
	Launcher    launcherReport   `json:"launcher"`
	Events      []launcher.Event `json:"events"`
}

type pictureReport struct {
	Path     string `json:"path"`
	Width    int    `json:"width"`
	Height   int    `json:"height"`
	Channels int    `json:"channels"`
	Depth    int    `json:"depth"` // bits a sample
	Format   string `json:"format"`
	Codec    string `json:"codec"`
}

type rankReport struct {
	Rank    int    `json:"rank"`
	Host    string `json:"host"`
	PID     int    `json:"pid"`
	Threads int    `json:"threads"`
	ranks.Report
	MaxRSSBytes int64 `json:"max_rss_bytes"`
}

type launcherReport struct {
	MaxRSSBytes int64 `json:"max_rss_bytes"`
}

func newReport(job string, size int) *report {
	return &report{Version: version, Job: job, Size: size, Ops: []string{}, Ranks: []rankReport{}, Events: []launcher.Event{}}
}

// describe adds what the input's header told.
func (r *report) describe(p *ranks.Picture) {
	in, out := p.Input, p.Output
	r.Ops = p.Ops
	r.Input = pictureReport{r.Input.Path, in.Width, in.Height, in.Channels, in.Depth, in.Format, in.Codec}
	r.Output = pictureReport{r.Output.Path, out.Width, out.Height, out.Channels, 8, out.Format, out.Codec()}
}

// launched adds what the launcher told.
func (r *report) launched(l *launcher.Result) {
	r.Epochs, r.Restarts = l.Epochs, l.Restarts
	r.Events = append(r.Events, l.Events...)
	for _, rank := range l.Ranks {
		one := rankReport{Rank: rank.Rank, Host: rank.Host, PID: rank.PID, Threads: rank.Threads, MaxRSSBytes: rank.MaxRSSBytes}
		// A rank that failed early has nothing to tell; its zeros say so.
		_ = json.Unmarshal(rank.Result, &one.Report)
		r.Ranks = append(r.Ranks, one)
	}
}

// write ends the report with how the job ended, and puts it in place.
func (r *report) write(path string, began time.Time, err error) error {
	r.State, r.ExitStatus = "done", exitStatus(err)
	if err != nil {
		r.State, r.Error = "failed", message(err)
	}
	switch {
	case isA[signalError](err):
		r.State = "interrupted"
	case errors.Is(err, errTimeout):
		r.State = "timeout"
	}
	r.WallSeconds = time.Since(began).Seconds()
	var usage unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &usage) == nil {
		r.Launcher.MaxRSSBytes = usage.Maxrss << 10
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	p, err := raster.NewPending(path)
	if err != nil {
		return err
	}
	if err := os.WriteFile(p.Path(), append(b, '\n'), 0o666); err != nil {
		p.Abort()
		return err
	}
	return p.Commit()
}
