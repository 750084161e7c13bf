package monitor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"halorun/launcher"
	"halorun/launcher/jobs/progress"
	"halorun/launcher/jobs/watch"
)

// busy is a board of a job that has had its share of everything.
func busy() *watch.Board {
	b := watch.NewBoard(watch.Job{ID: "j", Run: "j", Version: "1", Began: time.Now(), Input: "a \"b\"\n\\c\xff.ppm", Output: "out", Size: 2})
	b.Describe("j", watch.Picture{Width: 10, Height: 20}, []string{"invert", "blur:size=3"})
	b.CountPictures(watch.Pictures{Done: 3, Failed: 1, Resumed: 2, All: 9, Listed: true})
	b.Progress(0, 0, "h1", []byte(`{"epoch":2,"tiles":3,"bytes_sent":10,"cpu_seconds":1.5,"resident_bytes":4096,"seconds":{"halo":1}}`))
	b.Progress(1, 1, "h1", []byte(`{"epoch":1,"tiles":5,"bytes_sent":7,"seconds":{"halo":2}}`))
	b.Progress(1, 2, "h2", []byte(`{"epoch":2,"tiles":1,"bytes_sent":1,"seconds":{"halo":0.5}}`))
	b.Progress(launcher.HeadRank, 3, "h3", []byte(`{"epoch":2}`))
	b.Event(launcher.Event{Rank: 1, What: "was killed"})
	return b
}

