package bench

import (
	"encoding/json"
	"fmt"
	"strings"
)

// scalingFigures makes figures of a scaling.json: a series for each number of ranks. It returns nil if b is none.
func scalingFigures(b []byte) *Figures {
	var study struct {
		Version string
		Began   string
		Mode    string
		Input   string
		Ops     []string
		Threads int
		Machine Machine
		Points  []struct {
			Ranks int
			Runs  []struct {
				Wall float64 `json:"wall_seconds"`
			}
		}
	}
	if json.Unmarshal(b, &study) != nil || len(study.Points) == 0 {
		return nil
	}
	f := &Figures{Schema: FiguresSchema, Date: study.Began, Version: study.Version, Machine: &study.Machine}
	for _, p := range study.Points {
		s := Series{Name: fmt.Sprintf("scaling/%s/%s of %s/%d/%d", study.Mode, strings.Join(study.Ops, " "), study.Input, study.Threads, p.Ranks), Unit: "s", LowerIsBetter: true}
		for _, run := range p.Runs {
			s.Values = append(s.Values, run.Wall)
		}
		f.Series = append(f.Series, s)
	}
	return f
}
