package scaling

import (
	"fmt"
	"strings"

	"halorun/bench"
)

// significance is that of the difference between two numbers of ranks.
const significance = 1 - bench.Confidence

// doubt adds what speaks against taking the figures at their word.
func (s *Study) doubt() {
	warn := func(format string, args ...any) { s.Warnings = append(s.Warnings, fmt.Sprintf(format, args...)) }
	if load := s.Machine.Load; load > float64(s.Machine.Cores)/4 {
		warn("noise: the load of this machine was %.1f before the first run, on %s; figures of a busy machine are of little use", load, bench.Count(s.Machine.Cores, "core"))
	}
	few := bench.LeastP(s.Repeat, s.Repeat) >= significance
	if few {
		warn("noise: %s for each number of ranks cannot tell a difference from chance; --repeat 5 can", bench.Count(s.Repeat, "run"))
	}
	var uncertain, alike, crowd []string
	for i := range s.Points {
		p := &s.Points[i]
		if around := bench.ScatterOf(p.walls()); around.Part > bench.Noisy {
			uncertain = append(uncertain, fmt.Sprintf("%s %v", bench.Count(p.Ranks, "rank"), around))
		}
		if i > 0 && s.Mode == Strong && !few { // in weak scaling they are to be alike
			q := &s.Points[i-1]
			if pValue := bench.UTest(q.walls(), p.walls()); pValue >= significance {
				alike = append(alike, fmt.Sprintf("%d and %d ranks, p = %.2f", q.Ranks, p.Ranks, pValue))
			}
		}
		restarts := 0
		for _, r := range p.Runs {
			restarts += r.Restarts
		}
		if restarts > 0 {
			warn("%s lost and replaced in runs with %s, whose times are not those of an undisturbed job", bench.Count(restarts, "rank"), bench.Count(p.Ranks, "rank"))
		}
		if p.Oversubscribed {
			crowd = append(crowd, fmt.Sprintf("%d on %s", p.Ranks, bench.Count(p.Cores, "core")))
		}
	}
	if uncertain != nil {
		warn("noise: %s", bench.Uncertain(uncertain))
	}
	if alike != nil {
		warn("noise: times may differ by chance alone, by the Mann-Whitney U test: %s", strings.Join(alike, "; "))
	}
	if crowd != nil {
		warn("more ranks than cores: %s, each rank of %s; that cannot make a job faster", strings.Join(crowd, ", "), bench.Count(s.Threads, "thread"))
	}
}
