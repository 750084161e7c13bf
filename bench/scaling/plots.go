package scaling

import (
	"fmt"
	"slices"

	"halorun/bench"
	"halorun/bench/plots"
)

// plot is one of the results', for print.
type plot struct {
	name, caption string
	*plots.Plot
}

const mostLabels = 11 // of an axis of ranks

func (s *Study) plots() []plot {
	names := plotNames()
	return []plot{
		{names[0], s.speedupCaption(), s.speedupPlot()},
		{names[1], s.efficiencyCaption(), s.efficiencyPlot()},
		{names[2], "Mean time of a thread at each step, in the run nearest to the median. Steps overlap, so that they may add up to more than the wall time, the diamonds; the rest is the launcher's, before ranks start and after they end.", s.timePlot()},
	}
}

// curve is a quantity by ranks, measured and forecast.
type curve struct {
	ranks, value, low, high []float64
	crowded                 []bool
	ahead, forecast         []float64 // ranks and value of the forecast
}

func (s *Study) curve(of func(p Point, wall float64) float64, ahead func(f Forecast) float64) (c curve) {
	for _, p := range s.Points {
		c.ranks = append(c.ranks, float64(p.Ranks))
		c.value = append(c.value, of(p, p.Wall.Median))
		c.low, c.high = append(c.low, of(p, p.Wall.Max)), append(c.high, of(p, p.Wall.Min))
		c.crowded = append(c.crowded, p.Oversubscribed)
	}
	if s.Model != nil {
		for _, f := range s.Model.Points {
			c.ahead, c.forecast = append(c.ahead, float64(f.Ranks)), append(c.forecast, ahead(f))
		}
	}
	return c
}

// lines are those of a curve: what was measured, which of it with more ranks than cores, and the forecast.
func (c curve) lines() []plots.Line {
	lines := []plots.Line{{
		Style: plots.Style{Name: "measured", Colour: plots.Blue, Width: 1.6, Marker: plots.Disc},
		X:     c.ranks, Y: c.value, Low: c.low, High: c.high, Hollow: c.crowded,
	}}
	for _, crowded := range c.crowded {
		if crowded {
			lines = append(lines, plots.Line{Style: plots.Style{Name: "more ranks than cores", Colour: plots.Blue, Marker: plots.Disc}, Hollow: []bool{true}})
			break
		}
	}
	if c.forecast != nil {
		lines = append(lines, plots.Line{
			Style: plots.Style{Name: "forecast", Colour: plots.Vermillion, Width: 1.4, Dashes: []float64{5, 3}},
			X:     c.ahead, Y: c.forecast,
		})
	}
	return lines
}

// gain returns speed-up and efficiency if a point's median were another one.
func (s *Study) gain(p Point, wall float64) (speedup, efficiency float64) {
	speedup, efficiency, _ = s.law()(s.Base, p.Ranks, s.Points[0].Wall.Median, wall)
	return speedup, efficiency
}

func (s *Study) speedupCaption() string {
	what := "Speed-up"
	if s.Mode == Weak {
		what = "Scaled speed-up: the picture grows with the ranks"
	}
	return fmt.Sprintf("%s over %s by the number of ranks; medians, bars from the slowest to the fastest of %s. Hollow: more ranks than cores.%s",
		what, bench.Count(s.Base, "rank"), bench.Count(s.Repeat, "run"), s.forecastCaption())
}

func (s *Study) efficiencyCaption() string {
	what := "Efficiency: speed-up by the number of ranks, relative to"
	if s.Mode == Weak {
		what = "Weak efficiency: the time of one rank's share alone by that with all ranks, relative to"
	}
	return fmt.Sprintf("%s %s.%s", what, bench.Count(s.Base, "rank"), s.forecastCaption())
}

func (s *Study) forecastCaption() string {
	if s.Model == nil {
		return ""
	}
	return fmt.Sprintf(" Dashed: the forecast, whose error at what was measured is %.0f%% in the mean; it has a core for each thread.", 100*s.Model.Mean)
}

func (s *Study) forecastNotes() []string {
	if s.Model == nil {
		return nil
	}
	return []string{fmt.Sprintf("forecast: a core for each thread; %.0f%% off in the mean where it was measured", 100*s.Model.Mean)}
}

