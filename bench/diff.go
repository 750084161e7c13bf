package bench

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Confidence is that of the intervals around medians.
const Confidence = 0.95

// Diff is a comparison of figures.
type Diff struct {
	Alpha    float64      `json:"alpha"`
	FailOver float64      `json:"fail_over,omitempty"` // 0: nothing fails
	Old      DiffSide     `json:"old"`
	New      DiffSide     `json:"new"`
	Warnings []string     `json:"warnings"`
	Series   []SeriesDiff `json:"series"`
	Means    []MeanDiff   `json:"geometric_means"`
	OnlyOld  []string     `json:"only_old"`
	OnlyNew  []string     `json:"only_new"`
	Failed   []string     `json:"failed"` // the series that are worse by more than FailOver, and not by chance
}

// DiffSide says where figures come from.
type DiffSide struct {
	Path    string   `json:"path"`
	Date    string   `json:"date,omitempty"`
	Version string   `json:"version,omitempty"`
	Machine *Machine `json:"machine,omitempty"`
}

// Verdicts of a series.
const (
	Same   = "same" // the difference is not beyond the noise
	Better = "better"
	Worse  = "worse"
)

// SeriesDiff compares a series with what it was.
type SeriesDiff struct {
	Name          string   `json:"name"`
	Unit          string   `json:"unit"`
	LowerIsBetter bool     `json:"lower_is_better"`
	Old           Estimate `json:"old"`
	New           Estimate `json:"new"`
	Ratio         float64  `json:"ratio"` // of the medians, new / old
	P             float64  `json:"p"`     // of the Mann-Whitney U test
	Verdict       string   `json:"verdict"`
	Fails         bool     `json:"fails"`
}

// Estimate is a median and the interval that holds it.
type Estimate struct {
	Runs   int      `json:"runs"`
	Median float64  `json:"median"`
	Low    *float64 `json:"low"` // null: there are too few runs to tell
	High   *float64 `json:"high"`
}

// MeanDiff is the geometric mean of the ratios of all series of a unit but the yardstick.
type MeanDiff struct {
	Unit          string  `json:"unit"`
	LowerIsBetter bool    `json:"lower_is_better"`
	Series        int     `json:"series"`
	Ratio         float64 `json:"ratio"`
}

// Compare compares two sets of figures, as benchstat does: medians, and the U test to tell differences from noise. A series fails that is
// worse, significantly at alpha, by more than the ratio failOver, unless that is 0.
func Compare(from, to *Figures, alpha, failOver float64) (*Diff, error) {
	d := &Diff{Alpha: alpha, FailOver: failOver, Old: from.side(), New: to.side(),
		Warnings: []string{}, Series: []SeriesDiff{}, OnlyOld: []string{}, OnlyNew: []string{}, Failed: []string{}}
	now := map[string]Series{}
	for _, s := range to.Series {
		now[s.Name] = s
	}
	was := map[string]bool{}
	for _, a := range from.Series {
		was[a.Name] = true
		b, ok := now[a.Name]
		if !ok {
			d.OnlyOld = append(d.OnlyOld, a.Name)
			continue
		}
		if a.Unit != b.Unit {
			return nil, fmt.Errorf("%q is in %s in OLD and in %s in NEW", a.Name, a.Unit, b.Unit)
		}
		if a.LowerIsBetter != b.LowerIsBetter {
			return nil, fmt.Errorf("%q: lower_is_better is %t in OLD and %t in NEW", a.Name, a.LowerIsBetter, b.LowerIsBetter)
		}
		d.Series = append(d.Series, compareSeries(a, b, alpha))
	}
	for _, s := range to.Series {
		if !was[s.Name] {
			d.OnlyNew = append(d.OnlyNew, s.Name)
		}
	}
	if len(d.Series) == 0 {
		return nil, errors.New("OLD and NEW have no series of the same name, so there is nothing to compare")
	}
	d.fail()
	d.means()
	d.warn(from, to)
	return d, nil
}

func (f *Figures) side() DiffSide {
	return DiffSide{Date: f.Date, Version: f.Version, Machine: f.Machine}
}

func compareSeries(a, b Series, alpha float64) SeriesDiff {
	s := SeriesDiff{Name: a.Name, Unit: a.Unit, LowerIsBetter: a.LowerIsBetter, Old: estimate(a.Values), New: estimate(b.Values), P: UTest(a.Values, b.Values), Verdict: Same}
	s.Ratio = s.New.Median / s.Old.Median
	if s.P < alpha && s.Ratio != 1 {
		s.Verdict = Better
		if s.Ratio > 1 == s.LowerIsBetter {
			s.Verdict = Worse
		}
	}
	return s
}

