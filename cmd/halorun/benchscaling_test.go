package main

import (
	"bytes"
	"runtime"
	"strings"
	"testing"

	"halorun/bench/scaling"
)

// Several hosts are measured as a user would, one of them the head or none, with a picture that only the head has; and what cannot be reached is said.
func TestClusterScaling(t *testing.T) {
	t.Parallel()
	l := newLab(t, 3)
	l.write(l.shared("in.ppm"), picture(401, 303, 3), 0o644)
	l.Run("h1", "cp", l.shared("in.ppm"), "/tmp/in.ppm")
	for hosts, ranks := range map[string]string{"h1:1,h2:2,h3:1": "1,4", "h2:2,h3:2": "4"} {
		e := l.halorun("h1", "bench", "scaling", "--host", hosts, "--ranks", ranks, "--repeat", "1", "--model", "--json", "--quiet", "--out", l.shared("scaling"),
			"/tmp/in.ppm", "blur:size=5", "edges")
		if e.status != 0 || e.stderr != "" {
			t.Fatalf("%s: %+v", hosts, e)
		}
		s, err := scaling.ReadJSON(strings.NewReader(e.stdout))
		if err != nil {
			t.Fatal(err)
		}
		most := s.Points[len(s.Points)-1]
		if !s.Identical || len(s.Hosts) != strings.Count(hosts, ",")+1 || most.Bytes == 0 || most.Hosts != len(s.Hosts) {
			t.Errorf("%s: %+v", hosts, s)
		}
		for _, h := range s.Hosts {
			if h.Cores != runtime.NumCPU() || h.Arch != runtime.GOARCH {
				t.Errorf("%s: %+v", hosts, h)
			}
		}
		if n := s.Model.Network; n.Kind != "hosts" || n.Latency <= 0 || n.BytesPerSecond <= 0 || len(n.Pairs) == 0 || n.Error != nil {
			t.Errorf("%s: %+v", hosts, n)
		}
	}
	if page := l.read("h1", l.shared("scaling/report.html")); !bytes.Contains(page, []byte("<dd>h3: ")) {
		t.Error("the page does not say which hosts there were")
	}
	// Two names of one machine are one host, which has its cores once.
	e := l.halorun("h1", "bench", "scaling", "--host", "h2:1,10.77.0.2:1", "--ranks", "2", "--repeat", "1", "--json", "--quiet", "--out", l.shared("scaling"), "/tmp/in.ppm", "invert")
	s, err := scaling.ReadJSON(strings.NewReader(e.stdout))
	if err != nil || len(s.Hosts) != 1 || s.Hosts[0].Slots != 2 || s.Hosts[0].Cores != runtime.NumCPU() || s.Points[0].Hosts != 1 || s.Points[0].Fullest != 2 {
		t.Errorf("%+v, %v", e, err)
	}
	l.fails(4, "h1", []string{"bench", "scaling", "--host", "h1,nowhere", "--quiet", "--repeat", "1", "--out", l.shared("none"), "/tmp/in.ppm", "invert"}, "nowhere")
}
