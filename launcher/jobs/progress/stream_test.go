package progress

import (
	"bytes"
	"encoding/json"
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
	s.Begin(watch.Job{ID: "j", Began: began})
	s.Event(launcher.Event{Rank: 1, What: "was killed"})
	s.Log(began, slog.LevelWarn, "careful")
	s.Line(launcher.HeadRank, "h", "stdout", "text \xff")
	s.put(progressLine{head{began, progress}, "j", (&Standing{Fraction: -1, Left: -1}).Report()})
	s.End("j", watch.End{State: watch.Failed, ExitStatus: 3, Error: "no"}, time.Second)
	want := []string{
		"begin: hosts input job kind ops output size time version",
		"event: action host kind member rank time what",
		"log: kind level text time",
		"line: host kind rank stream text time",
		"progress: elapsed_seconds fraction job kind megapixels megapixels_per_second pictures pictures_per_second remaining_seconds state time",
		"end: elapsed_seconds error exit_status job kind state time",
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
