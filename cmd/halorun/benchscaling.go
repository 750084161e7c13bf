package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	measure "halorun/bench"
	"halorun/bench/scaling"
	"halorun/cmdline"
	"halorun/kernels"
	"halorun/launcher/jobs"
	"halorun/launcher/jobs/progress"
	"halorun/ranks"
	"halorun/ranks/raster"
)

const maxRepeat = 10000

func benchScalingCommand() *cli.Command {
	return &cli.Command{
		Name:      "scaling",
		Usage:     "run a job with several numbers of ranks: speed-up, efficiency, where the time goes, plots and a report",
		ArgsUsage: "INPUT OP [OP...]",
		Description: "INPUT is a picture, or synthetic:WIDTHxHEIGHT, which is painted, always the same. Real jobs of 'halorun run' are timed\n" +
			"from start to end, in turn, after one each that warms up. All outputs are compared. The results are in the folder DIR:\n" +
			"report.html, scaling.json, scaling.csv, and speedup, efficiency and time as SVG and PNG. Flags of 'halorun run' that are\n" +
			"not told of here are those of the jobs.",
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "ranks", DefaultText: "1, 2, 4 and so on, and as many as there are cores or slots", Usage: "numbers of ranks, as `LIST`: 1,2,4,8"},
			&cli.BoolFlag{Name: "weak", Usage: "weak scaling: the picture is as many times as high as there are ranks"},
			cmdline.Within(&cli.IntFlag{Name: "repeat", Value: 5, Usage: "the median of `N` runs"}, "the number of runs", 1, maxRepeat),
			&cli.BoolFlag{Name: "model", Usage: "a forecast to 1024 ranks"},
			&cli.StringFlag{Name: "out", Value: "scaling", Usage: "folder `DIR` for the results, made if it is not there; pictures are in it while jobs run"},
			cmdline.AtLeast(&cli.DurationFlag{Name: "timeout", DefaultText: "none", Usage: "give up after `D`, such as 10m"}, 1),
			&cli.BoolFlag{Name: "json", Usage: "print scaling.json in place of tables"},
			&cli.BoolFlag{Name: "quiet", Usage: "no word about what is going on"},
		}, hostFlags()[1:], jobFlags()),
		OnUsageError: onUsageError,
		Action:       benchScaling,
	}
}

// jobFlags are those of run that make sense for jobs which are compared.
func jobFlags() (flags []cli.Flag) {
	names := append(slices.Clone(howToRead()), "threads", "tile-rows", "format", "quality", "compression", "fsync", "strip", "max-pixels", "memory", "scratch-dir",
		"checkpoint", "checkpoint-dir", "verify-input", "heartbeat-timeout", "max-restarts", "spare", "bind-to", "x", "wdir")
	for _, f := range connectFlags() {
		names = append(names, f.Names()[0])
	}
	for _, f := range runCommand().Flags {
		if slices.Contains(names, f.Names()[0]) {
			flags = append(flags, f)
		}
	}
	return flags
}

// howToRead are the flags that say what to make of INPUT.
func howToRead() []string { return []string{"geometry", "page", "bands", "scale"} }

func benchScaling(c *cli.Context) (err error) {
	log := plainLog(c.Bool("quiet"), false)
	ctx, signals, stop := watchSignals(c.Context, c.Duration("timeout"), log, progress.NewConsole(os.Stderr))
	defer stop()
	p, err := parseScaling(ctx, c)
	if err != nil {
		return err
	}
	p.Say = func(text string) { log.Info(oneLine(text)) }
	p.Jobs.Suspend = signals.suspend
	var study *scaling.Study
	signals.during(ctx, func() { study, err = p.Measure(ctx) })
	if cause := context.Cause(ctx); cause != nil && err != nil {
		return cause
	}
	if errors.Is(err, scaling.ErrBusy) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	// Files first, since who reads the tables may have enough of them; a full disk keeps nobody from those.
	names, saveErr := study.Save(p.Out)
	if c.Bool("json") {
		err = study.WriteJSON(c.App.Writer)
	} else {
		err = study.Print(c.App.Writer)
	}
	if err := cmp.Or(saveErr, err); err != nil {
		return err
	}
	log.Info(fmt.Sprintf("%s has %s", p.Out, strings.Join(names, ", ")))
	return study.Err()
}

