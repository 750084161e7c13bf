package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"halorun/ranks/raster"
)

// FiguresSchema is what a file of figures says of itself.
const FiguresSchema = "halorun-figures/1"

// Figures are measurements that later ones are compared with.
type Figures struct {
	Schema  string   `json:"schema"`
	Date    string   `json:"date"`
	Version string   `json:"version"` // of Halorun
	Machine *Machine `json:"machine,omitempty"`
	Series  []Series `json:"series"`
}

// Series is a measurement that was repeated.
type Series struct {
	Name          string    `json:"name"`
	Unit          string    `json:"unit"`
	LowerIsBetter bool      `json:"lower_is_better"`
	Values        []float64 `json:"values"` // above 0, one a run
}

// maxFiguresBytes is far more than any file of figures has.
const maxFiguresBytes = 16 << 20

// ReadFigures reads a file of figures, or what 'halorun bench kernels --json' or 'halorun bench scaling' writes. Errors are *raster.InputError.
func ReadFigures(name string) (*Figures, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, &raster.InputError{Name: name, Err: err}
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFiguresBytes+1))
	if err != nil {
		return nil, &raster.InputError{Name: name, Err: err}
	}
	figures, err := parseFigures(b)
	if err != nil {
		return nil, &raster.InputError{Name: name, Err: err}
	}
	return figures, nil
}

func parseFigures(b []byte) (*Figures, error) {
	if len(b) > maxFiguresBytes {
		return nil, fmt.Errorf("it is larger than %d MiB, so these are no figures", maxFiguresBytes>>20)
	}
	f, err := decodeFigures(b)
	if err != nil {
		return nil, err
	}
	if len(f.Series) == 0 {
		return nil, errors.New("there are no figures in it")
	}
	seen := map[string]bool{}
	for i, s := range f.Series {
		if err := s.check(); err != nil {
			return nil, fmt.Errorf("series %d: %w", i+1, err)
		}
		if seen[s.Name] {
			return nil, fmt.Errorf("series %d: the name %q is taken by an earlier one", i+1, s.Name)
		}
		seen[s.Name] = true
	}
	return f, nil
}

func decodeFigures(b []byte) (*Figures, error) {
	b = bytes.TrimSpace(b)
	switch {
	case len(b) == 0:
		return nil, errors.New("it is empty")
	case b[0] == '[':
		var ks []Kernel
		if err := json.Unmarshal(b, &ks); err != nil {
			return nil, badJSON("output of 'bench kernels --json'", err)
		}
		return figuresOf(ks)
	case b[0] != '{':
		return nil, errors.New("it is neither figures of 'bench figures' nor output of 'bench kernels --json'")
	}
	f := new(Figures)
	if err := json.Unmarshal(b, f); err != nil {
		return nil, badJSON("figures", err)
	}
	if f.Schema == "" {
		if scaled := scalingFigures(b); scaled != nil {
			return scaled, nil
		}
	}
	if f.Schema != FiguresSchema {
		return nil, fmt.Errorf("its schema is %.40q, not %q", f.Schema, FiguresSchema)
	}
	return f, nil
}

func badJSON(what string, err error) error {
	if wrong := new(json.UnmarshalTypeError); errors.As(err, &wrong) {
		return fmt.Errorf("not %s: %q is a %.40s", what, wrong.Field, wrong.Value)
	}
	return fmt.Errorf("not %s: %w", what, err)
}

// check holds a series to what can be compared and printed.
func (s Series) check() error {
	switch {
	case s.Name == "" || len(s.Name) > 500 || !printable(s.Name):
		return fmt.Errorf("%.40q is no name: it takes 1 to 500 bytes of text", s.Name)
	case s.Unit == "" || len(s.Unit) > 20 || !printable(s.Unit):
		return fmt.Errorf("%.40q is no unit: it takes 1 to 20 bytes of text", s.Unit)
	case len(s.Values) == 0:
		return fmt.Errorf("%q has no values", s.Name)
	}
	for _, v := range s.Values {
		// The limits keep ratios and their products within float64.
		if !(v >= 1e-30 && v <= 1e30) {
			return fmt.Errorf("%q has the value %v; values are above 0, from 1e-30 to 1e30", s.Name, v)
		}
	}
	return nil
}

func printable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

// figuresOf makes figures of what 'bench kernels' has measured. One chain that was measured several times is one series.
func figuresOf(ks []Kernel) (*Figures, error) {
	f := &Figures{Schema: FiguresSchema}
	at := map[string]int{}
	for i, k := range ks {
		if k.Op == "" || k.Width < 1 || k.Height < 1 || k.Threads < 1 {
			return nil, fmt.Errorf("not output of 'bench kernels --json': element %d has not all of op, width, height and threads", i+1)
		}
		s := k.series()
		if j, ok := at[s.Name]; ok {
			f.Series[j].Values = append(f.Series[j].Values, s.Values...)
			continue
		}
		at[s.Name] = len(f.Series)
		f.Series = append(f.Series, s)
		if k.Machine != nil {
			f.Machine = k.Machine
		}
	}
	return f, nil
}

// series returns the runs of a kernel, or, if it does not have them, their median.
func (k Kernel) series() Series {
	s := Series{Name: fmt.Sprintf("kernels/%s/%dx%d/%d", k.Op, k.Width, k.Height, k.Threads), Unit: "ms", LowerIsBetter: true, Values: k.RunsMS}
	if len(s.Values) == 0 {
		s.Values = []float64{k.MedianMS}
	}
	return s
}

// Write writes the figures to a file.
func (f *Figures) Write(w io.Writer) error {
	for _, s := range f.Series {
		for i, v := range s.Values {
			s.Values[i] = roundTo(v, 6)
		}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(f)
}

// roundTo returns v with the given number of significant digits.
func roundTo(v float64, digits int) float64 {
	if v == 0 {
		return 0
	}
	scale := math.Pow(10, float64(digits-1)-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}
