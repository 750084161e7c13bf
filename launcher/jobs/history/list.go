package history

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"halorun/launcher/jobs"
	"halorun/launcher/jobs/watch"
)

const (
	// Stopped is the state of a job that can be resumed, and of which nothing else is known.
	Stopped = "stopped"
	// Resumable stands for any state of a job that can be resumed, in a filter.
	Resumable = "resumable"
)

// Row is a job as it is listed: its latest attempt, and what the ledger says.
type Row struct {
	*Attempt
	Ledger *jobs.Job // nil: it cannot be resumed
}

// MarshalJSON gives one object of both. What the ledger says of itself stands under the names it has always had.
func (r Row) MarshalJSON() ([]byte, error) {
	all := make(map[string]json.RawMessage)
	parts := []any{r.Attempt, struct {
		Resumable bool `json:"resumable"`
	}{r.Ledger != nil}}
	if r.Ledger != nil {
		parts = append(parts, r.Ledger)
	}
	for _, part := range parts {
		b, err := json.Marshal(part)
		if err == nil {
			err = json.Unmarshal(b, &all)
		}
		if err != nil {
			return nil, err
		}
	}
	return json.Marshal(all)
}

// Wanted says which jobs are listed.
type Wanted struct {
	IDs          []string
	States       []string
	Resumable    bool // only those
	Since, Until time.Time
	Text         string
	Limit        int // of jobs; 0: all
}

// IsAll tells whether nothing is asked of jobs but which they are.
func (w Wanted) IsAll() bool {
	return len(w.States) == 0 && !w.Resumable && w.Since.IsZero() && w.Until.IsZero() && w.Text == "" && (w.Limit == 0 || w.Limit >= len(w.IDs))
}

// List returns jobs, the latest first, of the history and of the ledger, which is the authority on what can be resumed. Without a history, h
// is nil.
func List(ctx context.Context, h *History, root string, w Wanted) ([]Row, error) {
	ledger, err := jobs.List(root)
	if err != nil {
		return nil, err
	}
	kept := make(map[string]*jobs.Job)
	for _, j := range ledger {
		kept[j.ID] = j
	}
	var rows []Row
	found := make(map[string]bool)
	if h != nil {
		attempts, err := h.listed(ctx, w, ledger)
		if err != nil {
			return nil, h.target.about(err)
		}
		for _, a := range attempts {
			if !found[a.Job] {
				found[a.Job] = true
				rows = append(rows, merged(root, a, kept[a.Job]))
			}
		}
	}
	for _, j := range ledger {
		if !found[j.ID] {
			rows = append(rows, merged(root, nil, j))
		}
	}
	rows = slices.DeleteFunc(rows, func(r Row) bool { return !w.wants(r, found[r.Job]) })
	slices.SortStableFunc(rows, func(a, b Row) int { return b.Begun.Compare(a.Begun) })
	if w.Limit > 0 && len(rows) > w.Limit {
		rows = rows[:w.Limit]
	}
	return rows, nil
}

// listed returns the latest attempts that may be wanted, and those of jobs in the ledger, whose state may be another.
func (h *History) listed(ctx context.Context, w Wanted, ledger []*jobs.Job) ([]*Attempt, error) {
	q := Query{Latest: true, IDs: w.IDs, Since: w.Since, Until: w.Until, Text: w.Text}
	if w.Limit > 0 {
		q.Limit = w.Limit + len(ledger)
	}
	if !slices.Contains(w.States, Resumable) && !slices.Contains(w.States, Stopped) {
		q.States = w.States
	}
	var attempts []*Attempt
	if !w.Resumable {
		var err error
		if attempts, err = h.Attempts(ctx, q); err != nil {
			return nil, err
		}
	}
	q.Limit, q.States, q.IDs = 0, nil, nil
	for _, j := range ledger {
		if len(w.IDs) == 0 || slices.Contains(w.IDs, j.ID) {
			q.IDs = append(q.IDs, j.ID)
		}
	}
	if len(q.IDs) == 0 {
		return attempts, nil
	}
	others, err := h.Attempts(ctx, q)
	return append(attempts, others...), err
}

// merged is a job of the history, of the ledger, or of both.
func merged(root string, a *Attempt, j *jobs.Job) Row {
	if j == nil {
		return Row{a, nil}
	}
	if a == nil {
		a = &Attempt{
			Run: j.ID, Job: j.ID, State: Stopped, Version: j.Version, Begun: j.Begun, Seen: j.Begun, Input: j.Input, Output: j.Output, Ops: j.Ops,
		}
	}
	if jobs.Runs(root, j.ID) {
		a.State = watch.Running
	}
	return Row{a, j}
}

// wants tells whether a row passes. Text of one that is in the history was looked for there.
func (w Wanted) wants(r Row, inHistory bool) bool {
	switch {
	case len(w.IDs) > 0 && !slices.Contains(w.IDs, r.Job) && !slices.Contains(w.IDs, r.Run):
		return false
	case w.Resumable && r.Ledger == nil:
		return false
	case len(w.States) > 0 && !slices.Contains(w.States, r.State) && !(r.Ledger != nil && slices.Contains(w.States, Resumable)):
		return false
	case !w.Since.IsZero() && r.Begun.Before(w.Since), !w.Until.IsZero() && !r.Begun.Before(w.Until):
		return false
	}
	return inHistory || w.Text == "" || strings.Contains(r.searched(), folded(w.Text))
}

// Job returns all attempts at a job, or at that of an attempt, the latest first. There may be none.
func (h *History) Job(ctx context.Context, id string) ([]*Attempt, error) {
	all, err := h.Attempts(ctx, Query{IDs: []string{id}, Reports: true})
	if err == nil && len(all) > 0 && all[0].Job != id {
		all, err = h.Attempts(ctx, Query{IDs: []string{all[0].Job}, Reports: true})
	}
	return all, h.target.about(err)
}

// Each calls f for the entries of an attempt after one, in order, and returns the number of the last.
func (h *History) Each(ctx context.Context, run string, after int64, f func(*Entry) error) (last int64, err error) {
	const page = 1000
	for {
		entries, err := h.Entries(ctx, run, after, page)
		if err != nil {
			return after, h.target.about(err)
		}
		for i := range entries {
			if err := f(&entries[i]); err != nil {
				return after, err
			}
			after = entries[i].Seq
		}
		if len(entries) < page {
			return after, nil
		}
	}
}
