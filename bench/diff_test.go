package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func figuresWith(series ...Series) *Figures {
	return &Figures{Schema: FiguresSchema, Machine: &Machine{CPU: "one", Cores: 2}, Series: series}
}

func timesOf(name string, values ...float64) Series {
	return Series{Name: name, Unit: "ms", LowerIsBetter: true, Values: values}
}

func drawFigures(t *rapid.T, label string) *Figures {
	f := figuresWith()
	for i := range rapid.IntRange(1, 6).Draw(t, label+" series") {
		f.Series = append(f.Series, Series{Name: fmt.Sprint("s", i), Unit: []string{"ms", "MB"}[i%2], LowerIsBetter: i%3 > 0,
			Values: rapid.SliceOfN(rapid.Float64Range(0.5, 50), 1, 20).Draw(t, fmt.Sprint(label, i))})
	}
	return f
}

func TestDiffOfTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFigures(t, "f")
		d, err := Compare(f, f, 0.05, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range d.Series {
			if s.Ratio != 1 || s.Verdict != Same || s.Fails {
				t.Fatalf("%+v", s)
			}
		}
		for _, m := range d.Means {
			if m.Ratio != 1 {
				t.Fatalf("%+v", m)
			}
		}
		var table bytes.Buffer
		if err := d.Print(&table); err != nil || strings.Count(table.String(), "~") != len(d.Series) {
			t.Fatalf("%v\n%s", err, &table)
		}
	})
}

func TestDiffSwapped(t *testing.T) {
	opposite := map[string]string{Same: Same, Better: Worse, Worse: Better}
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawFigures(t, "a"), drawFigures(t, "b")
		there, err := Compare(a, b, 0.05, 0)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Compare(b, a, 0.05, 0)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range there.Series {
			o := back.Series[i]
			if !near(s.Ratio*o.Ratio, 1) || math.Abs(s.P-o.P) > 1e-9 || o.Verdict != opposite[s.Verdict] {
				t.Fatalf("%+v\n%+v", s, o)
			}
		}
		for i, m := range there.Means {
			if !near(m.Ratio*back.Means[i].Ratio, 1) {
				t.Fatalf("%+v %+v", m, back.Means[i])
			}
		}
		if !slices.Equal(there.OnlyOld, back.OnlyNew) {
			t.Fatal(there.OnlyOld, back.OnlyNew)
		}
	})
}

