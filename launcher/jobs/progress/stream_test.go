package progress

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"halorun/launcher"
	"halorun/launcher/jobs/watch"
)

// The names in the lines are promised to scripts.
func TestStreamNames(t *testing.T) {
	var out bytes.Buffer
	s := NewStream(&out)
	began := time.Unix(1, 0)
	job := watch.Job{ID: "j", Run: "r", Began: began}
	teller := s.Follow(watch.NewBoard(job))
	s.Event(launcher.Event{Rank: 1, What: "was killed"})
	s.Log(began, slog.LevelWarn, "careful")
	s.Line(launcher.HeadRank, "h", "stdout", "text \xff")
	s.put(progressLine{head{began, progress}, which{"j", "r"}, (&Standing{Fraction: -1, Left: -1}).Report()})
	teller.Close()
	s.End(job, watch.End{State: watch.Failed, ExitStatus: 3, Error: "no"}, time.Second)
	want := []string{
		"begin: hosts input job kind ops output run size time version",
		"event: action host kind member rank time what",
		"log: kind level text time",
		"line: host kind rank stream text time",
		"progress: elapsed_seconds fraction job kind megapixels megapixels_per_second pictures pictures_per_second remaining_seconds run state time",
		"end: elapsed_seconds error exit_status job kind run state time",
	}
	for i, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if got := fields["kind"].(string) + ": " + strings.Join(slices.Sorted(maps.Keys(fields)), " "); i >= len(want) || got != want[i] {
			t.Errorf("%s", got)
		}
		switch fields["kind"] {
		case "begin":
			if fields["ops"] == nil || fields["hosts"] == nil {
				t.Errorf("an empty list is null: %s", line)
			}
		case "progress":
			if fields["fraction"] != nil || fields["remaining_seconds"] != nil {
				t.Errorf("what is not known is said: %s", line)
			}
		}
	}
}

// A job that is resumed is told of by the ID it had, with its operations in full, and before all else, whatever was said before that was known.
func TestStreamBegins(t *testing.T) {
	var out bytes.Buffer
	s := NewStream(&out)
	s.Log(time.Unix(1, 0), slog.LevelWarn, "no job yet")
	b := watch.NewBoard(watch.Job{ID: "new", Run: "new", Ops: []string{"blur"}})
	teller := s.Follow(b)
	s.Log(time.Unix(1, 0), slog.LevelInfo, "first")
	s.Line(0, "h", "stdout", "second")
	b.Describe("old", watch.Picture{}, []string{"blur:size=3"})
	teller.Close()
	s.End(b.Snapshot().Job, watch.End{State: watch.Done}, time.Second)
	var got []string
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		var fields struct{ Kind, Text, Job, Run, Ops any }
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		got = append(got, fmt.Sprint(fields))
	}
	want := []string{
		"{log no job yet <nil> <nil> <nil>}", "{begin <nil> old new [blur:size=3]}", "{log first <nil> <nil> <nil>}", "{line second <nil> <nil> <nil>}",
		"{end <nil> old new <nil>}",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// A job that is not known for long is told of all the same.
func TestStreamBeginsUnknown(t *testing.T) {
	out := make(writes)
	s := NewStream(out)
	teller := s.Follow(watch.NewBoard(watch.Job{ID: "new"}))
	if got := <-out; !strings.Contains(got, `"kind":"begin","job":"new"`) {
		t.Errorf("%s", got)
	}
	if got := <-out; !strings.Contains(got, `"kind":"progress","job":"new"`) {
		t.Errorf("%s", got)
	}
	go func() {
		for range out {
		}
	}()
	teller.Close()
	close(out)
}

// writes are what is written to it.
type writes chan string

func (w writes) Write(b []byte) (int, error) {
	w <- string(b)
	return len(b), nil
}

func TestModes(t *testing.T) {
	if _, err := ParseMode("fast"); err == nil || !strings.Contains(err.Error(), "plain") {
		t.Errorf("%v", err)
	}
	terminal, _ := openTerminal(t, 80, 24)
	null := openNull(t)
	for _, c := range []struct {
		term       string
		mode, want Mode
		there      bool
	}{
		{"xterm", Auto, Bar, true}, {"dumb", Auto, Text, true}, {"", Auto, Text, true}, {"xterm", Auto, Text, false},
		{"xterm", Bar, Text, false}, {"dumb", Bar, Text, true}, {"xterm", Text, Text, true}, {"xterm", Never, Never, true}, {"xterm", JSON, JSON, false},
	} {
		t.Setenv("TERM", c.term)
		out := null
		if c.there {
			out = terminal
		}
		if got := c.mode.For(out); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}
