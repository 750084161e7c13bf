package watch_test

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"halorun/launcher"
	"halorun/launcher/jobs/watch"
)

// Whoever subscribes hears of the job first, and then of all that happens, in order; what has no room is counted, and the end has
// room always.
func TestSubscribe(t *testing.T) {
	b := watch.NewBoard(watch.Job{ID: "j", Began: time.Unix(1, 0)})
	wide, narrow := b.Subscribe(10), b.Subscribe(2)
	b.Describe("k", watch.Picture{Width: 3}, []string{"invert"})
	b.Event(launcher.Event{Rank: 1, What: "was killed"})
	b.Log(slog.LevelWarn, "careful")
	b.Line(launcher.HeadRank, "h1", "stderr", "hello")
	b.Finish(watch.End{State: watch.Done})
	wide.Close()
	wide.Close()
	narrow.Close()
	var kinds []string
	for i := range wide.Items {
		kinds = append(kinds, i.Kind)
		if i.Kind == watch.Known && (i.Job.ID != "k" || i.Picture.Width != 3) {
			t.Errorf("it is known as %+v, %+v", i.Job, i.Picture)
		}
	}
	if want := []string{watch.Begins, watch.Known, watch.Happens, watch.Says, watch.Prints, watch.Ends}; !slices.Equal(kinds, want) {
		t.Errorf("%v, want %v", kinds, want)
	}
	kinds = nil
	for i := range narrow.Items {
		kinds = append(kinds, i.Kind)
	}
	if want := []string{watch.Begins, watch.Known, watch.Ends}; !slices.Equal(kinds, want) || narrow.Dropped() != 3 || wide.Dropped() != 0 {
		t.Errorf("%v, want %v; %d and %d dropped", kinds, want, narrow.Dropped(), wide.Dropped())
	}
	b.Log(slog.LevelInfo, "nobody hears it")
}

// A rank is its latest member, whatever comes late of those before.
func TestSnapshot(t *testing.T) {
	b := watch.NewBoard(watch.Job{ID: "j"})
	if s := b.Snapshot(); s.State != watch.Starting || len(s.Ranks) != 0 {
		t.Errorf("%+v", s)
	}
	b.Describe("k", watch.Picture{}, nil)
	if s := b.Snapshot(); s.State != watch.Running {
		t.Errorf("%+v", s)
	}
	b.Progress(1, 1, "h1", []byte(`{"rows":5}`))
	b.Progress(0, 0, "h1", []byte(`{"rows":1}`))
	b.Progress(1, 2, "h2", []byte(`{"rows":6}`))
	b.Progress(1, 1, "h1", []byte(`{"rows":7}`))
	s := b.Snapshot()
	if s.State != watch.Running || len(s.Ranks) != 2 || s.Ranks[1].Member != 2 || string(s.Ranks[1].Result) != `{"rows":6}` {
		t.Errorf("%+v", s)
	}
	if len(s.Lost) != 1 || string(s.Lost[0].Result) != `{"rows":5}` {
		t.Errorf("lost %+v", s.Lost)
	}
	if s := b.Snapshot(); s.Committing != nil {
		t.Errorf("it is committing since %v", s.Committing)
	}
	b.Commit()
	if s := b.Snapshot(); s.Committing == nil || s.Committing.After(s.Time) || s.State != watch.Running {
		t.Errorf("%+v", s)
	}
	b.Finish(watch.End{State: watch.Failed, ExitStatus: 3})
	if s := b.Snapshot(); s.State != watch.Failed || s.End.ExitStatus != 3 {
		t.Errorf("%+v", s)
	}
}
