package history

import (
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"halorun/launcher/jobs/messages"
	"halorun/launcher/jobs/watch"
)

// Killed is the state of an attempt whose launcher ended without a word, besides those of package watch.
const Killed = "killed"

// States are all states of an attempt.
func States() []string { return append(watch.States(), Killed) }

// Attempt is a run of a job. A job that is resumed has several.
type Attempt struct {
	Run        string          `json:"run"` // which nothing else has
	Job        string          `json:"job"`
	State      string          `json:"state"`
	Begun      time.Time       `json:"begun"`
	Ended      time.Time       `json:"ended,omitzero"`
	Seen       time.Time       `json:"seen"` // running
	User       string          `json:"user"`
	Machine    string          `json:"machine"` // of the launcher
	PID        int             `json:"pid"`     // of the launcher
	Version    string          `json:"version"`
	Command    []string        `json:"command"`
	Dir        string          `json:"dir"`
	Input      string          `json:"input"`
	Output     string          `json:"output"`
	Ops        []string        `json:"ops"`
	Ranks      int             `json:"ranks"`
	Hosts      []string        `json:"hosts"`
	Picture    watch.Picture   `json:"picture"`
	ExitStatus int             `json:"exit_status"`
	Error      string          `json:"error"`
	Events     int             `json:"events"`
	Entries    int64           `json:"entries"` // lines of the spool that were brought
	Dropped    int64           `json:"dropped"` // entries that were not recorded
	Bytes      int64           `json:"bytes"`   // of all that is recorded of it
	Report     json.RawMessage `json:"report,omitempty"`
}

// Running tells whether an attempt has not ended, as far as is known.
func (a *Attempt) Running() bool { return slices.Contains(watch.Alive(), a.State) }

// Last returns until when an attempt is known to have run.
func (a *Attempt) Last() time.Time {
	if a.Ended.IsZero() {
		return a.Seen
	}
	return a.Ended
}

// searched returns what a search for text looks into, besides the entries.
func (a *Attempt) searched() string {
	fields := append([]string{a.Run, a.Job, a.User, a.Machine, a.Version, a.Dir, a.Input, a.Output, a.Error}, a.Command...)
	return folded(strings.Join(append(append(fields, a.Ops...), a.Hosts...), "\n"))
}

// folded makes upper and lower case equal.
func folded(s string) string { return strings.ToLower(s) }

// Entry is something that happened or was said in an attempt.
type Entry struct {
	Seq    int64      `json:"seq"`
	Time   time.Time  `json:"time"`
	Kind   string     `json:"kind"` // event, log or line, as in package watch
	Level  slog.Level `json:"level"`
	Rank   *int       `json:"rank,omitempty"` // below 0: the source and sink, which is no rank
	Host   string     `json:"host,omitempty"`
	Stream string     `json:"stream,omitempty"`
	Text   string     `json:"text"`
}

// maxText is how much of a line is recorded, in bytes.
const maxText = 8 << 10

// brief makes a line one that every database takes, and not too long.
func brief(s string) string {
	if len(s) > maxText {
		s = s[:maxText] + "…"
	}
	return plainText(s)
}

// plainText makes a text one that every database takes.
func plainText(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return strings.ReplaceAll(s, "\x00", "\uFFFD")
}

func plainTexts(all []string) []string {
	texts := make([]string, len(all))
	for i, s := range all {
		texts[i] = plainText(s)
	}
	return texts
}

// origin is where and by whom an attempt was started.
type origin struct {
	User    string `json:"user"`
	Machine string `json:"machine"`
	PID     int    `json:"pid"`
}

// line is one of a spool.
type line struct {
	Origin  *origin     `json:"origin,omitempty"` // in the first
	Dropped int64       `json:"dropped,omitempty"`
	Item    *watch.Item `json:"item,omitempty"`
}

// folder makes an attempt and its entries of the lines of a spool.
type folder struct{ Attempt }

// add takes the next line. It returns the entry that it holds, or nil.
func (f *folder) add(l *line, bytes int) *Entry {
	f.Entries++
	f.Bytes += int64(bytes)
	if l.Origin != nil {
		f.User, f.Machine, f.PID = l.Origin.User, l.Origin.Machine, l.Origin.PID
	}
	f.Dropped = max(f.Dropped, l.Dropped)
	i := l.Item
	if i == nil {
		return nil
	}
	if i.Time.After(f.Seen) {
		f.Seen = exact(i.Time)
	}
	e := &Entry{Seq: f.Entries, Time: exact(i.Time), Kind: i.Kind, Level: i.Level, Rank: i.Rank, Host: plainText(i.Host), Stream: i.Where, Text: brief(i.Text)}
	switch i.Kind {
	case watch.Begins, watch.Known:
		f.describe(i)
		return nil
	case watch.Ends:
		f.end(i.End)
		return nil
	case watch.Happens:
		if i.Event == nil {
			return nil
		}
		f.Events++
		e.Level, e.Rank, e.Host, e.Text = slog.LevelWarn, &i.Event.Rank, plainText(i.Event.Host), brief(messages.OneLine(i.Event.String()))
	case watch.Says:
	case watch.Prints:
		if i.Where == "stderr" {
			e.Level = slog.LevelWarn
		}
	default:
		return nil
	}
	return e
}

func (f *folder) describe(i *watch.Item) {
	j := i.Job
	if j == nil {
		return
	}
	f.Run, f.Job, f.Version, f.Begun = j.Run, j.ID, j.Version, exact(j.Began)
	f.Command, f.Dir, f.Input, f.Output = plainTexts(j.Command), plainText(j.Dir), plainText(j.Input), plainText(j.Output)
	f.Ops, f.Ranks, f.Hosts = plainTexts(j.Ops), j.Size, plainTexts(j.Hosts)
	if i.Picture != nil {
		f.Picture = *i.Picture
	}
	f.State = watch.Starting
	if i.Kind == watch.Known {
		f.State = watch.Running
	}
}

func (f *folder) end(e *watch.End) {
	if e == nil {
		return
	}
	f.State, f.Ended, f.ExitStatus, f.Error, f.Report = e.State, exact(e.Time), e.ExitStatus, plainText(e.Error), e.Report
}

// exact returns a time as all databases keep it.
func exact(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return time.UnixMilli(t.UnixMilli()).UTC()
}
