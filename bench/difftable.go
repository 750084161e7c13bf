package bench

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
)

// Print writes the comparison as a table for each unit.
func (d *Diff) Print(w io.Writer) error {
	for _, side := range []struct {
		name string
		DiffSide
	}{{"OLD", d.Old}, {"NEW", d.New}} {
		about := []string{side.Path}
		for _, s := range []string{side.Version, side.Date} {
			if s != "" && printable(s) {
				about = append(about, s)
			}
		}
		if side.Machine != nil && printable(side.Machine.String()) {
			about = append(about, side.Machine.String())
		}
		fmt.Fprintf(w, "%s  %s\n", side.name, strings.Join(about, ", "))
	}
	for _, m := range d.Means {
		which := "lower"
		if !m.LowerIsBetter {
			which = "higher"
		}
		fmt.Fprintf(w, "\n%s; %s is better\n", m.Unit, which)
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(t, "OLD\t\tNEW\t\tNEW / OLD\t\tp\truns\t series")
		for _, s := range d.Series {
			if s.Unit != m.Unit || s.LowerIsBetter != m.LowerIsBetter {
				continue
			}
			ratio, verdict := "~", ""
			if s.Verdict != Same {
				ratio, verdict = fmt.Sprintf("%.3f", s.Ratio), s.Verdict
			}
			if s.Fails {
				verdict = "FAILS"
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%.3f\t%d+%d\t %s\n", short(s.Old.Median), s.Old.spread(), short(s.New.Median), s.New.spread(), ratio, verdict, s.P, s.Old.Runs, s.New.Runs, brief(s.Name))
		}
		if m.Series > 0 {
			fmt.Fprintf(t, "\t\t\t\t%.3f\t\t\t\t geometric mean of %d\n", m.Ratio, m.Series)
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	for _, only := range []struct {
		in    string
		names []string
	}{{"OLD", d.OnlyOld}, {"NEW", d.OnlyNew}} {
		for i, name := range only.names {
			if i == 20 {
				fmt.Fprintf(w, "and %d more only in %s\n", len(only.names)-i, only.in)
				break
			}
			fmt.Fprintf(w, "only in %s: %s\n", only.in, brief(name))
		}
	}
	return nil
}

// spread says how far the interval reaches from the median.
func (e Estimate) spread() string {
	if e.Low == nil {
		return "± ?"
	}
	return fmt.Sprintf("± %.0f%%", 100*max(*e.High-e.Median, e.Median-*e.Low)/e.Median)
}

// short writes a number with four significant digits.
func short(v float64) string {
	if v >= 1e6 || v < 1e-3 {
		return fmt.Sprintf("%.3e", v)
	}
	return fmt.Sprintf("%.*f", max(0, 3-int(math.Floor(math.Log10(v)))), v)
}