func TestDiffFails(t *testing.T) {
	steady := []float64{100, 101, 99, 100.5, 99.5, 100.2}
	noisy := []float64{60, 300, 100, 90, 150, 80}
	times := func(values []float64, by float64) []float64 {
		out := slices.Clone(values)
		for i := range out {
			out[i] *= by
		}
		return out
	}
	higher := func(s Series) Series { s.LowerIsBetter = false; return s }
	for name, c := range map[string]struct {
		from, to Series
		over     float64
		want     bool
	}{
		"slower":                     {timesOf("x", steady...), timesOf("x", times(steady, 1.2)...), 1.1, true},
		"slower, within the ratio":   {timesOf("x", steady...), timesOf("x", times(steady, 1.2)...), 1.3, false},
		"slower, within the noise":   {timesOf("x", noisy...), timesOf("x", times(noisy, 1.2)...), 1.1, false},
		"slower, of one run each":    {timesOf("x", 1), timesOf("x", 2), 1.1, false},
		"faster":                     {timesOf("x", steady...), timesOf("x", times(steady, 0.5)...), 1, false},
		"less where more is better":  {higher(timesOf("x", steady...)), higher(timesOf("x", times(steady, 0.8)...)), 1.1, true},
		"more where more is better":  {higher(timesOf("x", steady...)), higher(timesOf("x", times(steady, 1.8)...)), 1.1, false},
		"slower, and nobody asks":    {timesOf("x", steady...), timesOf("x", times(steady, 3)...), 0, false},
		"one that is the yardstick":  {timesOf(yardstickName, steady...), timesOf(yardstickName, times(steady, 1.4)...), 1.3, false},
		"four runs are enough":       {timesOf("x", 1, 2, 3, 4), timesOf("x", 5, 6, 7, 8), 2, true},
		"and three are too few, say": {timesOf("x", 1, 2, 3), timesOf("x", 5, 6, 7), 2, false},
	} {
		d, err := Compare(figuresWith(c.from), figuresWith(c.to), 0.05, c.over)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(d.Failed) > 0; got != c.want || d.Series[0].Fails != c.want {
			t.Errorf("%s: fails %v, want %v: %+v", name, got, c.want, d.Series)
		}
	}

	// Where the machine itself is slower, a time fails only beyond that.
	slow := func(x float64) *Figures {
		return figuresWith(timesOf(yardstickName, times(steady, 1.4)...), timesOf("x", times(steady, x)...))
	}
	was := figuresWith(timesOf(yardstickName, steady...), timesOf("x", steady...))
	for x, want := range map[float64]int{1.4: 0, 1.5: 0, 1.6: 1} {
		d, err := Compare(was, slow(x), 0.05, 1.1)
		if err != nil || len(d.Failed) != want {
			t.Errorf("%v times on a machine 1.4 times as slow: %v %v", x, d.Failed, err)
		}
	}

	// It has no part in the mean, nor in the number of series among which some seem to differ by chance: six runs of one series tell, and of two do not.
	for i, c := range []struct {
		from, to *Figures
		failed   int
	}{
		{was, figuresWith(was.Series[0], timesOf("x", times(steady, 1.5)...)), 1},
		{figuresWith(timesOf("w", steady...), timesOf("x", steady...)), figuresWith(timesOf("w", steady...), timesOf("x", times(steady, 1.5)...)), 0},
	} {
		d, err := Compare(c.from, c.to, 0.004, 1.1)
		if err != nil || len(d.Failed) != c.failed || i == 0 && (d.Means[0].Series != 1 || !near(d.Means[0].Ratio, 1.5)) {
			t.Errorf("%+v %v", d, err)
		}
	}

	// One of a hundred series seems to differ: six runs cannot tell that from chance.
	many, more := figuresWith(), figuresWith()
	for i := range 100 {
		many.Series = append(many.Series, timesOf(fmt.Sprint(i), steady...))
		more.Series = append(more.Series, timesOf(fmt.Sprint(i), steady...))
	}
	more.Series[7] = timesOf("7", times(steady, 1.5)...)
	d, err := Compare(many, more, 0.05, 1.1)
	if err != nil || len(d.Failed) != 0 || !strings.Contains(strings.Join(d.Warnings, "\n"), "by chance") {
		t.Errorf("%v %v %v", d.Failed, d.Warnings, err)
	}
}

func TestDiffWarnings(t *testing.T) {
	a := figuresWith(timesOf("x", 1, 2, 3, 4))
	other, silent := figuresWith(timesOf("x", 1, 2, 3, 4)), figuresWith(timesOf("x", 1, 2, 3))
	other.Machine = &Machine{CPU: "another", Cores: 2}
	silent.Machine = nil
	byGo, byAVX := figuresWith(a.Series...), figuresWith(a.Series...)
	byGo.Machine.KernelPath, byAVX.Machine.KernelPath = "go", "avx2"
	for _, c := range []struct {
		from, to *Figures
		want     []string
	}{
		{a, a, nil}, {a, other, []string{"different machines", "another"}}, {a, byGo, nil}, {byGo, byAVX, []string{"OLD was computed by go and NEW by avx2 kernels"}}, {a, silent, []string{"NEW does not say", "too few runs"}}, {silent, a, []string{"OLD does not say"}},
	} {
		d, err := Compare(c.from, c.to, 0.05, 0)
		if err != nil {
			t.Fatal(err)
		}
		all := strings.Join(d.Warnings, "\n")
		for _, w := range c.want {
			if !strings.Contains(all, w) {
				t.Errorf("%q lacks %q", all, w)
			}
		}
		if c.want == nil && all != "" {
			t.Error(all)
		}
	}
}