func metricsOf(t *testing.T, b *watch.Board) string {
	t.Helper()
	s := b.Snapshot()
	st := new(progress.Meter).Take(&s)
	var out bytes.Buffer
	if err := writeMetrics(&out, &s, &st); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// Prometheus' own parser reads the metrics, and its linter has nothing to say of them.
func TestMetricsAreClean(t *testing.T) {
	for name, b := range map[string]*watch.Board{"busy": busy(), "new": watch.NewBoard(watch.Job{})} {
		text := metricsOf(t, b)
		problems, err := promlint.New(strings.NewReader(text)).Lint()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		for _, p := range problems {
			t.Errorf("%s: %s: %s", name, p.Metric, p.Text)
		}
		parser := expfmt.NewTextParser(model.LegacyValidation)
		families, err := parser.TextToMetricFamilies(strings.NewReader(text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, f := range families {
			seen := make(map[string]bool)
			for _, m := range f.GetMetric() {
				key := fmt.Sprint(m.GetLabel())
				if seen[key] {
					t.Errorf("%s has %s twice", f.GetName(), key)
				}
				seen[key] = true
			}
			if f.GetHelp() == "" || !strings.HasPrefix(f.GetName(), "halorun_") {
				t.Errorf("%s: %q", f.GetName(), f.GetHelp())
			}
		}
		if name == "busy" {
			for _, l := range families["halorun_job_info"].GetMetric()[0].GetLabel() {
				if l.GetName() == "input" && l.GetValue() != "a \"b\"\n\\c\uFFFD.ppm" {
					t.Errorf("INPUT is %q", l.GetValue())
				}
			}
		}
	}
}

// The values are those of the board: of a rank that had another member before, the sums.
func TestMetricsValues(t *testing.T) {
	lines := strings.Split(metricsOf(t, busy()), "\n")
	for _, want := range []string{
		`halorun_job_state{state="running"} 1`, `halorun_job_state{state="done"} 0`, `halorun_job_epoch 2`, `halorun_job_ranks 2`, `halorun_job_events_total 1`,
		`halorun_pictures_total{outcome="failed"} 1`, `halorun_pictures_listed 9`,
		`halorun_rank_tiles_total{rank="1",host="h2"} 6`, `halorun_rank_sent_bytes_total{rank="1",host="h2"} 8`, `halorun_rank_restarts_total{rank="1",host="h2"} 1`,
		`halorun_rank_step_seconds_total{step="halo",rank="1",host="h2"} 2.5`, `halorun_rank_cpu_seconds_total{rank="0",host="h1"} 1.5`,
		`halorun_rank_resident_memory_bytes{rank="0",host="h1"} 4096`, `halorun_rank_tiles_total{rank="head",host="h3"} 0`,
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("%s is not there", want)
		}
	}
}

// A job is healthy while its ranks are heard.
func TestHealth(t *testing.T) {
	at := time.Now()
	rank := func(n int, epoch int, silent time.Duration) watch.Rank {
		return watch.Rank{Rank: n, Host: "h", Heard: at.Add(-silent), Result: fmt.Appendf(nil, `{"epoch":%d}`, epoch)}
	}
	ended := func(state, why string) watch.Status {
		return watch.Status{State: state, End: &watch.End{State: state, Error: why}, Ranks: []watch.Rank{rank(0, 1, time.Hour)}}
	}
	committing := func(since time.Duration, ranks ...watch.Rank) watch.Status {
		began := at.Add(-since)
		return watch.Status{State: watch.Running, Committing: &began, Ranks: ranks}
	}
	for name, c := range map[string]struct {
		s      watch.Status
		reason string
	}{
		"starting":               {watch.Status{State: watch.Starting}, ""},
		"running":                {watch.Status{State: watch.Running, Ranks: []watch.Rank{rank(0, 1, time.Second), rank(1, 1, 4*time.Second)}}, ""},
		"silent":                 {watch.Status{State: watch.Running, Ranks: []watch.Rank{rank(0, 1, time.Second), rank(1, 1, 6*time.Second)}}, "rank 1 on h is silent for 6 s"},
		"others went on":         {watch.Status{State: watch.Running, Ranks: []watch.Rank{rank(0, 2, time.Second), rank(1, 1, 6*time.Second)}}, ""},
		"OUTPUT is put in place": {committing(time.Hour, rank(0, 1, time.Hour), rank(1, 1, time.Hour+4*time.Second)), ""},
		"silent before":          {committing(time.Hour, rank(0, 1, time.Hour), rank(1, 1, time.Hour+6*time.Second)), "rank 1 on h is silent for 6 s"},
		"done":                   {ended(watch.Done, ""), ""},
		"failed":                 {ended(watch.Failed, "the disk is full"), "the disk is full"},
		"interrupted":            {ended(watch.Interrupted, ""), "the job has ended: interrupted"},
	} {
		c.s.Time = at
		st := new(progress.Meter).Take(&c.s)
		if h := healthOf(&c.s, &st, 5*time.Second); h.Reason != c.reason || (h.Status == "ok") != (c.reason == "") {
			t.Errorf("%s: %+v", name, h)
		}
	}
}

func TestHTTP(t *testing.T) {
	b := busy()
	m, err := ServeMetrics("127.0.0.1:0", b, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	get := func(path string, want int) (string, http.Header) {
		t.Helper()
		r, err := client.Get("http://" + m.Address() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode != want {
			t.Errorf("%s: %s, %v", path, r.Status, err)
		}
		return string(body), r.Header
	}
	if body, header := get("/metrics", 200); !strings.Contains(body, "halorun_job_ranks 2") || !strings.HasPrefix(header.Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Errorf("%s %v", body, header)
	}
	var h health
	body, _ := get("/healthz", 200)
	if err := json.Unmarshal([]byte(body), &h); err != nil || h.Status != "ok" || h.Heard != 2 || h.Ranks != 2 {
		t.Errorf("%s: %v", body, err)
	}
	get("/", 200)
	get("/etc/passwd", 404)
	b.Finish(watch.End{State: watch.Failed, Error: "it is over"})
	body, _ = get("/healthz", 503)
	if err := json.Unmarshal([]byte(body), &h); err != nil || h.Status != "unhealthy" || h.Reason != "it is over" {
		t.Errorf("%s: %v", body, err)
	}
	if second, err := ServeMetrics(m.Address(), b, 0); err == nil {
		second.Close()
		t.Error("two listen at one address")
	}
	m.Close()
	if _, err := client.Get("http://" + m.Address() + "/metrics"); err == nil {
		t.Error("it still answers")
	}
}

// Who holds connections open takes no more of the job's file descriptors than there are places; a place that is left is free.
func TestHTTPLimit(t *testing.T) {
	m, err := ServeMetrics("127.0.0.1:0", busy(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	get := func() (c net.Conn, answered bool) {
		t.Helper()
		c, err := net.Dial("tcp", m.Address())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		_, _ = c.Write([]byte("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")) // who is turned away is so at any time
		if _, err = c.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		return c, err == nil
	}
	first, _ := get()
	for i := range 2 * maxClients {
		if _, answered := get(); answered != (i+1 < maxClients) {
			t.Fatalf("connection %d is answered: %v", i+1, answered)
		}
	}
	first.Close()
	for limit := time.Now().Add(20 * time.Second); ; { // until the server has seen it
		if _, answered := get(); answered {
			break
		}
		if time.Now().After(limit) {
			t.Fatal("a place that was left is not free")
		}
	}
}

func TestAddress(t *testing.T) {
	for text, want := range map[string]string{
		":9090": "127.0.0.1:9090", "9090": "127.0.0.1:9090", "0.0.0.0:9090": "0.0.0.0:9090", "[::1]:80": "[::1]:80", "localhost:1": "localhost:1", ":0": "127.0.0.1:0",
		"": "", "host": "", ":x": "", ":65536": "", "::1:80": "", "a:b:c": "", "-1": "",
	} {
		got, err := Address(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}
