package scaling

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"halorun/bench"
)

const (
	crowded     = "*" // marks figures of more ranks than cores
	crowdedText = "more ranks than cores, which they share"

	scaledSpeedup = "SCALED SPEED-UP" // in the heads of tables
)

// Print writes the tables for a terminal.
func (s *Study) Print(to io.Writer) error {
	fmt.Fprintln(to, s.title())
	fmt.Fprintln(to, s.where())
	fmt.Fprintln(to)
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, table := range s.tables() {
		fmt.Fprintln(w, strings.Join(table.Head, "\t")+"\t")
		for _, row := range table.Rows {
			fmt.Fprintln(w, strings.Join(row, "\t")+"\t")
		}
		if err := w.Flush(); err != nil {
			return err
		}
		for _, n := range table.Notes {
			fmt.Fprintln(to, n)
		}
		fmt.Fprintln(to)
	}
	if s.Identical {
		fmt.Fprintln(to, s.sameText())
	}
	for _, d := range s.Differ {
		fmt.Fprintln(to, "outputs differ:", d)
	}
	for _, warning := range s.Warnings {
		fmt.Fprintln(to, "! "+warning)
	}
	return nil
}

// Table is one of the results'.
type Table struct {
	Title string
	Head  []string
	Rows  [][]string
	Notes []string
}

func (s *Study) title() string {
	return fmt.Sprintf("%s scaling: %s; %s", s.Mode, s.pictureText(), strings.Join(s.Ops, " "))
}

// pictureText says what is read and written.
func (s *Study) pictureText() string {
	p := s.Points[len(s.Points)-1]
	size := fmt.Sprintf("%d × %d", p.Input.Width, p.Input.Height)
	if s.Mode == Weak {
		first := s.Points[0].Input
		size = fmt.Sprintf("%d × %d for each rank", first.Width, first.Height/max(1, s.Base))
	}
	return fmt.Sprintf("%s, %s, %s to %s", s.Input, size, p.Input.Format, p.Output.Format)
}

func (s *Study) where() string {
	m := s.Machine
	text := fmt.Sprintf("%s on %s, %s, %s, %s kernels", s.Began.Format("2006-01-02"), m.CPU, bench.Count(m.Cores, "core"), bench.BytesText(float64(m.MemoryBytes)), m.KernelPath)
	if len(s.Hosts) > 0 {
		text += "; " + bench.Count(len(s.Hosts), "host")
	}
	return text + "; " + s.times()
}

func (s *Study) times() string {
	if s.Repeat == 1 {
		return "one run each after one that warms up"
	}
	return fmt.Sprintf("medians of %d runs in turn, after one that warms up", s.Repeat)
}

func (s *Study) sameText() string {
	if s.Mode == Weak {
		return "outputs of each picture are identical, whatever the number of ranks"
	}
	return "all outputs are identical: XXH3 " + s.Points[0].Checksums[0]
}

// tables are those of what was measured, and of the model.
func (s *Study) tables() []Table {
	all := []Table{s.gains(), s.split()}
	if s.Model != nil {
		all = append(all, s.Model.forecast(), s.Model.terms())
	}
	return all
}

func (p *Point) label() string {
	if p.Oversubscribed {
		return fmt.Sprintf("%d%s", p.Ranks, crowded)
	}
	return fmt.Sprint(p.Ranks)
}

func (s *Study) gains() Table {
	t := Table{Title: "Time and speed-up", Head: []string{"RANKS", "WALL", "MIN", "MAX", "SPEED-UP", "EFFICIENCY", "SERIAL", "MPIXEL/S", "IMBALANCE", "MOVED"}}
	if s.Mode == Weak {
		t.Title, t.Head[4] = "Time and scaled speed-up", scaledSpeedup
	}
	for _, p := range s.Points {
		t.Rows = append(t.Rows, []string{
			p.label(), bench.SecondsText(p.Wall.Median), bench.SecondsText(p.Wall.Min), bench.SecondsText(p.Wall.Max), fmt.Sprintf("%.2f", p.Speedup), percent(p.Efficiency),
			serialText(p.Serial), fmt.Sprintf("%.4g", p.MPixelPerS), percent(p.Imbalance), bench.BytesText(float64(p.Bytes)),
		})
	}
	if s.Base > 1 {
		t.Notes = append(t.Notes, fmt.Sprintf("speed-up is that over %d ranks, efficiency and serial fraction are relative to them", s.Base))
	}
	return s.noteCrowded(t)
}

