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

// Stream writes what happens as JSON lines. It is told of that directly, not by a board, whose queues lose what has no room. Its methods may be
// called by any goroutine.
type Stream struct {
	w io.Writer

	mu    sync.Mutex
	board *watch.Board // of a job whose beginning has not been told yet
	held  []byte       // lines that come after that
}

// NewStream returns a stream to w.
func NewStream(w io.Writer) *Stream { return &Stream{w: w} }

// head is what each line begins with.
type head struct {
	Time time.Time `json:"time"`
	Kind string    `json:"kind"`
}

// which job a line is about.
type which struct {
	Job string `json:"job"`
	Run string `json:"run"`
}

type beginLine struct {
	head
	which
	Version string   `json:"version"`
	Input   string   `json:"input"`
	Output  string   `json:"output"`
	Ops     []string `json:"ops"`
	Size    int      `json:"size"`
	Hosts   []string `json:"hosts"`
}

type progressLine struct {
	head
	which
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
	which
	State      string  `json:"state"`
	ExitStatus int     `json:"exit_status"`
	Error      string  `json:"error"`
	Elapsed    float64 `json:"elapsed_seconds"`
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
func (s *Stream) End(j watch.Job, e watch.End, elapsed time.Duration) {
	s.begin()
	s.put(endLine{head{e.Time, watch.Ends}, which{j.ID, j.Run}, e.State, e.ExitStatus, e.Error, elapsed.Seconds()})
}

// progress is the kind of a line that is no watch.Item.
const progress = "progress"

// streamEvery is how often a stream tells how far the job is.
const streamEvery = time.Second

// Follow tells that the job has begun, as soon as it is known which it is, and then once a second how far it is. All else is told after its beginning.
func (s *Stream) Follow(b *watch.Board) *Teller {
	s.mu.Lock()
	s.board = b
	s.mu.Unlock()
	sub := b.Subscribe(untilKnown)
	return start(func(ctx context.Context) {
		awaitKnown(ctx, sub)
		s.begin()
		var m Meter
		for Wait(ctx, streamEvery) {
			status := b.Snapshot()
			st := m.Take(&status)
			s.put(progressLine{head{st.Time, progress}, which{status.ID, status.Run}, st.Report()})
		}
	})
}

// untilKnown is how many items have room that come before it is known which job it is. What is lost costs a line its ID at most.
const untilKnown = 64

// awaitKnown waits until it is known which job it is: one that is resumed has the ID of an earlier attempt. That may take long, such as when INPUT is
// a pipe to which nobody writes.
func awaitKnown(ctx context.Context, sub *watch.Subscription) {
	defer sub.Close()
	limit := time.NewTimer(streamEvery)
	defer limit.Stop()
	for {
		select {
		case i := <-sub.Items:
			if i.Kind == watch.Known {
				return
			}
		case <-limit.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// begin tells which job it is, unless it has been told, and what has happened since.
func (s *Stream) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.board == nil {
		return
	}
	j := s.board.Snapshot().Job
	s.board = nil
	s.write(append(encode(beginLine{head{j.Began, watch.Begins}, which{j.ID, j.Run}, j.Version, j.Input, j.Output, list(j.Ops), j.Size, list(j.Hosts)}), s.held...))
	s.held = nil
}

func (s *Stream) put(line any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := encode(line); s.board != nil {
		s.held = append(s.held, b...)
	} else {
		s.write(b)
	}
}

// write writes whole lines. The lock is held.
func (s *Stream) write(b []byte) {
	_, _ = s.w.Write(b) // whoever does not read it any more does not want it
}

func encode(line any) []byte {
	b, err := json.Marshal(line)
	if err != nil {
		return nil // a number that is none; there are none such
	}
	return append(b, '\n')
}

// list is never null.
func list(texts []string) []string {
	if texts == nil {
		return []string{}
	}
	return texts
}
