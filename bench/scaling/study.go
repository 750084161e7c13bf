package scaling

import (
	"slices"
	"time"

	"halorun/bench"
	"halorun/ranks"
)

// Study is all that was found out, as scaling.json holds it. Its names are a promise to scripts.
type Study struct {
	Version   string    `json:"version"` // of Halorun
	Command   []string  `json:"command"`
	Began     time.Time `json:"began"`
	Seconds   float64   `json:"seconds"` // that the whole took
	Machine   Machine   `json:"machine"`
	Hosts     []Host    `json:"hosts"` // none: this machine alone
	Mode      string    `json:"mode"`  // strong or weak
	Input     string    `json:"input"` // as it was given
	Ops       []string  `json:"ops"`   // normalised
	Flags     []string  `json:"flags"` // of the jobs
	Threads   int       `json:"threads"`
	Repeat    int       `json:"repeat"`
	Base      int       `json:"base"` // ranks that speed-up is relative to
	Points    []Point   `json:"points"`
	Identical bool      `json:"identical"` // all outputs of a picture
	Differ    []string  `json:"differ"`    // which are not
	Warnings  []string  `json:"warnings"`
	Model     *Model    `json:"model,omitempty"`
}

// Host is one of several.
type Host struct {
	Host        string `json:"host"`
	Slots       int    `json:"slots"`
	Cores       int    `json:"cores"` // as it says itself; else its slots
	Arch        string `json:"arch"`
	MemoryBytes uint64 `json:"memory_bytes"`
}

// Picture is a job's input or output.
type Picture struct {
	Width    int    `json:"width"`
	Height   int    `json:"height"`
	Channels int    `json:"channels"`
	Depth    int    `json:"depth"`
	Format   string `json:"format"`
	Codec    string `json:"codec"`
}

func (p Picture) pixels() float64 { return float64(p.Width) * float64(p.Height) }

// Point is what was measured with one number of ranks.
type Point struct {
	Place
	Input      Picture  `json:"input"`
	Output     Picture  `json:"output"`
	Wall       Spread   `json:"wall_seconds"`
	Speedup    float64  `json:"speedup"`
	Efficiency float64  `json:"efficiency"`
	Serial     *float64 `json:"serial_fraction"` // null for the base
	MPixelPerS float64  `json:"mpixel_per_s"`
	// Steps are the mean over ranks, and Slowest the most of any, of the seconds that a thread was at each step, in the run whose time is nearest to the median.
	Steps     Steps    `json:"seconds"`
	Slowest   Steps    `json:"slowest_seconds"`
	Imbalance float64  `json:"imbalance"` // most by mean of the ranks' time for compute, less 1; the median
	Bytes     int64    `json:"bytes_moved"`
	MostBytes int64    `json:"most_bytes_of_a_rank"` // sent and received
	Checksums []string `json:"checksums"`            // of outputs; one, if all are identical
	WarmUp    *Run     `json:"warm_up,omitempty"`    // the one before the others
	Runs      []Run    `json:"runs"`
	Check     *Run     `json:"check,omitempty"` // of weak scaling: the same picture with another number of ranks
}

// Place is where some number of ranks are.
type Place struct {
	Ranks          int  `json:"ranks"`
	Cores          int  `json:"cores"`   // that they can use at once: no more than there are, no more than they have threads
	Fullest        int  `json:"fullest"` // ranks on the host with the most
	Hosts          int  `json:"hosts"`   // with ranks
	Oversubscribed bool `json:"more_than_cores"`
}

// Run is one job.
type Run struct {
	Ranks     int     `json:"ranks"`
	Round     int     `json:"round"`        // from 1; 0: it only warms up, or checks
	Wall      float64 `json:"wall_seconds"` // from the start of the program to its end
	Checksum  string  `json:"checksum"`     // of its output
	Imbalance float64 `json:"imbalance"`
	Restarts  int     `json:"restarts"`
	Bytes     int64   `json:"bytes_moved"`

	steps, slowest Steps
	mostBytes      int64
}

// Spread is a median with what is around it.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

func spreadOf(values []float64) Spread {
	return Spread{bench.Median(values), slices.Min(values), slices.Max(values)}
}

// Steps are seconds by step, as in a job's report.
type Steps struct{ ranks.Seconds }

// StepNames are those of Steps.list.
func stepNames() []string {
	return []string{"start", "read", "scatter", "halo", "compute", "checkpoint", "gather", "write"}
}

func (s *Steps) list() []*float64 {
	return []*float64{&s.Start, &s.Read, &s.Scatter, &s.Halo, &s.Compute, &s.Checkpoint, &s.Gather, &s.Write}
}

func (s *Steps) sum() (sum float64) {
	for _, v := range s.list() {
		sum += *v
	}
	return sum
}

// The modes.
const (
	Strong = "strong"
	Weak   = "weak"
)

// law is the one that the study's mode calls for.
func (s *Study) law() func(base, ranks int, t0, t float64) (speedup, efficiency float64, serial *float64) {
	if s.Mode == Weak {
		return weak
	}
	return strong
}

// walls are the times of the runs.
func (p *Point) walls() (all []float64) {
	for _, r := range p.Runs {
		all = append(all, r.Wall)
	}
	return all
}

// settle computes what follows from the runs.
func (s *Study) settle() {
	slices.SortFunc(s.Points, func(a, b Point) int { return a.Ranks - b.Ranks })
	s.Base = s.Points[0].Ranks
	for i := range s.Points {
		p := &s.Points[i]
		var imbalances []float64
		for _, r := range p.Runs {
			imbalances = append(imbalances, r.Imbalance)
		}
		p.Wall, p.Imbalance = spreadOf(p.walls()), bench.Median(imbalances)
		typical := p.Runs[0]
		for _, r := range p.Runs {
			if abs(r.Wall-p.Wall.Median) < abs(typical.Wall-p.Wall.Median) {
				typical = r
			}
		}
		p.Steps, p.Slowest, p.Bytes, p.MostBytes = typical.steps, typical.slowest, typical.Bytes, typical.mostBytes
		p.Speedup, p.Efficiency, p.Serial = s.law()(s.Base, p.Ranks, s.Points[0].Wall.Median, p.Wall.Median)
		p.MPixelPerS = p.Input.pixels() / 1e6 / p.Wall.Median
	}
	s.compare()
	s.doubt()
}

func abs(v float64) float64 { return max(v, -v) }
