package scaling

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"halorun/bench"
)

// Plan is what to measure.
type Plan struct {
	Version   string
	Command   []string
	Jobs      Runner
	Places    []Place // by rising ranks
	Threads   int     // of a rank
	Hosts     []Host
	Cores     int // of this machine
	Input     string
	Synthetic *bench.Size // instead
	Format    string      // of outputs, by a name's extension
	Weak      bool
	Repeat    int
	Model     bool
	Pairs     []Pair       // of hosts; none: the links within this machine are measured, for the model
	Out       string       // folder
	Say       func(string) // progress
}

func (p *Plan) say(format string, args ...any) {
	if p.Say != nil {
		p.Say(fmt.Sprintf(format, args...))
	}
}

// Measure runs the jobs: those that warm up, and then round by round each number of ranks once, beginning with another one each time, so
// that what a machine does meanwhile befalls all of them alike.
func (p *Plan) Measure(ctx context.Context) (study *Study, err error) {
	began := time.Now()
	study = &Study{
		Version: p.Version, Command: p.Command, Began: began.Round(time.Second), Machine: Here(p.Cores), Hosts: p.Hosts, Mode: Strong, Input: p.Input,
		Flags: append(append([]string{}, p.Jobs.Read...), p.Jobs.Flags...), Threads: p.Threads, Repeat: p.Repeat, Warnings: []string{},
	}
	if study.Hosts == nil {
		study.Hosts = []Host{}
	}
	if p.Weak {
		study.Mode = Weak
	}
	w, err := newWorkshop(p.Out)
	if err != nil {
		return nil, err
	}
	defer func() {
		if cerr := w.close(); err == nil && cerr != nil {
			err = fmt.Errorf("remove %s: %w", w.dir, cerr)
		}
	}()
	inputs, err := p.pictures(ctx, w)
	if err != nil {
		return nil, err
	}
	study.Points = make([]Point, len(p.Places))
	for i, place := range p.Places {
		point := &study.Points[i]
		point.Place = place
		warm, report, err := p.run(ctx, w, place.Ranks, inputs[i])
		if err != nil {
			return nil, err
		}
		point.WarmUp = &warm
		point.Input, point.Output, study.Ops = report.Input, report.Output, report.Ops
		if other := p.other(i); p.Weak && other > 0 {
			check, _, err := p.run(ctx, w, other, inputs[i])
			if err != nil {
				return nil, err
			}
			point.Check = &check
		}
	}
	p.say("warmed up")
	for round := range p.Repeat {
		var times []string
		for i := range p.Places {
			i = (i + round) % len(p.Places)
			run, _, err := p.run(ctx, w, p.Places[i].Ranks, inputs[i])
			if err != nil {
				return nil, err
			}
			run.Round = round + 1
			study.Points[i].Runs = append(study.Points[i].Runs, run)
			times = append(times, fmt.Sprintf("%s %s", bench.Count(run.Ranks, "rank"), bench.SecondsText(run.Wall)))
		}
		p.say("round %d of %d: %s", round+1, p.Repeat, strings.Join(times, ", "))
	}
	study.settle()
	if p.Model {
		err := p.model(ctx, w, study)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil { // what was measured is worth having all the same
			study.Warnings = append(study.Warnings, fmt.Sprintf("there is no forecast: %v", err))
		}
	}
	study.Seconds = time.Since(began).Seconds()
	return study, nil
}

// other returns with how many ranks the picture of the place i is computed, too, so that its output can be compared.
func (p *Plan) other(i int) int {
	switch {
	case i > 0:
		return p.Places[i-1].Ranks
	case len(p.Places) > 1:
		return p.Places[1].Ranks
	}
	return 0
}

func (p *Plan) run(ctx context.Context, w *workshop, ranks int, in input) (Run, *report, error) {
	flags := p.Jobs.Read
	if in.own {
		flags = nil
	}
	run, report, err := p.Jobs.timed(ctx, w, ranks, flags, in.name, p.output(w))
	if errors.Is(err, os.ErrNotExist) && ctx.Err() == nil {
		err = fmt.Errorf("%w; somebody has removed what is in %s", err, w.dir)
	}
	return run, report, err
}
