package history

import (
	"context"
	"time"
)

// Limits say what is kept of the history. Zero values set no limit.
type Limits struct {
	Age   time.Duration
	Jobs  int // -1: none
	Bytes int64
}

// Pruned says what has become of the jobs in the history.
type Pruned struct {
	Removed int   `json:"removed"`
	Left    int   `json:"left"`
	Bytes   int64 `json:"bytes"` // that are left
}

// Prune forgets the oldest jobs, with all their attempts, but none that runs. It leaves alone what can be resumed: that is the ledger's.
func (h *History) Prune(ctx context.Context, l Limits, now time.Time) (p Pruned, err error) {
	defer func() { err = h.target.about(err) }()
	all, err := h.Attempts(ctx, Query{})
	if err != nil {
		return p, err
	}
	type job struct {
		runs    []string
		last    time.Time
		running bool
	}
	byID := make(map[string]*job)
	var order []*job // the latest first
	for _, a := range all {
		j := byID[a.Job]
		if j == nil {
			j = &job{last: a.Last()}
			byID[a.Job] = j
			order = append(order, j)
		}
		j.runs = append(j.runs, a.Run)
		j.running = j.running || a.Running()
	}
	var left []*job
	var runs []string
	for i, j := range order {
		old := l.Age > 0 && now.Sub(j.last) > l.Age || l.Jobs != 0 && i >= max(0, l.Jobs)
		if old && !j.running {
			runs = append(runs, j.runs...)
			p.Removed++
		} else {
			left = append(left, j)
		}
	}
	if err := h.Remove(ctx, runs); err != nil {
		return p, err
	}
	for {
		if p.Bytes, err = h.Size(ctx); err != nil || l.Bytes <= 0 || p.Bytes <= l.Bytes {
			break
		}
		// By tenths: how much room a job takes only the database knows.
		var runs []string
		gone := 0
		for i := len(left) - 1; i >= 0 && gone < (len(order)+9)/10; i-- {
			if !left[i].running {
				runs = append(runs, left[i].runs...)
				left = append(left[:i], left[i+1:]...)
				gone++
			}
		}
		if gone == 0 {
			break
		}
		p.Removed += gone
		if err := h.Remove(ctx, runs); err != nil {
			return p, err
		}
	}
	p.Left = len(left)
	if err != nil || p.Removed == 0 {
		return p, err
	}
	if err := h.Compact(ctx); err != nil {
		return p, err
	}
	p.Bytes, err = h.Size(ctx)
	return p, err
}
