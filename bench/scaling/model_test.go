package scaling

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"halorun/bench"
)

// TestFit finds the numbers that rows were made of, and none that are negative.
func TestFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Float64Range(0, 5).Draw(t, "a"), rapid.Float64Range(0, 5).Draw(t, "b")
		var u, v, y []float64
		for p := 1; p <= 1<<rapid.IntRange(1, 5).Draw(t, "points"); p *= 2 {
			u, v = append(u, 1), append(v, 1/float64(p))
			y = append(y, a+b/float64(p))
		}
		if ga, gb := fit(u, v, y); abs(ga-a) > 1e-6 || abs(gb-b) > 1e-6 {
			t.Fatalf("%v and %v, want %v and %v", ga, gb, a, b)
		}
		noise := rapid.SliceOfN(rapid.Float64Range(-3, 3), len(y), len(y)).Draw(t, "noise")
		if a, b := fit(u, v, noise); a < 0 || b < 0 {
			t.Fatalf("%v and %v", a, b)
		}
	})
	if a, b := fit([]float64{1}, []float64{0.5}, []float64{3}); a != 0 || b != 6 {
		t.Errorf("a single row: %v and %v", a, b)
	}
	if a, b := fit(nil, nil, nil); a != 0 || b != 0 {
		t.Errorf("no row: %v and %v", a, b)
	}
}

func TestFitNetwork(t *testing.T) {
	const latency, rate = 20e-6, 1.5e9
	var links []Link
	for _, n := range []float64{8, 4096, 65536, 1 << 20} {
		links = append(links, Link{n, latency + n/rate})
	}
	n := fitNetwork(links)
	if abs(n.Latency-latency) > 1e-10 || abs(n.BytesPerSecond-rate) > 1 || *n.Error > 1e-6 {
		t.Errorf("%+v", n)
	}
}

// TestPairsNetwork wants the medians of what was measured, and no word of an error.
func TestPairsNetwork(t *testing.T) {
	n := pairsNetwork([]Pair{{"a", "b", 2e-4, 1e9}, {"b", "a", 4e-4, 3e9}, {"a", "c", 9e-4, 2e9}})
	if n.Kind != "hosts" || n.Latency != 2e-4 || n.BytesPerSecond != 2e9 || n.Error != nil || len(n.Pairs) != 3 {
		t.Errorf("%+v", n)
	}
}

// world is a machine that keeps to the model.
type world struct {
	launch, begin             float64
	readSerial, readDivided   float64
	compute                   float64
	writeSerial, writeDivided float64
	shared, halo              float64
	network                   Network
	threads, cores            int
	weak                      bool
}

// study measures it with some numbers of ranks.
func (w *world) study(ranks ...int) (*Study, []Empty) {
	s := &Study{Mode: Strong, Threads: w.threads, Repeat: 1, Machine: Machine{Machine: bench.Machine{Cores: w.cores}}}
	if w.weak {
		s.Mode = Weak
	}
	var empty []Empty
	for _, n := range ranks {
		p := Point{Place: Place{Ranks: n}, Input: Picture{Width: 1000, Height: 1000}}
		p.Count(make([]int, n), []Host{{Cores: w.cores}}, w.threads)
		size := 1.0
		if w.weak {
			size = float64(n)
			p.Input.Height *= n
		}
		crowd := max(1, float64(n*w.threads)/float64(p.Cores))
		r := Run{Ranks: n, Checksum: fmt.Sprint(p.Input.Height)}
		r.slowest.Read = size * (w.readSerial + w.readDivided/float64(n))
		r.slowest.Compute = size * w.compute / float64(n)
		r.slowest.Write = size * (w.writeSerial + w.writeDivided/float64(n))
		r.Wall = w.launch + w.begin*float64(n) + size*(w.readSerial+w.writeSerial) + crowd*size*(w.readDivided+w.compute+w.writeDivided)/float64(n)
		for _, v := range r.slowest.list() {
			*v *= crowd
		}
		if n > 1 {
			bytes := size*w.shared*(1-1/float64(n)) + w.halo
			r.mostBytes = int64(bytes)
			r.Wall += w.network.seconds(bytes) + w.together(n)
		}
		p.Runs = []Run{r}
		s.Points = append(s.Points, p)
		empty = append(empty, Empty{p.Place, spreadOf([]float64{w.launch + w.begin*float64(n) + w.together(n)})})
	}
	s.settle()
	return s, empty
}

// together is what n ranks wait for the network in any job: four one-way messages for each doubling of what all know, and for up to 32 connections
// at once the six of TCP's handshake and the key's, and two of TLS between hosts.
func (w *world) together(n int) float64 {
	oneWay := 4 * map[int]float64{1: 0, 2: 1, 4: 2, 8: 3, 33: 6, 34: 6}[n]
	connect := 6.0
	if w.network.Kind == "hosts" {
		connect = 8
	}
	switch {
	case n > 33:
		oneWay += 2 * connect
	case n > 1:
		oneWay += connect
	}
	return oneWay * w.network.Latency
}