func TestHostileFigures(t *testing.T) {
	good := `{"schema": "halorun-figures/1", "series": [{"name": "x", "unit": "ms", "lower_is_better": true, "values": [1, 2]}]}`
	if _, err := parseFigures([]byte(good)); err != nil {
		t.Fatal(err)
	}
	with := func(from, to string) string { return strings.Replace(good, from, to, 1) }
	for text, want := range map[string]string{
		"":                             "it is empty",
		" \n":                          "it is empty",
		"P6 1 1":                       "neither figures",
		"{":                            "unexpected end",
		"{}":                           "schema",
		"[]":                           "no figures in it",
		"[{}]":                         "element 1",
		"[1]":                          "not output of",
		good + good:                    "after top-level value",
		with("figures/1", "figures/2"): "schema",
		with(`"x"`, `""`):              "no name",
		with(`"x"`, `"\u001b[31m"`):    "no name",
		with(`"x"`, `"`+strings.Repeat("x", 501)+`"`): "no name",
		with(`"ms"`, `""`):                            "no unit",
		with(`[1, 2]`, `[]`):                          "no values",
		with(`[1, 2]`, `[0]`):                         "above 0",
		with(`[1, 2]`, `[-1]`):                        "above 0",
		with(`[1, 2]`, `[1e300]`):                     "above 0",
		with(`[1, 2]`, `[1e999]`):                     "number 1e999",
		with(`[1, 2]`, `["1"]`):                       "is a string",
		with(`[1, 2]`, `null`):                        "no values",
		with(`[{`, `[{"name": "x", "unit": "ms", "values": [1]}, {`):           "taken",
		strings.Repeat("[", 100000):                                            "exceeded max depth",
		strings.Repeat(" ", maxFiguresBytes+1):                                 "larger than",
		`[{"op": "x", "width": 1, "height": 1, "threads": 1, "median_ms": 0}]`: "above 0",
	} {
		_, err := parseFigures([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
	for _, other := range []*Figures{figuresWith(timesOf("y", 1)), figuresWith(Series{Name: "x", Unit: "s", LowerIsBetter: true, Values: []float64{1}}),
		figuresWith(Series{Name: "x", Unit: "ms", Values: []float64{1}})} {
		if _, err := Compare(figuresWith(timesOf("x", 1)), other, 0.05, 0); err == nil {
			t.Errorf("%+v was compared", other.Series)
		}
	}
}

func FuzzFigures(f *testing.F) {
	f.Add([]byte(`{"schema": "halorun-figures/1", "series": [{"name": "x", "unit": "ms", "values": [1, 2]}]}`))
	f.Add([]byte(`[{"op": "x", "width": 1, "height": 1, "threads": 1, "median_ms": 3}]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		figures, err := parseFigures(b)
		if err != nil {
			return
		}
		d, err := Compare(figures, figures, 0.05, 1)
		if err != nil || len(d.Failed) > 0 {
			t.Fatalf("%v %v", d, err)
		}
		if err := d.Print(new(bytes.Buffer)); err != nil {
			t.Fatal(err)
		}
	})
}

// TestKernelsAreFigures: what bench kernels writes is read, also without the single runs.
func TestKernelsAreFigures(t *testing.T) {
	picture, err := Photo(64, 32)
	if err != nil {
		t.Fatal(err)
	}
	subjects, err := Operations()
	if err != nil {
		t.Fatal(err)
	}
	ks, err := Kernels(subjects[:2], picture, 1, 5)
	if err != nil {
		t.Fatal(err)
	}
	for _, runs := range []int{5, 1} {
		if runs == 1 {
			for i := range ks {
				ks[i].RunsMS = nil
			}
		}
		b, err := json.Marshal(ks)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(t.TempDir(), "k.json")
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := ReadFigures(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Series) != 2 || f.Machine == nil || *f.Machine != ThisMachine() {
			t.Fatalf("%+v", f)
		}
		for i, s := range f.Series {
			if len(s.Values) != runs || !near(Median(s.Values), ks[i].MedianMS) {
				t.Errorf("%+v", s)
			}
		}
	}
}
