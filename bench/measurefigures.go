package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"halorun/kernels"
)

// FiguresConfig says what is measured to be compared later.
type FiguresConfig struct {
	Rounds        int
	Ranks         int // of whole jobs
	Width, Height int // of the kernels' picture; that of whole jobs has three times as many pixels
	Timeout       time.Duration
	Dir           string        // in which whole jobs run, in a temporary folder; "" for $TMPDIR
	Halorun       string        // the program
	Version       string        // of it
	Suspend       <-chan func() // as of Command
	// Progress is told of each round.
	Progress func(text string)
}

// figureJobs are the whole jobs: what each reads and writes, and the chain.
var figureJobs = [...][3]string{
	{"ppm", "ppm", "invert"}, {"ppm", "ppm", "blur"}, {"ppm", "pgm", "edges"}, {"ppm", "ppm", "equalize"},
	{"png", "png", "blur"}, {"jpg", "jpg", "blur"}, {"tif", "tif", "blur"},
}

// MeasureFigures measures operations in memory and a few whole jobs, in rounds, so that what changes slowly about a machine shows as noise
// in all series rather than as a difference in some.
func MeasureFigures(ctx context.Context, c FiguresConfig) (*Figures, error) {
	machine := ThisMachine()
	f := &Figures{Schema: FiguresSchema, Date: time.Now().Format(time.RFC3339), Version: c.Version, Machine: &machine}
	picture, err := Photo(c.Width, c.Height)
	if err != nil {
		return nil, err
	}
	subjects, err := Operations()
	if err != nil {
		return nil, err
	}
	chain, err := kernels.Parse([]string{"blur:size=5", "edges"})
	if err != nil {
		return nil, err
	}
	subjects = append(subjects, Subject{"blur:size=5 edges", chain})
	dir, err := workFolder(c.Dir, "halorun-figures-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	jobs := &jobFigures{FiguresConfig: c, dir: dir, figures: f}
	if err := jobs.pictures(ctx); err != nil {
		return nil, err
	}
	for round := range c.Rounds + 1 { // the first warms up
		if c.Progress != nil {
			c.Progress(fmt.Sprintf("round %d of %d", round, c.Rounds))
		}
		var sticks []float64
		for i, s := range subjects {
			if i%8 == 0 {
				sticks = append(sticks, yardstick(machine.Cores))
			}
			select {
			case pause := <-c.Suspend:
				pause()
			default:
			}
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			k, err := Kernels([]Subject{s}, picture, 1, 3)
			if err != nil {
				return nil, err
			}
			if round > 0 {
				k[0].RunsMS = nil // the median of three is the value of a round
				f.add(k[0].series())
			}
		}
		if err := jobs.round(ctx, round > 0); err != nil {
			return nil, err
		}
		if sticks = append(sticks, yardstick(machine.Cores)); round > 0 {
			f.add(Series{Name: yardstickName, Unit: "ms", LowerIsBetter: true, Values: []float64{Median(sticks)}})
		}
	}
	return f, nil
}

// add adds the values to the series of that name.
func (f *Figures) add(s Series) {
	for i := range f.Series {
		if f.Series[i].Name == s.Name {
			f.Series[i].Values = append(f.Series[i].Values, s.Values...)
			return
		}
	}
	f.Series = append(f.Series, s)
}

// jobFigures measures whole jobs.
type jobFigures struct {
	FiguresConfig
	dir     string
	figures *Figures
}

// pictures makes the inputs.
func (j *jobFigures) pictures(ctx context.Context) error {
	ppm, size := filepath.Join(j.dir, "in.ppm"), Size{2 * j.Width, 3 * j.Height / 2}
	if err := size.Outline(ppm); err != nil {
		return err
	}
	if err := size.Paint(ctx, ppm); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(j.dir, "small.ppm"), append([]byte("P6\n8 8\n255\n"), make([]byte, 192)...), 0o644); err != nil {
		return err
	}
	for _, ext := range []string{"png", "jpg", "tif"} {
		if _, _, err := j.run(ctx, "in.ppm", "in."+ext, "blur:size=1"); err != nil {
			return err
		}
	}
	return nil
}

func (j *jobFigures) round(ctx context.Context, keep bool) error {
	add := func(name string, seconds float64, rss int64) {
		if !keep {
			return
		}
		j.figures.add(Series{Name: "jobs/" + name, Unit: "s", LowerIsBetter: true, Values: []float64{seconds}})
		j.figures.add(Series{Name: "memory/" + name, Unit: "MB", LowerIsBetter: true, Values: []float64{float64(rss) / 1e6}})
	}
	for _, job := range figureJobs {
		seconds, rss, err := j.run(ctx, "in."+job[0], "out."+job[1], job[2])
		if err != nil {
			return err
		}
		add(fmt.Sprintf("%s/%s to %s/%dx%d/%d", job[2], job[0], job[1], 2*j.Width, 3*j.Height/2, j.Ranks), seconds, rss)
	}
	seconds, rss, err := j.run(ctx, "small.ppm", "out.ppm", "invert")
	if err != nil {
		return err
	}
	add(fmt.Sprintf("start/8x8/%d", j.Ranks), seconds, rss)
	return nil
}

// run does a job, again if it was suspended meanwhile, and returns how long it took and what the largest of its ranks had resident.
func (j *jobFigures) run(ctx context.Context, in, out, op string) (seconds float64, rss int64, err error) {
	took, suspended := Cost{}, true
	for suspended && ctx.Err() == nil {
		took, err = j.attempt(ctx, in, out, op)
		suspended = took.Suspended
	}
	if err != nil {
		return 0, 0, err
	}
	return took.Seconds, took.RSS, context.Cause(ctx)
}

func (j *jobFigures) attempt(ctx context.Context, in, out, op string) (took Cost, err error) {
	report := filepath.Join(j.dir, "report.json")
	if err := os.Remove(filepath.Join(j.dir, out)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Cost{}, err
	}
	settle(j.dir)
	ctx, cancel := context.WithTimeoutCause(ctx, j.Timeout, fmt.Errorf("a job took longer than --timeout %v", j.Timeout))
	defer cancel()
	took, err = Command{Path: j.Halorun, Dir: j.dir, Suspend: j.Suspend,
		Args: []string{"halorun", "run", "-n", strconv.Itoa(j.Ranks), "--quiet", "--report", report, in, out, op}}.Run(ctx)
	if err != nil {
		return took, fmt.Errorf("%s of %s to %s: %w", op, in, out, err)
	}
	b, err := os.ReadFile(report)
	if err != nil {
		return took, err
	}
	var r struct {
		Ranks []struct {
			RSS int64 `json:"max_rss_bytes"`
		}
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return took, fmt.Errorf("report.json: %w", err)
	}
	took.RSS = 0 // of the launcher
	for _, rank := range r.Ranks {
		took.RSS = max(took.RSS, rank.RSS)
	}
	return took, nil
}
