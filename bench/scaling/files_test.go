package scaling

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"halorun/bench"
)

func modelled(weak bool) *Study {
	w := &world{launch: 0.1, begin: 0.01, readSerial: 0.05, readDivided: 0.2, compute: 1, writeDivided: 0.3, threads: 1, cores: 2, weak: weak,
		network: Network{Kind: "loopback", Latency: 1e-5, BytesPerSecond: 1e9, Error: new(float64), Links: []Link{}, Pairs: []Pair{}}}
	s, empty := w.study(1, 2, 4)
	s.Input, s.Ops = "a<b>.png", []string{"blur:size=5,sigma=0"}
	s.Model = fitModel(s, empty, w.network)
	return s
}

// TestCSV wants columns of what was measured by their names, and of the forecast no others than it has.
func TestCSV(t *testing.T) {
	for _, weak := range []bool{false, true} {
		study := modelled(weak)
		var b bytes.Buffer
		if err := WriteCSV(&b, study.Records()); err != nil {
			t.Fatal(err)
		}
		lines, err := csv.NewReader(&b).ReadAll() // which holds all lines to the length of the first
		if err != nil || len(lines) != 1+3+11 {
			t.Fatalf("%d lines, %v", len(lines), err)
		}
		for i, line := range lines[1:] {
			got := make(map[string]string)
			for c, name := range lines[0] {
				if line[c] != "" {
					got[name] = line[c]
				}
			}
			var want map[string]float64
			if i < len(study.Points) {
				p := study.Points[i]
				want = map[string]float64{"ranks": float64(p.Ranks), "width": 1000, "wall_seconds": p.Wall.Median, "wall_max_seconds": p.Wall.Max, "speedup": p.Speedup,
					"efficiency": p.Efficiency, "mpixel_per_s": p.MPixelPerS, "compute_seconds": p.Steps.Compute, "write_seconds": p.Steps.Write, "bytes_moved": float64(p.Bytes)}
				if i > 0 {
					want["serial_fraction"] = *p.Serial
				}
				if got["kind"] != "measured" || got["checksum"] != p.Checksums[0] || got["more_than_cores"] != fmt.Sprint(p.Oversubscribed) || len(got) != len(lines[0])-map[bool]int{i == 0: 1}[true] {
					t.Errorf("%v", got)
				}
			} else {
				f := study.Model.Points[i-len(study.Points)]
				want = map[string]float64{"ranks": float64(f.Ranks), "threads": 1, "wall_seconds": f.Wall, "speedup": f.Speedup, "efficiency": f.Efficiency}
				if got["kind"] != "forecast" || len(got) != 1+len(want) {
					t.Errorf("%v", got)
				}
			}
			for name, v := range want {
				if g, err := strconv.ParseFloat(got[name], 64); err != nil || g != v {
					t.Errorf("%s is %q, want %v", name, got[name], v)
				}
			}
		}
	}
}

func TestJSON(t *testing.T) {
	for _, weak := range []bool{false, true} {
		p, _ := stage(t, "", "", 1, 2)
		p.Command, p.Weak, p.Model, p.Repeat = []string{"halorun"}, weak, true, 1
		study, err := p.Measure(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var first, second bytes.Buffer
		if err := study.WriteJSON(&first); err != nil {
			t.Fatal(err)
		}
		text := first.String()
		back, err := ReadJSON(&first)
		if err != nil {
			t.Fatal(err)
		}
		if err := back.WriteJSON(&second); err != nil {
			t.Fatal(err)
		}
		if second.String() != text {
			t.Error("what was read is not what was written")
		}
		// Scripts go through lists without asking whether there are any.
		var all any
		if err := json.Unmarshal([]byte(text), &all); err != nil {
			t.Fatal(err)
		}
		var nulls []string
		var walk func(path string, v any)
		walk = func(path string, v any) {
			switch v := v.(type) {
			case nil:
				nulls = append(nulls, path)
			case map[string]any:
				for name, one := range v {
					walk(path+"."+name, one)
				}
			case []any:
				for i, one := range v {
					walk(fmt.Sprintf("%s[%d]", path, i), one)
				}
			}
		}
		walk("", all)
		if want := []string{".points[0].serial_fraction"}; !slices.Equal(nulls, want) {
			t.Errorf("null: %q, want %q", nulls, want)
		}
	}
}

// TestScalingIsFigures: bench diff reads what bench scaling writes, and sees where it was measured.
func TestScalingIsFigures(t *testing.T) {
	s := modelled(false)
	s.Machine = Here(2)
	s.Points[0].WarmUp = &Run{Wall: 99}
	name := filepath.Join(t.TempDir(), "scaling.json")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.WriteJSON(f), f.Close()); err != nil {
		t.Fatal(err)
	}
	figures, err := bench.ReadFigures(name)
	if err != nil {
		t.Fatal(err)
	}
	if *figures.Machine != s.Machine.Machine || figures.Machine.Kernel == "" || figures.Machine.KernelPath == "" {
		t.Errorf("%+v", figures.Machine)
	}
	if len(figures.Series) != 3 || figures.Series[0].Name != "scaling/strong/blur:size=5,sigma=0 of a<b>.png/1/1" || !slices.Equal(figures.Series[0].Values, s.Points[0].walls()) {
		t.Errorf("%+v", figures.Series)
	}
}

// TestPage wants a page that needs nothing from elsewhere, shows names as they are, and marks crowded ranks everywhere.
func TestPage(t *testing.T) {
	dir := t.TempDir()
	s := modelled(false)
	names, err := s.Save(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := Names()
	for _, name := range names {
		if !strings.Contains(strings.Join(all, " "), name) {
			t.Errorf("Names lacks %s", name)
		}
	}
	if len(names) != len(all) {
		t.Errorf("%q, want %q", names, all)
	}
	b, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	if regexp.MustCompile(`(src|href)=|@import|url\(|<script`).MatchString(page) {
		t.Error("the page asks for something from elsewhere")
	}
	if strings.Contains(page, "<b>") || !strings.Contains(page, "a&lt;b&gt;.png") {
		t.Error("a name is taken for HTML")
	}
	if n := strings.Count(page, "<svg"); n != 3 {
		t.Errorf("%d plots", n)
	}
	for _, want := range []string{style, `class="crowded"`, "4*", "Hollow: more ranks than cores", "forecast", "more ranks than cores: 4 on 2 cores"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	var table bytes.Buffer
	if err := s.Print(&table); err != nil || !strings.Contains(table.String(), "4*") {
		t.Error(err, table.String())
	}
	lines, _ := os.ReadFile(filepath.Join(dir, "scaling.csv"))
	if n := strings.Count(string(lines), ",true,"); n != 1 {
		t.Errorf("%d lines of the table are marked", n)
	}
}
