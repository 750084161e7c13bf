package bench

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"halorun/kernels"
	"halorun/ranks/raster"
)

// How all programs write what can be written in several ways: as Halorun does by default.
const (
	peerQuality     = 95 // of a JPEG, with colours at half the size
	peerCompression = 1  // of a PNG
)

// peerGrace is how long a program that is to end has to clean up.
const peerGrace = 5 * time.Second

// PeersConfig says what is compared.
type PeersConfig struct {
	Input   string   // a PNG, JPEG, TIFF or PNM, or synthetic:WIDTHxHEIGHT
	Ops     []string // as for run
	Format  string   // of the outputs: png, jpeg, tiff or pnm; "" for INPUT's
	Ranks   int      // processes or threads of each program
	Repeat  int      // rounds after the one that warms up
	Timeout time.Duration
	Dir     string        // in which there is room for INPUT's copies and the outputs; "" for $TMPDIR
	Halorun string        // the program
	Version string        // of it
	Suspend <-chan func() // as of Command
	// Progress is told of each run.
	Progress func(text string)
}

// States of a program in a comparison.
const (
	Measured = "measured"
	Absent   = "absent" // it is not installed
	Unable   = "unable" // it lacks an operation
	Failed   = "failed"
)

// PeerResult is what came of one program.
type PeerResult struct {
	Program  string     `json:"program"`
	Version  string     `json:"version,omitempty"`
	State    string     `json:"state"`
	Reason   string     `json:"reason,omitempty"` // of any state but measured
	Commands [][]string `json:"commands,omitempty"`
	Env      []string   `json:"env,omitempty"`

	Seconds     []float64   `json:"seconds,omitempty"` // one a round
	Median      float64     `json:"median_seconds,omitempty"`
	Min         float64     `json:"min_seconds,omitempty"`
	Max         float64     `json:"max_seconds,omitempty"`
	CPUSeconds  []float64   `json:"cpu_seconds,omitempty"` // of all its processes, one a round
	CPU         float64     `json:"median_cpu_seconds,omitempty"`
	MPixelPerS  float64     `json:"mpixel_per_s,omitempty"`     // of INPUT, at the median
	MaxRSS      int64       `json:"max_rss_bytes,omitempty"`    // of the largest process
	RSSBound    bool        `json:"max_rss_bound,omitempty"`    // it is an upper bound
	Ratio       float64     `json:"ratio_to_halorun,omitempty"` // of the medians; above 1 is slower than Halorun
	OutputBytes int64       `json:"output_bytes,omitempty"`
	Pixels      *Difference `json:"pixels,omitempty"` // from Halorun's
}

// PeersReport is a comparison.
type PeersReport struct {
	Date     string       `json:"date"`
	Machine  Machine      `json:"machine"`
	Input    string       `json:"input"`
	Width    int          `json:"width"`
	Height   int          `json:"height"`
	Channels int          `json:"channels"`
	Format   string       `json:"format"` // of the outputs
	Ops      []string     `json:"ops"`    // with all their parameters
	Ranks    int          `json:"ranks"`
	Repeat   int          `json:"repeat"`
	Programs []PeerResult `json:"programs"` // Halorun first
	Notes    []string     `json:"notes"`
}

// plan is how a program does the job.
type plan struct {
	commands [][]string // one after the other
	files    map[string]string
	env      []string
	notes    []string
}