// TestModel has the model find the numbers of machines that keep to it, and no error then.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string, lo, hi float64) float64 { return rapid.Float64Range(lo, hi).Draw(t, name) }
		w := &world{
			launch: draw("launch", 0.02, 0.2), begin: draw("begin", 0.001, 0.02), readSerial: draw("readSerial", 0, 0.5), readDivided: draw("readDivided", 0.01, 2),
			compute: draw("compute", 0.1, 10), writeSerial: draw("writeSerial", 0, 0.5), writeDivided: draw("writeDivided", 0.01, 2),
			shared: draw("shared", 1e3, 1e9), halo: draw("halo", 0, 1e6), network: Network{Kind: rapid.SampledFrom([]string{"loopback", "hosts"}).Draw(t, "kind"), Latency: draw("latency", 0, 1e-3), BytesPerSecond: 1e9},
			threads: rapid.IntRange(1, 3).Draw(t, "threads"), cores: rapid.IntRange(1, 16).Draw(t, "cores"), weak: rapid.Bool().Draw(t, "weak"),
		}
		s, empty := w.study(1, 2, 4, 8, 33, 34)
		m := fitModel(s, empty, w.network)
		if m.Mean > 1e-3 {
			t.Fatalf("errors %+v of %+v", m.Errors, w)
		}
		got := []float64{m.Launch, m.Begin, m.Steps[0].Serial, m.Steps[0].Divided, m.Steps[1].Serial, m.Steps[1].Divided, m.Steps[3].Serial, m.Steps[3].Divided}
		want := []float64{w.launch, w.begin, w.readSerial, w.readDivided, 0, w.compute, w.writeSerial, w.writeDivided}
		for i := range want {
			if abs(got[i]-want[i]) > 1e-6*max(1, want[i]) {
				t.Fatalf("term %d is %v, want %v", i, got[i], want[i])
			}
		}
		if rate := 1 / (w.compute * float64(w.threads)); abs(m.Steps[1].Rate-rate) > 1e-6*rate {
			t.Fatalf("%v Mpixel/s, want %v", m.Steps[1].Rate, rate)
		}
		// Far out, a rank's part comes from its terms alone.
		last := m.Points[len(m.Points)-1]
		size := 1.0
		if w.weak {
			size = mostForecast
		}
		divided := size * (w.readDivided + w.compute + w.writeDivided) / mostForecast
		if last.Ranks != mostForecast || abs(last.Parts.Divided-divided) > 1e-6*divided || abs(last.Parts.sum()-last.Wall) > 1e-9 {
			t.Fatalf("%+v, divided %v", last, divided)
		}
	})
}

// TestModelOfOnePoint has little to go by, and says so.
func TestModelOfOnePoint(t *testing.T) {
	w := &world{launch: 0.1, compute: 1, threads: 1, cores: 2, network: Network{Latency: 1e-5, BytesPerSecond: 1e9}}
	s, empty := w.study(1)
	m := fitModel(s, empty, w.network)
	if m.Mean > 1e-9 || abs(m.Launch-0.1) > 1e-9 || m.Begin != 0 || m.Steps[1].Divided != 1 {
		t.Errorf("%+v", m)
	}
	if len(m.Assuming) < 3 {
		t.Errorf("nothing is said about one point: %q", m.Assuming)
	}
}

// TestModelOfEquallyFull has hosts of as many ranks each in all jobs: what a rank adds cannot be told from what a job takes, so that no host gets
// dearer for having more. And with one number of ranks above one, halo rows cannot be told from what grows with the picture.
func TestModelOfEquallyFull(t *testing.T) {
	w := &world{launch: 0.1, begin: 0.02, compute: 1, shared: 1e6, halo: 1e5, threads: 1, cores: 8, weak: true, network: Network{Kind: "hosts", Latency: 1e-4, BytesPerSecond: 1e9}}
	s, empty := w.study(1, 2)
	for i := range empty {
		empty[i].Fullest = 2
		empty[i].Wall = spreadOf([]float64{0.14 + w.together(empty[i].Ranks)})
	}
	m := fitModel(s, empty, w.network)
	if abs(m.Launch-0.14) > 1e-9 || m.Begin != 0 {
		t.Errorf("launch %v, begin %v", m.Launch, m.Begin)
	}
	if abs(m.Shared-1.1e6) > 2 || m.Halo != 0 {
		t.Errorf("shared %v, halo %v", m.Shared, m.Halo)
	}
	if notes := strings.Join(m.terms().Notes, "\n"); strings.Contains(notes, "of halo rows") || !strings.Contains(notes, "cannot be told apart") {
		t.Error(notes)
	}
}
