package monitor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"

	"halorun/launcher"
	"halorun/launcher/jobs/progress"
	"halorun/launcher/jobs/progress/terminaltest"
	"halorun/launcher/jobs/watch"
)

// snapshot is of jobs with so many ranks.
func snapshot(sizes ...int) *Snapshot {
	s := &Snapshot{Jobs: []Job{}}
	for i, n := range sizes {
		b := watch.NewBoard(watch.Job{ID: fmt.Sprint("job", i), Run: fmt.Sprint("job", i), Began: time.Now(), Input: "in\x1b[2J.ppm", Size: n})
		b.Describe(fmt.Sprint("job", i), watch.Picture{Width: 10, Height: 20}, []string{"invert"})
		for r := range n {
			b.Progress(r, uint32(r), fmt.Sprint("host", r/2), []byte(`{"epoch":1,"all":2000,"left":2000,"since":1,"computed":1,"tiles":1}`))
		}
		b.Event(launcher.Event{Rank: 1, What: "rank 1 was killed", Action: "another takes its place"})
		status := b.Snapshot()
		st := new(progress.Meter).Take(&status)
		s.Jobs = append(s.Jobs, Job{status, st.Report(), st})
	}
	return s
}

// What is shown fits any terminal, and nothing in it commands one.
func TestLinesFit(t *testing.T) {
	for _, sizes := range [][]int{nil, {1}, {3}, {100}, {2, 3}, {1, 1, 1, 1}} {
		for _, size := range [][2]int{{79, 23}, {199, 49}, {10, 3}, {1, 1}, {0, 0}, {79, 8}} {
			lines := snapshot(sizes...).Lines(size[0], size[1])
			if len(lines) > size[1] {
				t.Errorf("%v: %d lines of %d", sizes, len(lines), size[1])
			}
			for _, line := range lines {
				if runewidth.StringWidth(line) > size[0] || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' }) {
					t.Errorf("%v: %q in %d columns", sizes, line, size[0])
				}
			}
		}
	}
	text := strings.Join(snapshot(100).Lines(200, 20), "\n")
	for _, want := range []string{"job job0", "5 %", "epoch 1  1 event; last: ", "rank 1 was killed; another takes its place", "RANK", "and 88 more", "50 hosts"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

// The names are promised to scripts, and what is printed can be read back, as it is from another host.
func TestSnapshotNames(t *testing.T) {
	b, err := json.Marshal(snapshot(2, 1))
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Jobs []map[string]any }
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	want := "began command dir events hosts input job last_event lost ops output picture progress ranks run size state time version"
	if got := strings.Join(slices.Sorted(maps.Keys(all.Jobs[0])), " "); got != want {
		t.Errorf("%s", got)
	}
	if got := strings.Join(slices.Sorted(maps.Keys(all.Jobs[0]["progress"].(map[string]any))), " "); got != "elapsed_seconds fraction megapixels megapixels_per_second pictures pictures_per_second remaining_seconds state" {
		t.Errorf("%s", got)
	}
	p := NewPipe(io.NopCloser(bytes.NewReader(append(b, '\n'))))
	statuses, err := p.Look(t.Context(), "")
	if err != nil || len(statuses) != 2 || statuses[0].ID != "job0" || statuses[0].Ranks[1].Part().Tiles != 1 || statuses[0].Last.What != "rank 1 was killed" {
		t.Errorf("%+v, %v", statuses, err)
	}
	if _, err := p.Look(t.Context(), ""); !errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}
}

// Where there is no terminal the jobs are printed once, or, when asked for, until the job has ended.
func TestTop(t *testing.T) {
	home(t, t.TempDir())
	out := func(top *Top, during func()) string {
		t.Helper()
		f, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		local := new(Local)
		defer local.Close()
		top.Source, top.Keys, top.Interval = local, f, 10*time.Millisecond
		if during != nil {
			go during()
		}
		if err := top.Run(context.Background(), f); err != nil {
			t.Error(err)
		}
		b, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if got := out(&Top{}, nil); got != "no job is running\n" {
		t.Errorf("%q", got)
	}
	if got := out(&Top{JSON: true}, nil); !strings.Contains(got, `"jobs":[]`) {
		t.Errorf("%q", got)
	}
	b := board("aabbccdd")
	s := serving(t, b)
	if got := out(&Top{}, nil); !strings.Contains(got, "job aabbccdd  running") || !strings.Contains(got, "25 %") {
		t.Errorf("%s", got)
	}
	text := out(&Top{JSON: true, Stream: true}, func() {
		b.Event(launcher.Event{What: "something"})
		<-time.After(50 * time.Millisecond)
		s.Close()
	})
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for _, line := range lines {
		if err := json.Unmarshal([]byte(line), new(Snapshot)); err != nil {
			t.Errorf("%q: %v", line, err)
		}
	}
	if !strings.HasSuffix(lines[len(lines)-1], `"jobs":[]}`) {
		t.Errorf("the last line is %q", lines[len(lines)-1])
	}
	local := new(Local)
	defer local.Close()
	if err := (&Top{Source: local, Name: "ffff"}).Run(context.Background(), os.Stdout); !errors.Is(err, ErrNoJob) {
		t.Errorf("%v", err)
	}
}

// sluggish is a source that answers but the first question only when nobody wants to know any more.
type sluggish struct {
	asked chan struct{} // closed when it is asked again
	jobs  []*watch.Status
	over  bool
}

func (s *sluggish) Look(ctx context.Context, _ string) ([]*watch.Status, error) {
	if jobs := s.jobs; jobs != nil {
		s.jobs = nil
		return jobs, nil
	}
	close(s.asked)
	<-ctx.Done()
	s.over = true
	return nil, ctx.Err()
}

// Whoever has enough does not wait for an answer, and nobody looks any more then.
func TestTopEnds(t *testing.T) {
	t.Setenv("TERM", "xterm")
	screen, terminal := terminaltest.Open(t, 80, 24)
	var shown sync.WaitGroup
	shown.Go(func() { _, _ = io.Copy(io.Discard, screen) })
	ctx, cancel := context.WithCancel(context.Background())
	status := board("aabbccdd").Snapshot()
	source := &sluggish{make(chan struct{}), []*watch.Status{&status}, false}
	go func() {
		<-source.asked
		cancel()
	}()
	if err := (&Top{Source: source, Interval: time.Millisecond, Keys: terminal}).Run(ctx, terminal); err != nil || !source.over {
		t.Errorf("it has ended while it looks: %v, %v", !source.over, err)
	}
	terminal.Close()
	shown.Wait()
}

// A pipe that is silent keeps nobody who has enough.
func TestPipeEnds(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := NewPipe(r).Look(ctx, ""); !errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}
}

// What is known of a job is forgotten when it is gone: one that comes anew is followed from its beginning.
func TestForgotten(t *testing.T) {
	status := board("aabbccdd").Snapshot()
	source := &listed{[]*watch.Status{&status}}
	w := newWatcher(source)
	for _, jobs := range [][]*watch.Status{{&status}, {}, {&status}} {
		source.jobs = jobs
		if snap, err := w.Look(t.Context(), ""); err != nil || len(snap.Jobs) != len(jobs) || len(w.meters) != len(jobs) {
			t.Errorf("%d jobs, %d meters of %d, %v", len(snap.Jobs), len(w.meters), len(jobs), err)
		}
	}
}

type listed struct{ jobs []*watch.Status }

func (l *listed) Look(context.Context, string) ([]*watch.Status, error) { return l.jobs, nil }