// Peers runs a job through Halorun and through what is installed of its peers, in turns, and compares times and results. A peer that is
// absent, unable or fails is told of in its result; the error is about INPUT, the chain or Halorun.
func Peers(ctx context.Context, c PeersConfig) (*PeersReport, error) {
	chain, err := kernels.Parse(c.Ops)
	if err != nil {
		return nil, err
	}
	dir, err := workFolder(c.Dir, "halorun-peers-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	r := &peersRun{PeersConfig: c, dir: dir}
	if err := r.input(ctx, chain); err != nil {
		return nil, err
	}
	r.programs(ctx)
	if err := r.measure(ctx); err != nil {
		return nil, err
	}
	if err := r.comparePixels(ctx); err != nil {
		return nil, err
	}
	return r.report(), nil
}

// peersRun is a comparison that goes on.
type peersRun struct {
	PeersConfig
	dir   string
	job   *peerJob
	peers []*peer
	notes []string
}

// peer is a program in a comparison.
type peer struct {
	PeerResult
	plan
	paths  []string // of the commands' programs
	output string
	cwd    string
}

// input makes INPUT, or finds out what it is, and gives it a name in the folder that no program takes for more than a name.
func (r *peersRun) input(ctx context.Context, chain kernels.Chain) error {
	size, ok, err := ParseSynthetic(r.Input)
	if err != nil {
		return err
	}
	if ok {
		return r.make(ctx, chain, size)
	}
	path, err := filepath.Abs(r.Input)
	if err != nil {
		return err
	}
	switch st, err := os.Stat(path); {
	case err != nil:
		return &raster.InputError{Name: r.Input, Err: err}
	case !st.Mode().IsRegular():
		return &raster.InputError{Name: r.Input, Err: errors.New("all programs are to read it again and again, so it is to be a file")}
	}
	picture, err := openPicture(path)
	if err != nil {
		if e := new(raster.InputError); errors.As(err, &e) {
			e.Name = r.Input
		}
		return err
	}
	info := picture.Info()
	picture.Close()
	if !slices.Contains([]string{"png", "jpeg", "tiff", "pnm"}, info.Format) {
		return &raster.InputError{Name: r.Input, Err: fmt.Errorf("it is a %s; all programs read PNG, JPEG, TIFF and PNM", info.Format)}
	}
	if info.Depth != 8 {
		r.notes = append(r.notes, fmt.Sprintf("INPUT has samples of %d bits; not all programs make 8 of them", info.Depth))
	}
	if err := r.plan(chain, kernels.Shape{Width: info.Width, Height: info.Height, Channels: info.Channels}, info.Format); err != nil {
		return err
	}
	r.job.input = "in." + extension(info.Format)
	return os.Symlink(path, filepath.Join(r.dir, r.job.input))
}

// make writes a synthetic INPUT in the outputs' format.
func (r *peersRun) make(ctx context.Context, chain kernels.Chain, size Size) error {
	if err := r.plan(chain, kernels.Shape{Width: size.Width, Height: size.Height, Channels: 3}, "pnm"); err != nil {
		return err
	}
	r.job.input = "in." + extension(r.job.format)
	r.tell("making %s", r.Input)
	name := filepath.Join(r.dir, r.job.input)
	if r.job.format == "pnm" {
		if err := size.Outline(name); err != nil {
			return err
		}
		return size.Paint(ctx, name)
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	o := raster.Output{Width: size.Width, Height: size.Height, Channels: 3, Format: r.job.format, Quality: peerQuality}
	if err := o.Check(); err != nil {
		return &raster.InputError{Name: r.Input, Err: err}
	}
	w := raster.NewWriter(f, o, false)
	defer w.Abort()
	if err := w.Begin(); err != nil {
		return err
	}
	if err := synthetic(ctx, size, w.WriteRows); err != nil {
		return err
	}
	return errors.Join(w.Finish(), f.Close())
}

func (r *peersRun) plan(chain kernels.Chain, shape kernels.Shape, format string) (err error) {
	if r.job, err = newPeerJob(chain, shape); err != nil {
		return err
	}
	r.job.ranks, r.job.format = r.Ranks, format
	if r.Format != "" {
		r.job.format = r.Format
	}
	if r.job.format == "jpeg" && max(shape.Width, shape.Height) > math.MaxUint16 {
		return &raster.InputError{Name: r.Input, Err: errors.New("a JPEG has at most 65535 pixels a side; ask for another --format")}
	}
	return nil
}

func (r *peersRun) tell(format string, args ...any) {
	if r.Progress != nil {
		r.Progress(fmt.Sprintf(format, args...))
	}
}

// measure runs all programs in turns. The first round warms up, and shows who fails. Each round begins with another program, so that none
// always runs after the same one.
func (r *peersRun) measure(ctx context.Context) error {
	for round := range r.Repeat + 1 {
		for i := range r.peers {
			p := r.peers[(i+round)%len(r.peers)]
			if p.State != Measured {
				continue
			}
			took, err := r.once(ctx, p)
			switch {
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case err != nil && p == r.peers[0]:
				return fmt.Errorf("halorun itself failed: %w", err)
			case err != nil:
				p.State, p.Reason = Failed, err.Error()
				r.tell("%s failed: %v", p.Program, err)
				continue
			}
			if round > 0 {
				p.Seconds, p.CPUSeconds = append(p.Seconds, took.Seconds), append(p.CPUSeconds, took.CPU)
			}
			if took.RSS >= p.MaxRSS {
				p.MaxRSS, p.RSSBound = took.RSS, took.Bound
			}
			r.tell("round %d of %d: %s %.3f s", round, r.Repeat, p.Program, took.Seconds)
		}
	}
	return nil
}

// once runs a program's commands, again if they were suspended meanwhile.
func (r *peersRun) once(ctx context.Context, p *peer) (total Cost, err error) {
	for {
		total, err = r.attempt(ctx, p)
		if !total.Suspended || ctx.Err() != nil {
			return total, err
		}
		r.tell("%s was suspended, and begins anew", p.Program)
	}
}

func (r *peersRun) attempt(ctx context.Context, p *peer) (total Cost, err error) {
	out := filepath.Join(r.dir, p.output)
	if err := os.Remove(out); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Cost{}, err
	}
	settle(r.dir)
	over := fmt.Errorf("it took longer than --timeout %v", r.Timeout)
	limited, cancel := context.WithTimeoutCause(ctx, r.Timeout, over)
	defer cancel()
	for i, args := range p.commands {
		took, err := Command{Path: p.paths[i], Args: args, Dir: p.cwd, Env: p.env, Suspend: r.Suspend, Grace: peerGrace}.Run(limited)
		total.Suspended = total.Suspended || took.Suspended
		if err != nil {
			return total, err
		}
		total.Seconds, total.CPU = total.Seconds+took.Seconds, total.CPU+took.CPU
		if took.RSS >= total.RSS {
			total.RSS, total.Bound = took.RSS, took.Bound
		}
	}
	st, err := os.Stat(out)
	if err != nil {
		return total, errors.New("it ended well, and wrote no output")
	}
	p.OutputBytes = st.Size()
	r.clean()
	return total, nil
}

// settle waits until what has been written to the folder's disk is there, or the next program would wait for it.
func settle(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = unix.Syncfs(int(d.Fd()))
		d.Close()
	}
}

