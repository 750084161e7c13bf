package main

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"halorun/launcher"
	"halorun/launcher/jobs/watch"
	"halorun/ranks"
	"halorun/ranks/folder"
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
	Pictures    *picturesReport  `json:"pictures,omitempty"` // if there are many
	Ops         []string         `json:"ops"`                // normalised
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
	Rank         int     `json:"rank"`
	Host         string  `json:"host"`
	PID          int     `json:"pid"`
	Threads      int     `json:"threads"`
	CPUs         []int   `json:"cpus"` // that it was bound to; null if it was not
	ranks.Report         // sums over all members that were this rank
	Pictures     int64   `json:"pictures,omitempty"` // done by this rank, if there are many
	Restarts     int     `json:"restarts"`
	LostSeconds  float64 `json:"lost_seconds"` // from each loss of a member until all ranks had met again
	MaxRSSBytes  int64   `json:"max_rss_bytes"`
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
	known := saved(l)
	for _, rank := range l.Ranks {
		r.Ranks = append(r.Ranks, newRankReport(&rank, known))
	}
	r.Size = len(r.Ranks)
	if l.Head != nil {
		head := newRankReport(l.Head, known)
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

func newRankReport(rank *launcher.RankResult, known *savedTiles) rankReport {
	one := rankReport{
		Rank: rank.Rank, Host: rank.Host, PID: rank.PID, Threads: rank.Threads, CPUs: rank.CPUs, MaxRSSBytes: rank.MaxRSSBytes,
		Restarts: rank.Restarts, LostSeconds: rank.LostSeconds,
	}
	// A rank that failed early has nothing to tell; its zeros say so.
	_ = json.Unmarshal(rank.Result, &one.Report)
	var many folder.Result
	_ = json.Unmarshal(rank.Result, &many)
	one.Pictures = many.Pictures
	for _, lost := range rank.Lost {
		var before ranks.Report
		_ = json.Unmarshal(lost.Result, &before)
		one.Report.Add(&before)
		var many folder.Result
		_ = json.Unmarshal(lost.Result, &many)
		one.Pictures += many.Pictures
		// What it had computed is computed again, but for what has come to the sink and what others found in the ledger.
		saved := known.restored[int(lost.Member)]
		for i, number := range lost.Numbers {
			saved += known.taken[ranks.TakenKey(lost.First+uint32(i), number)]
		}
		again := min(max(0, before.Tiles-saved), known.again)
		known.again -= again
		one.TilesRedone += again
	}
	one.TilesRedone = min(one.TilesRedone, one.Tiles) // tiles of one epoch may be pieces of those of another
	return one
}

// savedTiles are the tiles of lost members that were not lost with them.
type savedTiles struct {
	restored map[int]int64    // from the ledger, by member
	taken    map[string]int64 // by the sink, as in ranks.Result
	again    int64            // how many were computed more than once
}

func saved(l *launcher.Result) *savedTiles {
	s := &savedTiles{restored: make(map[int]int64), taken: make(map[string]int64)}
	var planned, computed, redone int64
	tileRows := 1
	count := func(b []byte) (r ranks.Result) {
		_ = json.Unmarshal(b, &r)
		if r.Planned > planned { // when the job began
			planned, tileRows = r.Planned, max(1, r.TileRows)
		}
		computed += r.Computed
		redone += r.TilesRedone
		return r
	}
	for _, rank := range append(slices.Clone(l.Ranks), headOf(l)...) {
		for _, lost := range rank.Lost {
			count(lost.Result)
		}
		r := count(rank.Result)
		for member, n := range r.RestoredOf {
			s.restored[member] += n
		}
		for key, n := range r.Taken {
			s.taken[key] += n
		}
	}
	s.again = max(0, (computed-planned+int64(tileRows)-1)/int64(tileRows)-redone)
	return s
}

func headOf(l *launcher.Result) []launcher.RankResult {
	if l.Head == nil {
		return nil
	}
	return []launcher.RankResult{*l.Head}
}

// conclude ends the report with how the job ended.
func (r *report) conclude(began time.Time, err error) {
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
	r.Launcher.MaxRSSBytes = launcher.MaxRSS()
}

// end returns the report for who watches the job.
func (r *report) end() watch.End {
	b, _ := json.Marshal(r) // it has nothing that could fail
	return watch.End{Time: time.Now(), State: r.State, ExitStatus: r.ExitStatus, Error: r.Error, Report: b}
}

// write puts the report in place. Only a stream that takes nothing may be waited for, until ctx ends.
func (r *report) write(ctx context.Context, path string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	p, err := raster.NewPending(path)
	if err != nil {
		return err
	}
	return writePending(ctx, p, append(b, '\n'))
}
