package scaling

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Record is a line of scaling.csv: of what was measured, or of the forecast, which lacks most columns.
type Record struct {
	Kind           string // measured or forecast
	Ranks          int
	Threads        int
	Cores          int
	Oversubscribed bool
	Runs           int
	Width, Height  int
	Wall           Spread
	Speedup        float64
	Efficiency     float64
	Serial         *float64
	MPixelPerS     float64
	Steps          Steps
	Imbalance      float64
	Bytes          int64
	Checksum       string // several with spaces between them, if outputs differ
}

const (
	measured = "measured"
	forecast = "forecast"
)

// Records are the lines of scaling.csv.
func (s *Study) Records() (all []Record) {
	for _, p := range s.Points {
		all = append(all, Record{
			measured, p.Ranks, s.Threads, p.Cores, p.Oversubscribed, len(p.Runs), p.Input.Width, p.Input.Height, p.Wall, p.Speedup, p.Efficiency,
			p.Serial, p.MPixelPerS, p.Steps, p.Imbalance, p.Bytes, strings.Join(p.Checksums, " "),
		})
	}
	if s.Model != nil {
		for _, f := range s.Model.Points {
			all = append(all, Record{Kind: forecast, Ranks: f.Ranks, Threads: s.Threads, Wall: Spread{Median: f.Wall}, Speedup: f.Speedup, Efficiency: f.Efficiency})
		}
	}
	return all
}

func csvHead() []string {
	head := []string{"kind", "ranks", "threads", "cores", "more_than_cores", "runs", "width", "height", "wall_seconds", "wall_min_seconds", "wall_max_seconds",
		"speedup", "efficiency", "serial_fraction", "mpixel_per_s"}
	for _, name := range stepNames() {
		head = append(head, name+"_seconds")
	}
	return append(head, "imbalance", "bytes_moved", "checksum")
}

// cells are the values of the columns, in the order of csvHead.
func (r *Record) cells() []string {
	var line []string
	if r.Kind == forecast {
		known := map[string]any{"kind": r.Kind, "ranks": r.Ranks, "threads": r.Threads, "wall_seconds": r.Wall.Median, "speedup": r.Speedup, "efficiency": r.Efficiency}
		for _, name := range csvHead() {
			line = append(line, cell(known[name]))
		}
		return line
	}
	line = append(line, r.Kind)
	for _, v := range []any{r.Ranks, r.Threads, r.Cores, r.Oversubscribed, r.Runs, r.Width, r.Height, r.Wall.Median, r.Wall.Min, r.Wall.Max,
		r.Speedup, r.Efficiency, r.Serial, r.MPixelPerS} {
		line = append(line, cell(v))
	}
	for _, s := range r.Steps.list() {
		line = append(line, cell(*s))
	}
	return append(line, cell(r.Imbalance), cell(r.Bytes), r.Checksum)
}

// WriteCSV writes lines with a head.
func WriteCSV(to io.Writer, records []Record) error {
	w := csv.NewWriter(to)
	_ = w.Write(csvHead()) // Error tells
	for _, r := range records {
		_ = w.Write(r.cells())
	}
	w.Flush()
	return w.Error()
}

// cell is a value as text, and nothing if there is none.
func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case *float64:
		if v == nil {
			return ""
		}
		return cell(*v)
	}
	return fmt.Sprint(v)
}
