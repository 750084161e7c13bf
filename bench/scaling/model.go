package scaling

import (
	"context"
	"fmt"
	"math"

	"halorun/bench"
)

// Model is a forecast for more ranks than were measured. The time of a job with p ranks is
//
//	launch + begin·m + w·(Σ serial + Σ divided/p) + transfer(p) + agreement·⌈log₂p⌉ + connect·⌈(p−1)/32⌉
//
// where m is the number of ranks on the host with the most, w the size of the picture in units of that of one point, and a step's serial part is
// what its slowest rank needs however many others there are: Amdahl's terms, by name.
type Model struct {
	Launch  float64 `json:"launch_seconds"`         // of a job without work
	Begin   float64 `json:"begin_seconds_per_rank"` // of one more rank on a host
	Steps   []Term  `json:"steps"`
	Network Network `json:"network"`
	// Of the rank that sends and receives most: what comes to the others from it, or from them to it, and the halo rows.
	Shared   float64    `json:"shared_bytes"`
	Halo     float64    `json:"halo_bytes"`
	Empty    []Empty    `json:"empty_jobs"`
	Points   []Forecast `json:"points"` // at powers of two
	Errors   []Residual `json:"errors"` // at what was measured
	Mean     float64    `json:"mean_error"`
	Fastest  int        `json:"fastest"` // ranks of the points
	Assuming []string   `json:"assuming"`

	threads, hostCores int
	unit               float64 // pixels of a picture of size 1
	base               int
	weak               bool
	together           int // points with several ranks, which have sent something
}

// Term is what a step takes.
type Term struct {
	Name    string  `json:"name"`
	Serial  float64 `json:"serial_seconds"`             // for a picture of size 1, by one rank
	Divided float64 `json:"divided_seconds"`            // by one rank alone
	Rate    float64 `json:"mpixel_per_s_of_one_thread"` // of what is divided
}

// Empty is a job with next to nothing to do.
type Empty struct {
	Place
	Wall Spread `json:"wall_seconds"`
}

// Forecast is what the model says of a number of ranks.
type Forecast struct {
	Ranks      int     `json:"ranks"`
	Wall       float64 `json:"wall_seconds"`
	Speedup    float64 `json:"speedup"`
	Efficiency float64 `json:"efficiency"`
	Parts      Parts   `json:"seconds"`
}

// Parts are the terms of a forecast, in seconds.
type Parts struct {
	Launch    float64 `json:"launch"`
	Begin     float64 `json:"begin"`
	Connect   float64 `json:"connect"`
	Serial    float64 `json:"serial"`
	Divided   float64 `json:"divided"`
	Transfer  float64 `json:"transfer"`
	Agreement float64 `json:"agreement"`
}

func (p Parts) sum() float64 {
	return p.Launch + p.Begin + p.Connect + p.Serial + p.Divided + p.Transfer + p.Agreement
}

// Residual is how far the model is from what was measured.
type Residual struct {
	Ranks    int     `json:"ranks"`
	Measured float64 `json:"measured_seconds"`
	Modelled float64 `json:"modelled_seconds"`
	Error    float64 `json:"error"` // (modelled − measured) / measured
}

const (
	mostForecast = 1024
	// trips is how many one-way messages a new connection takes: two of TCP's handshake and four of comm's, which prove the key.
	trips = 6
	// encryptTrips is how many more it takes to encrypt it, as between hosts: TLS 1.3's handshake.
	encryptTrips = 2
	// dials is how many connections comm makes at once.
	dials = 32
	// agreements is how often all ranks hear of all: the plan, who has come, the end, and that all know it.
	agreements = 4
	// emptyJobs is how often each is run at most.
	emptyJobs = 5
)

