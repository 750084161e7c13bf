package scaling

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"halorun/bench"
)

func modelled(weak bool) *Study {
	w := &world{launch: 0.1, begin: 0.01, readSerial: 0.05, readDivided: 0.2, compute: 1, writeDivided: 0.3, threads: 1, cores: 2, weak: weak,
		network: Network{Kind: "loopback", Latency: 1e-5, BytesPerSecond: 1e9}}
	s, empty := w.study(1, 2, 4)
	s.Input, s.Ops = "a<b>.png", []string{"blur:size=5,sigma=0"}
	s.Model = fitModel(s, empty, w.network)
	return s
}

func TestCSV(t *testing.T) {
	for _, weak := range []bool{false, true} {
		records := modelled(weak).Records()
		var b bytes.Buffer
		if err := WriteCSV(&b, records); err != nil {
			t.Fatal(err)
		}
		text := b.String()
		got, err := ReadCSV(&b)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, records) {
			t.Errorf("%+v\nwant\n%+v", got, records)
		}
		if n := strings.Count(text, "\n"); n != 1+3+11 {
			t.Errorf("%d lines", n)
		}
	}
	for _, bad := range []string{"", "a,b\n1,2\n"} {
		if _, err := ReadCSV(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestJSON(t *testing.T) {
	s := modelled(false)
	var first, second bytes.Buffer
	if err := s.WriteJSON(&first); err != nil {
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
	if strings.Contains(text, "null,\n  \"warnings") {
		t.Error("a list is null")
	}
	var any map[string]any
	if err := json.Unmarshal([]byte(text), &any); err != nil || any["base"] != 1.0 {
		t.Error(err, any["base"])
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
		t.Errorf("%d figures", n)
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

// TestPaint holds the file to the picture in memory.
func TestPaint(t *testing.T) {
	for _, size := range []Size{{1, 1}, {641, 37}, {3, 2000}, {300001, 7}} {
		name := filepath.Join(t.TempDir(), "p.ppm")
		if err := size.outline(name); err != nil {
			t.Fatal(err)
		}
		if err := size.paint(context.Background(), name); err != nil {
			t.Fatal(err)
		}
		picture, err := bench.Photo(size.Width, size.Height)
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		if err := bench.WritePPM(&want, picture); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil || !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%v: another picture, %v", size, err)
		}
	}
}

func TestParseSynthetic(t *testing.T) {
	for text, want := range map[string]Size{"synthetic:40000x30000": {40000, 30000}, "synthetic:1x1": {1, 1}} {
		if got, ok, err := ParseSynthetic(text); got != want || !ok || err != nil {
			t.Errorf("%s: %v %v %v", text, got, ok, err)
		}
	}
	for _, text := range []string{"synthetic:", "synthetic:4", "synthetic:0x5", "synthetic:5x0", "synthetic:-1x5", "synthetic:5x5x5", "synthetic:99999999999x1", "synthetic:99999999999999999999x1"} {
		if _, ok, err := ParseSynthetic(text); !ok || err == nil {
			t.Errorf("%s is taken", text)
		}
	}
	if _, ok, err := ParseSynthetic("photo.png"); ok || err != nil {
		t.Error(ok, err)
	}
}
