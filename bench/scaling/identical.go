package scaling

import (
	"fmt"
	"slices"
	"strings"

	"halorun/bench"
)

// DifferError says that outputs are not the same which should be.
type DifferError struct{ differ []string }

func (e *DifferError) Error() string { return "outputs differ: " + strings.Join(e.differ, "; ") }

// Err is a DifferError if outputs differ.
func (s *Study) Err() error {
	if s.Identical {
		return nil
	}
	return &DifferError{s.Differ}
}

// compare finds out whether all outputs of a picture are identical, with whatever ranks they were made, and which are not.
func (s *Study) compare() {
	s.Differ = []string{}
	var same []Run // of one picture
	for i := range s.Points {
		p := &s.Points[i]
		p.Checksums = nil
		runs := p.Runs
		if p.WarmUp != nil {
			runs = append([]Run{*p.WarmUp}, runs...)
		}
		for _, r := range runs {
			if !slices.Contains(p.Checksums, r.Checksum) {
				p.Checksums = append(p.Checksums, r.Checksum)
			}
		}
		same = append(same, runs...)
		if p.Check != nil {
			same = append(same, *p.Check)
		}
		if s.Mode == Weak || i == len(s.Points)-1 {
			s.differing(same)
			same = nil
		}
	}
	s.Identical = len(s.Differ) == 0
}

// differing notes which runs made which output, if there are several.
func (s *Study) differing(runs []Run) {
	var sums []string
	by := make(map[string]map[int]int)
	for _, r := range runs {
		if by[r.Checksum] == nil {
			by[r.Checksum] = make(map[int]int)
			sums = append(sums, r.Checksum)
		}
		by[r.Checksum][r.Ranks]++
	}
	if len(sums) == 1 {
		return
	}
	for _, sum := range sums {
		var who []string
		for _, r := range runs {
			if n := by[sum][r.Ranks]; n > 0 {
				who = append(who, fmt.Sprintf("%s (%s)", bench.Count(r.Ranks, "rank"), bench.Count(n, "run")))
				delete(by[sum], r.Ranks)
			}
		}
		s.Differ = append(s.Differ, fmt.Sprintf("%s made %.12s", strings.Join(who, ", "), sum))
	}
}