// model measures what it takes besides the study, and makes the forecast.
func (p *Plan) model(ctx context.Context, w *workshop, s *Study) error {
	p.say("measuring empty jobs and links for the model")
	empty, err := p.empty(ctx, w)
	if err != nil {
		return err
	}
	network := Network{}
	if len(p.Pairs) > 0 {
		network = pairsNetwork(p.Pairs)
	} else {
		links, err := loopback(ctx)
		if err != nil {
			return err
		}
		network = fitNetwork(links)
	}
	s.Model = fitModel(s, empty, network)
	return nil
}

// empty runs jobs that have nothing to do but to begin and to end.
func (p *Plan) empty(ctx context.Context, w *workshop) ([]Empty, error) {
	in := w.file("empty.ppm")
	if err := (bench.Size{Width: 8, Height: 8}).Outline(in); err != nil {
		return nil, err
	}
	jobs := p.Jobs
	jobs.Ops = []string{"invert"}
	all := make([]Empty, len(p.Places))
	walls := make([][]float64, len(all))
	for range 1 + min(p.Repeat, emptyJobs) {
		for i, place := range p.Places {
			run, _, err := jobs.timed(ctx, w, place.Ranks, nil, in, w.file("empty-output."+p.Format))
			if err != nil {
				return nil, err
			}
			walls[i] = append(walls[i], run.Wall)
		}
	}
	for i, place := range p.Places {
		all[i] = Empty{place, spreadOf(walls[i][1:])}
	}
	return all, nil
}

// fitModel makes the model of what was measured.
func fitModel(s *Study, empty []Empty, network Network) *Model {
	m := &Model{Network: network, Empty: empty, threads: s.Threads, base: s.Base, weak: s.Mode == Weak, hostCores: s.Machine.Cores}
	for _, h := range s.Hosts {
		m.hostCores = max(1, h.Cores) // that of the last; the others are taken to be like it
	}
	m.unit = s.Points[0].Input.pixels()
	if m.weak {
		m.unit /= float64(s.Base)
	}
	m.fitLaunch()
	m.fitSteps(s)
	m.fitBytes(s)
	for _, p := range s.Points {
		modelled := m.parts(p.Place).sum()
		e := Residual{p.Ranks, p.Wall.Median, modelled, modelled/p.Wall.Median - 1}
		m.Errors = append(m.Errors, e)
		m.Mean += abs(e.Error) / float64(len(s.Points))
	}
	law, t0, best := s.law(), m.parts(m.like(m.base)).sum(), 0.0
	for ranks := 1; ranks <= mostForecast; ranks *= 2 {
		f := Forecast{Ranks: ranks, Parts: m.parts(m.like(ranks))}
		f.Wall = f.Parts.sum()
		f.Speedup, f.Efficiency, _ = law(m.base, ranks, t0, f.Wall)
		m.Points = append(m.Points, f)
		if f.Speedup > best {
			best, m.Fastest = f.Speedup, ranks
		}
	}
	m.assume(s)
	return m
}

// fitLaunch tells apart, in empty jobs, what each rank of a host adds. What ranks wait for each other has terms of its own. Where all hosts are equally
// full, or there is but one job, what cannot be told apart counts as launch.
func (m *Model) fitLaunch() {
	var u, v, y []float64
	for _, e := range m.Empty {
		u, v, y = append(u, float64(e.Fullest)), append(v, 1), append(y, max(0, e.Wall.Median-m.connect(e.Ranks)-m.agreement(e.Ranks)))
	}
	m.Begin, m.Launch = fit(u, v, y)
}

// fitSteps tells apart, for each step with work in it, what is divided among ranks and what is not. The kernels, and what is kept of their results, are
// all divided. Where threads share a core, as they do when there are more, they take turns, and a thread's time is in part others'.
func (m *Model) fitSteps(s *Study) {
	names := stepNames()
	for k, name := range names {
		codec := name == "read" || name == "write"
		if !codec && name != "compute" && name != "checkpoint" {
			continue
		}
		var u, v, y []float64
		for _, p := range s.Points {
			w := p.Input.pixels() / m.unit
			u, v = append(u, 0), append(v, w/float64(p.Ranks))
			if codec {
				u[len(u)-1] = w
			}
			y = append(y, *p.Slowest.list()[k]/m.crowd(p.Place))
		}
		t := Term{Name: name}
		if t.Serial, t.Divided = fit(u, v, y); t.Divided > 0 {
			t.Rate = m.unit / 1e6 / (t.Divided * float64(m.threads))
		}
		m.Steps = append(m.Steps, t)
	}
}