func (s *Study) speedupPlot() *plots.Plot {
	c := s.curve(func(p Point, wall float64) float64 { v, _ := s.gain(p, wall); return v }, func(f Forecast) float64 { return f.Speedup })
	ranks := slices.Concat(c.ranks, c.ahead)
	x := plots.LogAxis("number of ranks", mostLabels, ranks...)
	ideal := plots.Line{Style: plots.Style{Name: "ideal", Colour: plots.DarkGrey, Width: 1, Dashes: []float64{1.5, 2}}}
	for _, r := range []float64{x.Lo, x.Hi} {
		ideal.X, ideal.Y = append(ideal.X, r), append(ideal.Y, r/float64(s.Base))
	}
	label := "speed-up"
	if s.Mode == Weak {
		label = "scaled speed-up"
	}
	values := slices.Concat(c.value, c.low, c.high, c.forecast, ideal.Y)
	return &plots.Plot{X: x, Y: plots.LogAxis(label, mostLabels, values...), Lines: append([]plots.Line{ideal}, c.lines()...), Notes: s.forecastNotes()}
}

func (s *Study) efficiencyPlot() *plots.Plot {
	c := s.curve(func(p Point, wall float64) float64 { _, v := s.gain(p, wall); return 100 * v }, func(f Forecast) float64 { return 100 * f.Efficiency })
	ranks := slices.Concat(c.ranks, c.ahead)
	x := plots.LogAxis("number of ranks", mostLabels, ranks...)
	ideal := plots.Line{Style: plots.Style{Name: "ideal", Colour: plots.DarkGrey, Width: 1, Dashes: []float64{1.5, 2}}, X: []float64{x.Lo, x.Hi}, Y: []float64{100, 100}}
	most := 100.0
	for _, v := range slices.Concat(c.high, c.forecast) {
		most = max(most, v)
	}
	label := "efficiency (%)"
	if s.Mode == Weak {
		label = "weak efficiency (%)"
	}
	return &plots.Plot{X: x, Y: plots.LinearAxis(label, 0, 1.02*most), Lines: append([]plots.Line{ideal}, c.lines()...), Notes: s.forecastNotes()}
}

// partStyles are those of the steps, and of the rest of a job's time.
func partStyles() []plots.Style {
	return []plots.Style{
		{Name: "start", Colour: plots.Grey},
		{Name: "read", Colour: plots.SkyBlue, Hatch: plots.Rising},
		{Name: "scatter", Colour: plots.Yellow},
		{Name: "halo", Colour: plots.Vermillion, Hatch: plots.Crossed},
		{Name: "compute", Colour: plots.Blue},
		{Name: "checkpoint", Colour: plots.Purple, Hatch: plots.Flat},
		{Name: "gather", Colour: plots.Orange, Hatch: plots.Falling},
		{Name: "write", Colour: plots.Green, Hatch: plots.Upright},
		{Name: "rest", Colour: plots.White},
	}
}

func (s *Study) timePlot() *plots.Plot {
	f := &plots.Plot{Parts: partStyles()}
	wall := plots.Line{Style: plots.Style{Name: "wall time", Colour: plots.Black, Marker: plots.Diamond}}
	most := 0.0
	f.X = plots.Axis{Label: "number of ranks", Lo: 0.4, Hi: float64(len(s.Points)) + 0.6}
	for i, p := range s.Points {
		at := float64(i + 1)
		b := plots.Bar{At: at}
		for _, v := range p.Steps.list() {
			b.Parts = append(b.Parts, *v)
		}
		sum := p.Steps.sum()
		b.Parts = append(b.Parts, max(0, p.Wall.Median-sum))
		most = max(most, sum, p.Wall.Max)
		f.Bars = append(f.Bars, b)
		f.X.Ticks = append(f.X.Ticks, plots.Tick{At: at, Label: p.label()})
		wall.X, wall.Y = append(wall.X, at), append(wall.Y, p.Wall.Median)
		wall.Low, wall.High = append(wall.Low, p.Wall.Min), append(wall.High, p.Wall.Max)
		if p.Oversubscribed && f.Notes == nil {
			f.Notes = []string{crowded + " " + crowdedText}
		}
	}
	f.Y = plots.LinearAxis("time of a thread (s)", 0, 1.02*most)
	f.Lines = []plots.Line{wall}
	return f
}