func estimate(values []float64) Estimate {
	e := Estimate{Runs: len(values), Median: Median(values)}
	if low, high, ok := MedianInterval(values, Confidence); ok {
		e.Low, e.High = &low, &high
	}
	return e
}

// worse returns by what factor the series is worse, below 1 if it is better.
func (s SeriesDiff) worse() float64 {
	if s.LowerIsBetter {
		return s.Ratio
	}
	return 1 / s.Ratio
}

// fail finds the series that fail. Of many series that are as they were, alpha of them seem to differ, and on a noisy machine by a lot; so
// those that fail are held to Benjamini and Hochberg (1995): with the i least p-values of n, the i-th is at most i·alpha/n. And where the
// machine itself was slower, times may be that much longer.
func (d *Diff) fail() {
	if d.FailOver == 0 {
		return
	}
	var ps []float64
	for _, s := range d.Series {
		if s.Name != yardstickName {
			ps = append(ps, s.P)
		}
	}
	slices.Sort(ps)
	limit := 0.0
	for i, p := range ps {
		if p <= float64(i+1)*d.Alpha/float64(len(ps)) {
			limit = p
		}
	}
	drift, chance := d.drift(), 0
	for i := range d.Series {
		s := &d.Series[i]
		allowed := d.FailOver
		if s.Unit == "s" || s.Unit == "ms" {
			allowed *= drift
		}
		switch {
		case s.Name == yardstickName || s.Verdict != Worse || s.worse() <= allowed:
		case s.P > limit:
			chance++
		default:
			s.Fails = true
			d.Failed = append(d.Failed, s.Name)
		}
	}
	if chance > 0 {
		d.Warnings = append(d.Warnings, fmt.Sprintf("%d series are worse by more than %g, but of %d series as many may seem so by chance; more runs would tell", chance, d.FailOver, len(ps)))
	}
	if drift > 1 {
		d.Warnings = append(d.Warnings, fmt.Sprintf("the machine itself was slower by a factor of %.2f when NEW was measured; times fail over %.4g only", drift, d.FailOver*drift))
	}
}

// drift returns by what factor the machine itself was slower when NEW was measured, or 1 if it is not known to have been.
func (d *Diff) drift() float64 {
	for _, s := range d.Series {
		if s.Name == yardstickName && s.Verdict == Worse {
			return s.Ratio
		}
	}
	return 1
}

func (d *Diff) means() {
	type kind struct {
		unit  string
		lower bool
	}
	logs, count := map[kind]float64{}, map[kind]int{}
	for _, s := range d.Series {
		if k := (kind{s.Unit, s.LowerIsBetter}); s.Name == yardstickName { // it says nothing of Halorun
			logs[k] += 0
		} else {
			logs[k] += math.Log(s.Ratio)
			count[k]++
		}
	}
	for k, sum := range logs {
		d.Means = append(d.Means, MeanDiff{k.unit, k.lower, count[k], math.Exp(sum / float64(max(1, count[k])))})
	}
	slices.SortFunc(d.Means, func(a, b MeanDiff) int {
		if c := cmp.Compare(a.Unit, b.Unit); c != 0 || a.LowerIsBetter == b.LowerIsBetter {
			return c
		}
		if a.LowerIsBetter {
			return -1
		}
		return 1
	})
}

// warn says what makes the comparison a doubtful one.
func (d *Diff) warn(from, to *Figures) {
	switch a, b := from.Machine, to.Machine; {
	case a != nil && b != nil:
		one, other := *a, *b
		one.KernelPath, other.KernelPath = "", ""
		if one != other {
			d.Warnings = append(d.Warnings, fmt.Sprintf("OLD and NEW were measured on different machines: %v; %v", one, other))
		}
		if a.KernelPath != "" && b.KernelPath != "" && a.KernelPath != b.KernelPath {
			d.Warnings = append(d.Warnings, fmt.Sprintf("OLD was computed by %s and NEW by %s kernels", a.KernelPath, b.KernelPath))
		}
	case a == nil && b == nil:
		d.Warnings = append(d.Warnings, "OLD and NEW do not say on which machines they were measured")
	case a == nil || b == nil:
		d.Warnings = append(d.Warnings, fmt.Sprintf("%s does not say on which machine it was measured", map[bool]string{true: "OLD", false: "NEW"}[a == nil]))
	}
	few := 0
	for _, s := range d.Series {
		if LeastP(s.Old.Runs, s.New.Runs) >= d.Alpha {
			few++
		}
	}
	if few > 0 {
		d.Warnings = append(d.Warnings, fmt.Sprintf("%d of %d series have too few runs to show any difference at a significance of %g; four on each side are enough for 0.05", few, len(d.Series), d.Alpha))
	}
}
