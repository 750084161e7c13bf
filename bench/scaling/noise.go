package scaling

import (
	"fmt"
	"strings"
)

// noisy is how far the times of one job may be apart before it is worth a word, as a part of their median.
const noisy = 0.1

// doubt adds what speaks against taking the figures at their word.
func (s *Study) doubt() {
	warn := func(format string, args ...any) { s.Warnings = append(s.Warnings, fmt.Sprintf(format, args...)) }
	if load := s.Machine.Load; load > float64(s.Machine.Cores)/4 {
		warn("noise: the load of this machine was %.1f before the first run, on %s; figures of a busy machine are of little use", load, count(s.Machine.Cores, "core"))
	}
	if s.Repeat == 1 {
		warn("noise: one run for each number of ranks tells nothing of it; --repeat 5 does")
	}
	var apart, overlapping, crowd []string
	for i, p := range s.Points {
		if r := p.Wall.relative(); r > noisy {
			apart = append(apart, fmt.Sprintf("%s %.0f%% (%s to %s)", count(p.Ranks, "rank"), 100*r, seconds(p.Wall.Min), seconds(p.Wall.Max)))
		}
		if i > 0 && s.Repeat > 1 {
			if q := s.Points[i-1]; p.Wall.Min <= q.Wall.Max && q.Wall.Min <= p.Wall.Max {
				overlapping = append(overlapping, fmt.Sprintf("%d and %d", q.Ranks, p.Ranks))
			}
		}
		restarts := 0
		for _, r := range p.Runs {
			restarts += r.Restarts
		}
		if restarts > 0 {
			warn("%s lost and replaced in runs with %s, whose times are not those of an undisturbed job", count(restarts, "rank"), count(p.Ranks, "rank"))
		}
		if p.Oversubscribed {
			crowd = append(crowd, fmt.Sprintf("%d on %s", p.Ranks, count(p.Cores, "core")))
		}
	}
	if apart != nil {
		warn("noise: times are far apart: %s; a machine without other work, or more runs (--repeat), make them better", strings.Join(apart, ", "))
	}
	if overlapping != nil && s.Mode == Strong {
		warn("noise: times overlap with %s ranks; the difference may be chance", strings.Join(overlapping, ", "))
	}
	if crowd != nil {
		warn("more ranks than cores: %s, each rank of %s; that cannot make a job faster", strings.Join(crowd, ", "), count(s.Threads, "thread"))
	}
}

// seconds shows a time in the unit that suits it.
func seconds(s float64) string {
	switch {
	case s < 0.0995:
		return fmt.Sprintf("%.1f ms", 1e3*s)
	case s < 0.9995:
		return fmt.Sprintf("%.0f ms", 1e3*s)
	case s < 9.995:
		return fmt.Sprintf("%.2f s", s)
	}
	return fmt.Sprintf("%.1f s", s)
}
