package progress

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"sync"
	"time"

	"halorun/launcher"
	"halorun/launcher/jobs/watch"
)

// Report is how far a job is, for programs. Its names, and those of the lines of a Stream, are a promise to scripts.
type Report struct {
	State               string          `json:"state"`
	Fraction            *float64        `json:"fraction"` // null while it is not known
	Elapsed             float64         `json:"elapsed_seconds"`
	Remaining           *float64        `json:"remaining_seconds"` // null while it is not known
	Megapixels          float64         `json:"megapixels"`
	MegapixelsPerSecond float64         `json:"megapixels_per_second"`
	Pictures            *watch.Pictures `json:"pictures"` // null for one picture
	PicturesPerSecond   float64         `json:"pictures_per_second"`
}

// Report returns the standing for programs.
func (st *Standing) Report() Report {
	r := Report{
		State: st.State, Elapsed: st.Elapsed.Seconds(), Megapixels: st.Megapixels, MegapixelsPerSecond: st.MegapixelsPerSecond,
		Pictures: st.Pictures, PicturesPerSecond: st.PicturesPerSecond,
	}
	if st.Fraction >= 0 {
		r.Fraction = &st.Fraction
	}
	if left := st.Left.Seconds(); st.Left >= 0 {
		r.Remaining = &left
	}
	return r
}

// Stream writes what happens as JSON lines. Its methods may be called by any goroutine.
type Stream struct {
	mu sync.Mutex
	w  io.Writer
}

// NewStream returns a stream to w.
func NewStream(w io.Writer) *Stream { return &Stream{w: w} }

// head is what each line begins with.
type head struct {
	Time time.Time `json:"time"`
	Kind string    `json:"kind"`
}

type beginLine struct {
	head
	Job     string   `json:"job"`
	Version string   `json:"version"`
	Input   string   `json:"input"`
	Output  string   `json:"output"`
	Ops     []string `json:"ops"`
	Size    int      `json:"size"`
	Hosts   []string `json:"hosts"`
}

type progressLine struct {
	head
	Job string `json:"job"`
	Report
}

type eventLine struct {
	head
	Member uint32 `json:"member"`
	Rank   int    `json:"rank"`
	Host   string `json:"host"`
	What   string `json:"what"`
	Action string `json:"action"`
}

type logLine struct {
	head
	Level string `json:"level"`
	Text  string `json:"text"`
}

type rankLine struct {
	head
	Rank   int    `json:"rank"`
	Host   string `json:"host"`
	Stream string `json:"stream"`
	Text   string `json:"text"`
}

type endLine struct {
	head
	Job        string  `json:"job"`
	State      string  `json:"state"`
	ExitStatus int     `json:"exit_status"`
	Error      string  `json:"error"`
	Elapsed    float64 `json:"elapsed_seconds"`
}

// Begin tells which job it is.
func (s *Stream) Begin(j watch.Job) {
	s.put(beginLine{head{j.Began, watch.Begins}, j.ID, j.Version, j.Input, j.Output, list(j.Ops), j.Size, list(j.Hosts)})
}

// Event tells what befell a rank.
func (s *Stream) Event(e launcher.Event) {
	s.put(eventLine{head{e.Time, watch.Happens}, e.Member, e.Rank, e.Host, e.What, e.Action})
}

// Log tells what is said to the user.
func (s *Stream) Log(at time.Time, level slog.Level, text string) {
	s.put(logLine{head{at, watch.Says}, level.String(), text})
}

// Line tells what a rank has printed.
func (s *Stream) Line(rank int, host, stream, text string) {
	s.put(rankLine{head{time.Now(), watch.Prints}, rank, host, stream, text})
}

// End tells how the job ended.
func (s *Stream) End(job string, e watch.End, elapsed time.Duration) {
	s.put(endLine{head{e.Time, watch.Ends}, job, e.State, e.ExitStatus, e.Error, elapsed.Seconds()})
}

// progress is the kind of a line that is no watch.Item.
const progress = "progress"

// streamEvery is how often a stream tells how far the job is.
const streamEvery = time.Second

// Follow tells once a second how far the job is.
func (s *Stream) Follow(b *watch.Board) *Teller {
	return start(func(ctx context.Context) {
		var m Meter
		for wait(ctx, streamEvery) {
			status := b.Snapshot()
			st := m.Take(&status)
			s.put(progressLine{head{st.Time, progress}, status.ID, st.Report()})
		}
	})
}

func (s *Stream) put(line any) {
	b, err := json.Marshal(line)
	if err != nil {
		return // a number that is none; there are none such
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = s.w.Write(append(b, '\n')) // whoever does not read it any more does not want it
}

// list is never null.
func list(texts []string) []string {
	if texts == nil {
		return []string{}
	}
	return texts
}