// crowd returns how many threads there are for each core, and 1 if there are fewer threads.
func (m *Model) crowd(p Place) float64 {
	return max(1, float64(p.Ranks*m.threads)/float64(max(1, p.Cores)))
}

// fitBytes tells apart what grows with the picture and the halo rows. What cannot be told apart, of a single number of ranks, counts as the former.
func (m *Model) fitBytes(s *Study) {
	var u, v, y []float64
	for _, p := range s.Points {
		if p.Ranks > 1 {
			u, v = append(u, 1), append(v, p.Input.pixels()/m.unit*(1-1/float64(p.Ranks)))
			y = append(y, float64(p.MostBytes))
		}
	}
	m.together = len(y)
	m.Halo, m.Shared = fit(u, v, y)
}

// connect returns for how long ranks connect to each other. A rank connects to several at once.
func (m *Model) connect(ranks int) float64 {
	n := trips
	if m.Network.Kind != "loopback" {
		n += encryptTrips
	}
	return float64(n*((ranks-1+dials-1)/dials)) * m.Network.Latency
}

// agreement returns for how long all tell all.
func (m *Model) agreement(ranks int) float64 {
	return agreements * rounds(ranks) * m.Network.Latency
}

// rounds returns how many rounds it takes until all of n ranks know what one knows, each telling one other in each round.
func rounds(n int) float64 { return math.Ceil(math.Log2(float64(n))) }

// parts returns the model's terms for ranks that are somewhere.
func (m *Model) parts(p Place) Parts {
	n, w := float64(p.Ranks), 1.0
	if m.weak {
		w = n
	}
	t := Parts{
		Launch: m.Launch, Begin: m.Begin * float64(p.Fullest),
		Connect: m.connect(p.Ranks), Agreement: m.agreement(p.Ranks),
	}
	for _, s := range m.Steps {
		t.Serial += w * s.Serial
		t.Divided += w * s.Divided / n * m.crowd(p)
	}
	if p.Ranks > 1 {
		if bytes := w*m.Shared*(1-1/n) + m.Halo; bytes > 0 {
			t.Transfer = m.Network.seconds(bytes)
		}
	}
	return t
}

// like returns where so many ranks are, if there are enough hosts like this, or like the last of several, for each thread to have a core.
func (m *Model) like(ranks int) Place {
	full := min(ranks, max(1, m.hostCores/m.threads))
	return Place{Ranks: ranks, Cores: ranks * m.threads, Fullest: full, Hosts: (ranks + full - 1) / full}
}

func (m *Model) assume(s *Study) {
	say := func(format string, args ...any) { m.Assuming = append(m.Assuming, fmt.Sprintf(format, args...)) }
	say("each thread has a core: hosts of %s like the measured one, as many as it takes", bench.Count(m.hostCores, "core"))
	say("hosts are reached all at once, and the storage is fast enough for all ranks")
	if m.Network.Kind == "loopback" {
		say("the links between hosts are as fast as those within this machine, which were measured; a slower network makes transfer, agreement and connections longer in proportion")
	}
	if len(s.Points) < 3 {
		say("what is serial and what is divided come out right, although %s of ranks can hardly tell them apart; measure 3 or more", bench.Count(len(s.Points), "number"))
	}
	for _, p := range s.Points {
		if p.Oversubscribed {
			say("threads took turns where there were more ranks than cores")
			break
		}
	}
}