// parseScaling finds mistakes in the command line before anything is run or written, but for the folder.
func parseScaling(ctx context.Context, c *cli.Context) (p *scaling.Plan, err error) {
	if c.NArg() < 2 {
		return nil, usage("%s is missing: halorun bench scaling [flags] INPUT OP [OP...]", []string{"INPUT", "OP"}[c.NArg()])
	}
	p = &scaling.Plan{
		Version: version, Command: slices.Concat([]string{"halorun"}, os.Args[1:]), Cores: usableCores(), Input: c.Args().First(), Weak: c.Bool("weak"),
		Repeat: c.Int("repeat"), Model: c.Bool("model"), Out: c.String("out"), Threads: c.Int("threads"),
	}
	p.Jobs.Ops = c.Args().Tail()
	switch {
	case c.String("page") == allPages:
		return nil, usage("--page all makes many pictures; measure with one of them")
	case p.Out == "":
		return nil, usage("--out has a name; an empty one was given")
	}
	if _, err := kernels.Parse(p.Jobs.Ops); err != nil {
		return nil, usageError{err}
	}
	if _, err := parseRead(c); err != nil {
		return nil, err
	}
	if err := scalingInput(p); err != nil {
		return nil, err
	}
	if err := scalingFormat(p, c.String("format")); err != nil {
		return nil, err
	}
	if p.Jobs.Program, err = os.Executable(); err != nil {
		return nil, err
	}
	p.Jobs.Flags, p.Jobs.Read = passedOn(c)
	if root, err := rootOf(c); err == nil {
		p.Jobs.Forget = func(job string) { _ = jobs.Remove(root, job) } // nobody will resume it
	}
	if err := placeScaling(ctx, c, p); err != nil {
		return nil, err
	}
	return p, outFolder(p.Out)
}

// usableCores returns how many there are for this program's jobs, which a container's limit may make fewer than it sees.
func usableCores() int { return min(cores(), runtime.GOMAXPROCS(0)) }

// scalingInput refuses what is no single picture that can be read again and again.
func scalingInput(p *scaling.Plan) error {
	size, ok, err := measure.ParseSynthetic(p.Input)
	if err != nil {
		return usageError{err}
	}
	if ok {
		p.Synthetic = &size
		return nil
	}
	st, err := os.Stat(p.Input)
	switch {
	case p.Input == "":
		return usage("INPUT has a name; an empty one was given")
	case p.Input == "-" || err == nil && !st.Mode().IsRegular() && !st.IsDir():
		return usage("INPUT %s is a stream, which can be read but once: give a file, or synthetic:WIDTHxHEIGHT", p.Input)
	case err == nil && st.IsDir() || strings.HasPrefix(p.Input, "@"):
		return usage("INPUT %s stands for many pictures: give one, or synthetic:WIDTHxHEIGHT", p.Input)
	case err != nil:
		return &raster.InputError{Name: p.Input, Err: err}
	}
	for _, name := range scaling.Names() {
		if placeOf(filepath.Join(p.Out, name), nil).same(placeOf(p.Input, nil)) {
			return usage("INPUT %s is where %s is to be written; give another --out", p.Input, name)
		}
	}
	return nil
}

// scalingFormat chooses the format of outputs: by --format, else that of INPUT.
func scalingFormat(p *scaling.Plan, format string) error {
	p.Format = "ppm"
	if format != "" {
		_, err := raster.FormatOf("x." + format)
		p.Format = format
		if err != nil {
			return usageError{err}
		}
	} else if ext := strings.TrimPrefix(filepath.Ext(p.Input), "."); p.Synthetic == nil {
		if _, err := raster.FormatOf("x." + ext); err == nil {
			p.Format = strings.ToLower(ext)
		}
	}
	return nil
}

// passedOn returns the flags of the jobs, and those of them that say how to read INPUT.
func passedOn(c *cli.Context) (flags, read []string) {
	set := flagsOf(c)
	for _, own := range []string{"ranks", "weak", "repeat", "model", "out", "timeout", "quiet", "format"} {
		delete(set, own)
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		for _, v := range set[name] {
			if arg := "--" + name + "=" + v; slices.Contains(howToRead(), name) {
				read = append(read, arg)
			} else {
				flags = append(flags, arg)
			}
		}
	}
	return flags, read
}

