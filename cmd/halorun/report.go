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
	BindTo      string           `json:"bind_to"`
	Ranks       []rankReport     `json:"ranks"`
	Head        *rankReport      `json:"head"` // the source and sink, if it is no rank
	Hosts       []hostReport     `json:"hosts"`
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
	CPUs    []int  `json:"cpus"` // that it was bound to; null if it was not
	ranks.Report
	MaxRSSBytes int64 `json:"max_rss_bytes"`
}

// hostReport is about a host with an agent.
type hostReport struct {
	Host           string  `json:"host"`
	Local          bool    `json:"local"`
	Error          string  `json:"error"`
	ConnectSeconds float64 `json:"connect_seconds"`
	SentBytes      int     `json:"sent_bytes"` // of the program, which the host lacked
}

type launcherReport struct {
	MaxRSSBytes int64 `json:"max_rss_bytes"`
}

func newReport(job string, size int) *report {
	return &report{Version: version, Job: job, Size: size, Ops: []string{}, Ranks: []rankReport{}, Hosts: []hostReport{}, Events: []launcher.Event{}}
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
		r.Ranks = append(r.Ranks, newRankReport(&rank))
	}
	r.Size = len(r.Ranks)
	if l.Head != nil {
		head := newRankReport(l.Head)
		r.Head = &head
	}
	for _, h := range l.Hosts {
		one := hostReport{Host: h.Host.Name, Local: h.Local, ConnectSeconds: h.Connected.Seconds(), SentBytes: h.Sent}
		if h.Err != nil {
			one.Error = oneLine(h.Err.Error())
		}
		r.Hosts = append(r.Hosts, one)
	}
}

func newRankReport(rank *launcher.RankResult) rankReport {
	one := rankReport{
		Rank: rank.Rank, Host: rank.Host, PID: rank.PID, Threads: rank.Threads, CPUs: rank.CPUs, MaxRSSBytes: rank.MaxRSSBytes,
	}
	// A rank that failed early has nothing to tell; its zeros say so.
	_ = json.Unmarshal(rank.Result, &one.Report)
	return one
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
