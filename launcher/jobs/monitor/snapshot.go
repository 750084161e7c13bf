package monitor

import (
	"context"
	"time"

	"halorun/launcher/jobs/progress"
	"halorun/launcher/jobs/watch"
)

// Snapshot is how the jobs are that somebody watches. Its names are a promise to scripts.
type Snapshot struct {
	Time time.Time `json:"time"`
	Jobs []Job     `json:"jobs"` // the latest first
}

// Job is how a job is.
type Job struct {
	watch.Status
	Progress progress.Report   `json:"progress"`
	standing progress.Standing // of the same moment
}

// Source is where it is known how jobs are.
type Source interface {
	// Look returns how those are that are called so, or all; the latest first. When ctx has ended it returns soon, and is not to be called again.
	Look(ctx context.Context, name string) ([]*watch.Status, error)
}

// watcher watches jobs.
type watcher struct {
	source Source
	meters map[string]*progress.Meter // of the jobs that were there last, by run
}

// newWatcher returns a watcher of the source's jobs.
func newWatcher(s Source) *watcher { return &watcher{s, make(map[string]*progress.Meter)} }

// Look takes a snapshot.
func (w *watcher) Look(ctx context.Context, name string) (*Snapshot, error) {
	all, err := w.source.Look(ctx, name)
	if err != nil {
		return nil, err
	}
	snap := &Snapshot{Time: time.Now(), Jobs: []Job{}}
	before := w.meters
	w.meters = make(map[string]*progress.Meter, len(all))
	for _, s := range all {
		m := before[s.Run]
		if m == nil {
			m = new(progress.Meter)
		}
		w.meters[s.Run] = m
		st := m.Take(s)
		snap.Jobs = append(snap.Jobs, Job{*s, st.Report(), st})
	}
	return snap, nil
}