// placeScaling finds out where ranks are, for each number of them, and how many cores they have there.
func placeScaling(ctx context.Context, c *cli.Context, p *scaling.Plan) error {
	o, err := parseHosts(c)
	if err != nil {
		return err
	}
	numbers, err := rankNumbers(c, o, p.Cores, p.Threads)
	if err != nil {
		return err
	}
	var machines []int // by the index of a host
	for _, n := range numbers {
		o.np = n
		hosts, placement, err := o.place()
		if err != nil {
			return usage("--ranks %s: %s", c.String("ranks"), strings.TrimPrefix(err.Error(), fmt.Sprintf("-n %d: ", n)))
		}
		p.Places = append(p.Places, scaling.Place{Ranks: n})
		if len(p.Hosts) == 0 {
			for _, h := range hosts {
				p.Hosts = append(p.Hosts, scaling.Host{Host: h.String(), Slots: h.Slots, Cores: max(1, h.Slots)})
			}
			if machines, err = askHosts(ctx, c, o, p); err != nil {
				return err
			}
		}
		for rank, host := range placement {
			placement[rank] = machines[host]
		}
		p.Places[len(p.Places)-1].Count(placement, p.Hosts, p.Threads)
	}
	if len(o.hosts) == 0 {
		p.Hosts = nil
	}
	return nil
}

// askHosts has hosts tell how many cores they have, and how fast the ways between them are. What does not answer will be the first job's error. It
// leaves one of several names for one machine, and returns which of the plan's hosts each one is.
func askHosts(ctx context.Context, c *cli.Context, o hostOptions, p *scaling.Plan) ([]int, error) {
	if len(o.hosts) == 0 {
		p.Hosts[0].Cores = p.Cores
		return []int{0}, nil
	}
	found, err := probeHosts(ctx, c, o)
	if err != nil {
		return nil, err
	}
	for _, h := range found.Hosts {
		i := slices.IndexFunc(p.Hosts, func(one scaling.Host) bool { return one.Host == h.Host })
		if i >= 0 && h.Cores > 0 {
			p.Hosts[i].Cores, p.Hosts[i].Arch, p.Hosts[i].MemoryBytes = h.Cores, h.Arch, h.MemoryBytes
		}
	}
	for _, pair := range found.Pairs {
		if pair.Error == "" && pair.BytesPerSecond > 0 {
			p.Pairs = append(p.Pairs, scaling.Pair{From: pair.From, To: pair.To, RoundTrip: pair.RoundTripSeconds, BytesPerSecond: pair.BytesPerSecond})
		}
	}
	var machines []int
	var one []scaling.Host
	for i, h := range p.Hosts {
		if len(found.machines) == len(p.Hosts) {
			if first := slices.Index(found.machines, found.machines[i]); first < i {
				machines = append(machines, machines[first])
				one[machines[first]].Slots += h.Slots
				continue
			}
		}
		machines, one = append(machines, len(one)), append(one, h)
	}
	if p.Hosts = one; len(one) == 1 {
		p.Pairs = nil // the links are within a machine
	}
	return machines, nil
}

// rankNumbers returns those of --ranks, rising.
func rankNumbers(c *cli.Context, o hostOptions, cores, threads int) (numbers []int, err error) {
	if !c.IsSet("ranks") {
		most := max(1, cores/threads)
		if len(o.hosts) > 0 {
			_, placement, err := o.place()
			if err != nil {
				return nil, err
			}
			most = len(placement)
		}
		for n := 1; n < most; n *= 2 {
			numbers = append(numbers, n)
		}
		return append(numbers, most), nil
	}
	for _, text := range strings.Split(c.String("ranks"), ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		switch {
		case err != nil:
			return nil, usage("--ranks %q: give numbers with commas between them, such as 1,2,4,8", c.String("ranks"))
		case n < 1 || n > maxRanks:
			return nil, usage("--ranks %s: the number of ranks is from 1 to %d, not %d", c.String("ranks"), maxRanks, n)
		case slices.Contains(numbers, n):
			return nil, usage("--ranks %s: %d is there twice", c.String("ranks"), n)
		}
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return numbers, nil
}

// outFolder makes the folder for the results, if it is not there.
func outFolder(dir string) error {
	err := os.Mkdir(dir, 0o777)
	if errors.Is(err, fs.ErrExist) {
		if st, serr := os.Stat(dir); serr == nil && st.IsDir() {
			return nil
		}
		return usage("--out %s is no folder", dir)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return usage("--out %s: there is no folder for it", dir)
	}
	if err != nil {
		return &ranks.OutputError{Name: dir, Err: err}
	}
	return nil
}
