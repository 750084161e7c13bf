package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Print writes the comparison as a table.
func (r *PeersReport) Print(w io.Writer) error {
	runs := fmt.Sprintf("medians of %d interleaved runs after a warm-up", r.Repeat)
	if r.Repeat == 1 {
		runs = "one run after a warm-up"
	}
	fmt.Fprintf(w, "%s: %d×%d, %s, to %s: %s\n", r.Input, r.Width, r.Height, Count(r.Channels, "channel"), r.Format, brief(strings.Join(r.Ops, " ")))
	fmt.Fprintf(w, "%s; %s each; %s, %s\n\n", runs, Count(r.Ranks, "process or thread", "processes or threads"), r.Machine, r.Date)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "program\tversion\ttime\tfrom … to\tCPU\tMpixel/s\tmemory\ttime / Halorun's\toutput\tpixels")
	for i, p := range r.Programs {
		version := p.Version
		if version == "" {
			version = "–"
		}
		if p.State != Measured {
			fmt.Fprintf(t, "%s\t%s\t–\t–\t–\t–\t–\t–\t–\t%s\n", p.Program, version, p.outcome())
			continue
		}
		memory := fmt.Sprintf("%.0f MB", float64(p.MaxRSS)/1e6)
		if p.RSSBound {
			memory = "≤ " + memory
		}
		pixels := "–"
		if i > 0 {
			pixels = p.Pixels.String()
		}
		fmt.Fprintf(t, "%s\t%s\t%.3f s\t%.3f … %.3f\t%.2f s\t%.1f\t%s\t%.2f\t%s\t%s\n", p.Program, version, p.Median, p.Min, p.Max, p.CPU, p.MPixelPerS, memory,
			p.Ratio, BytesText(float64(p.OutputBytes)), pixels)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nCPU is the time of all processors, memory that of a program's largest process; pixels are compared with Halorun's; what ran:")
	for _, p := range r.Programs {
		for _, c := range p.Commands {
			fmt.Fprintf(w, "  %s\n", brief(strings.Join(append(slices.Clone(p.Env), ShellText(c)), " ")))
		}
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "note: %s\n", n)
	}
	return nil
}

// outcome says in few words why nothing was measured.
func (p PeerResult) outcome() string {
	if p.State == Failed {
		return "failed: " + p.Reason
	}
	return p.Reason
}
