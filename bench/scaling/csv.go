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

// fields returns where the columns are, in the order of csvHead. Those from the fourth on but wall, speed-up and efficiency are empty in a forecast.
func (r *Record) fields() []any {
	all := []any{&r.Kind, &r.Ranks, &r.Threads, &r.Cores, &r.Oversubscribed, &r.Runs, &r.Width, &r.Height, &r.Wall.Median, &r.Wall.Min, &r.Wall.Max,
		&r.Speedup, &r.Efficiency, &r.Serial, &r.MPixelPerS}
	for _, s := range r.Steps.list() {
		all = append(all, s)
	}
	return append(all, &r.Imbalance, &r.Bytes, &r.Checksum)
}

// WriteCSV writes lines with a head.
func WriteCSV(to io.Writer, records []Record) error {
	w := csv.NewWriter(to)
	_ = w.Write(csvHead()) // Error tells
	for _, r := range records {
		var line []string
		for i, f := range r.fields() {
			if r.Kind == forecast && !(i < 3 || f == any(&r.Wall.Median) || f == any(&r.Speedup) || f == any(&r.Efficiency)) {
				line = append(line, "")
				continue
			}
			line = append(line, cell(f))
		}
		_ = w.Write(line)
	}
	w.Flush()
	return w.Error()
}

func cell(f any) string {
	switch f := f.(type) {
	case *string:
		return *f
	case *int:
		return strconv.Itoa(*f)
	case *int64:
		return strconv.FormatInt(*f, 10)
	case *bool:
		return strconv.FormatBool(*f)
	case *float64:
		return strconv.FormatFloat(*f, 'g', -1, 64)
	case **float64:
		if *f == nil {
			return ""
		}
		return cell(*f)
	}
	panic(fmt.Sprintf("a column of %T", f))
}

// ReadCSV reads what WriteCSV has written.
func ReadCSV(from io.Reader) (records []Record, err error) {
	lines, err := csv.NewReader(from).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 || strings.Join(lines[0], ",") != strings.Join(csvHead(), ",") {
		return nil, fmt.Errorf("this is no scaling.csv")
	}
	for _, line := range lines[1:] {
		var r Record
		for i, f := range r.fields() {
			if line[i] == "" {
				continue
			}
			switch f := f.(type) {
			case *string:
				*f = line[i]
			case *int:
				*f, err = strconv.Atoi(line[i])
			case *int64:
				*f, err = strconv.ParseInt(line[i], 10, 64)
			case *bool:
				*f, err = strconv.ParseBool(line[i])
			case *float64:
				*f, err = strconv.ParseFloat(line[i], 64)
			case **float64:
				var v float64
				v, err = strconv.ParseFloat(line[i], 64)
				*f = &v
			}
			if err != nil {
				return nil, err
			}
		}
		records = append(records, r)
	}
	return records, nil
}