// clean removes what vips left between two operations.
func (r *peersRun) clean() {
	between, _ := filepath.Glob(filepath.Join(r.dir, "vips*.v")) // the pattern is right
	for _, name := range between {
		_ = os.Remove(name)
	}
}

// comparePixels compares the outputs with Halorun's.
func (r *peersRun) comparePixels(ctx context.Context) error {
	for _, p := range r.peers[1:] {
		if p.State != Measured {
			continue
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		d, err := compare(filepath.Join(r.dir, r.peers[0].output), filepath.Join(r.dir, p.output))
		if err != nil {
			d = Difference{Why: strings.ReplaceAll(err.Error(), r.dir+"/", "")}
		}
		p.Pixels = &d
	}
	return nil
}

func (r *peersRun) report() *PeersReport {
	j := r.job
	report := &PeersReport{Date: time.Now().Format(time.DateOnly), Machine: ThisMachine(), Input: r.Input, Width: j.shape.Width, Height: j.shape.Height,
		Channels: j.shape.Channels, Format: j.extension(), Ranks: r.Ranks, Repeat: r.Repeat, Notes: r.notes}
	for _, call := range j.chain {
		report.Ops = append(report.Ops, call.String())
	}
	noisy := []string{}
	for _, p := range r.peers {
		if p.State == Measured {
			p.Median, p.Min, p.Max = Median(p.Seconds), slices.Min(p.Seconds), slices.Max(p.Seconds)
			p.MPixelPerS = float64(j.shape.Width) * float64(j.shape.Height) / 1e6 / p.Median
			p.CPU = Median(p.CPUSeconds)
			p.Ratio = p.Median / r.peers[0].Median
			for _, n := range p.notes {
				if !slices.Contains(report.Notes, n) {
					report.Notes = append(report.Notes, n)
				}
			}
			if s := ScatterOf(p.Seconds); s.Part > Noisy {
				noisy = append(noisy, fmt.Sprintf("%s %v", p.Program, s))
			}
		} else {
			p.Seconds, p.CPUSeconds, p.OutputBytes, p.MaxRSS, p.RSSBound = nil, nil, 0, 0, false
		}
		p.Commands, p.Env = p.plan.commands, p.plan.env
		for _, args := range p.Commands {
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], r.dir+"/", "")
			}
		}
		report.Programs = append(report.Programs, p.PeerResult)
	}
	if len(noisy) > 0 {
		report.Notes = append(report.Notes, Uncertain(noisy))
	}
	if report.Notes == nil {
		report.Notes = []string{}
	}
	return report
}