func (s *Study) noteCrowded(t Table) Table {
	for _, p := range s.Points {
		if p.Oversubscribed {
			t.Notes = append(t.Notes, crowded+" "+crowdedText)
			break
		}
	}
	return t
}

func (s *Study) split() Table {
	t := Table{Title: "Where a thread's time goes", Head: []string{"RANKS"}, Notes: []string{"seconds of a thread at each step, the mean of all ranks; steps overlap"}}
	for _, name := range stepNames() {
		t.Head = append(t.Head, strings.ToUpper(name))
	}
	t.Head = append(t.Head, "WALL")
	for _, p := range s.Points {
		row := []string{p.label()}
		for _, v := range p.Steps.list() {
			row = append(row, fmt.Sprintf("%.3f", *v))
		}
		t.Rows = append(t.Rows, append(row, fmt.Sprintf("%.3f", p.Wall.Median)))
	}
	return s.noteCrowded(t)
}

func (m *Model) forecast() Table {
	t := Table{Title: "Forecast", Head: []string{"FORECAST", "WALL", "SPEED-UP", "EFFICIENCY", "LAUNCH", "BEGIN", "CONNECT", "SERIAL", "DIVIDED", "TRANSFER", "AGREEMENT"}}
	if m.weak {
		t.Head[2] = scaledSpeedup
	}
	for _, f := range m.Points {
		p := f.Parts
		t.Rows = append(t.Rows, []string{
			fmt.Sprint(f.Ranks), bench.SecondsText(f.Wall), fmt.Sprintf("%.2f", f.Speedup), percent(f.Efficiency), bench.SecondsText(p.Launch), bench.SecondsText(p.Begin),
			bench.SecondsText(p.Connect), bench.SecondsText(p.Serial), bench.SecondsText(p.Divided), bench.SecondsText(p.Transfer), bench.SecondsText(p.Agreement),
		})
	}
	var errors []string
	for _, e := range m.Errors {
		errors = append(errors, fmt.Sprintf("%+.0f%% at %d", 100*e.Error, e.Ranks))
	}
	t.Notes = append(t.Notes, fmt.Sprintf("the model's error at what was measured: %s; %.0f%% in the mean", strings.Join(errors, ", "), 100*m.Mean))
	if !m.weak {
		t.Notes = append(t.Notes, fmt.Sprintf("fastest with %s", bench.Count(m.Fastest, "rank")))
	}
	for _, a := range m.Assuming {
		t.Notes = append(t.Notes, "assuming "+a)
	}
	return t
}

func (m *Model) terms() Table {
	t := Table{Title: "Terms of the model", Head: []string{"TERM", "SERIAL", "DIVIDED", "MPIXEL/S OF A THREAD"}}
	t.Rows = append(t.Rows, []string{"launch", bench.SecondsText(m.Launch), "-", "-"})
	for _, s := range m.Steps {
		rate := "-"
		if s.Rate > 0 {
			rate = fmt.Sprintf("%.4g", s.Rate)
		}
		t.Rows = append(t.Rows, []string{s.Name, bench.SecondsText(s.Serial), bench.SecondsText(s.Divided), rate})
	}
	of := ""
	if m.weak {
		of = ", for the picture of one rank"
	}
	how := "medians of what was measured"
	if m.Network.Error != nil {
		how = fmt.Sprintf("%s off in the mean where it was measured", percent(*m.Network.Error))
	}
	moved := fmt.Sprintf("%s that others share, %s of halo rows", bench.BytesText(m.Shared), bench.BytesText(m.Halo))
	if m.together < 2 {
		moved = bench.BytesText(m.Shared) + ", which cannot be told apart into what others share and halo rows"
	}
	t.Notes = append(t.Notes,
		"Amdahl's terms: serial is what one rank needs however many others there are, divided what all share"+of,
		fmt.Sprintf("begin: %s for each rank of a host; network (%s): %s and %s/s, %s", bench.SecondsText(m.Begin), m.Network.Kind,
			microseconds(m.Network.Latency), bench.BytesText(m.Network.BytesPerSecond), how),
		"of the busiest rank: "+moved,
	)
	return t
}
