package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"halorun/kernels"
	"halorun/launcher"
	"halorun/ranks"
)

// maxRanks keeps a slip of the finger from filling the machine with processes.
const maxRanks = 4096

var errTimeout = errors.New("--timeout is over")

func runCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "run a chain of operations on a picture",
		ArgsUsage: "INPUT OUTPUT OP [OP...]",
		Description: "INPUT and OUTPUT are files, or - for stdin and stdout. OP is name or name:key=value,key=value; 'halorun ops'\n" +
			"lists them. Operations are applied left to right. OUTPUT appears under its name only when it is\n" +
			"complete; only stdout and other streams cannot promise that.",
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "np", Aliases: []string{"n"}, Value: runtime.NumCPU(), Usage: "`N` ranks"},
			&cli.IntFlag{Name: "threads", Value: 1, Usage: "`T` threads a rank"},
			&cli.IntFlag{Name: "tile-rows", DefaultText: "chosen to suit the picture", Usage: "`R` rows a tile"},
			&cli.StringFlag{Name: "format", DefaultText: "by its name", Usage: "`FORMAT` of OUTPUT: png, jpg, tif, ppm, pgm, pnm"},
			&cli.IntFlag{Name: "quality", Value: 95, Usage: "`Q` of a JPEG, 1 to 100"},
			&cli.StringFlag{Name: "report", Usage: "write a report to `FILE`, as JSON, also when the job fails"},
			&cli.DurationFlag{Name: "timeout", DefaultText: "none", Usage: "end the job after `D`, such as 90s or 10m"},
			&cli.Int64Flag{Name: "max-pixels", Value: 1 << 36, Usage: "refuse an INPUT of more than `P` pixels"},
			&cli.BoolFlag{Name: "quiet", Usage: "no notices"},
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "say what happens"},
		},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			return parseRun(c).run(c.Context)
		},
	}
}

// runOptions is the command line of halorun run.
type runOptions struct {
	input, output string
	ops           []string
	np            int
	threads       int
	tileRows      int
	format        string
	quality       int
	report        string
	timeout       time.Duration
	maxPixels     int64
	log           *slog.Logger
	mistake       error // in the above
}

func parseRun(c *cli.Context) *runOptions {
	o := &runOptions{
		np: c.Int("np"), threads: c.Int("threads"), tileRows: c.Int("tile-rows"), format: c.String("format"),
		quality: c.Int("quality"), report: c.String("report"), timeout: c.Duration("timeout"), maxPixels: c.Int64("max-pixels"),
		log: newLog(c.Bool("quiet"), c.Bool("verbose")),
	}
	o.input, o.output = c.Args().Get(0), c.Args().Get(1)
	if c.NArg() > 2 {
		o.ops = c.Args().Slice()[2:]
	}
	// The report comes first: it is written about every other mistake.
	if o.mistake = o.checkReport(); o.mistake == nil {
		o.mistake = o.check(c)
	}
	return o
}

// check holds the values to their limits.
func (o *runOptions) check(c *cli.Context) error {
	switch {
	case c.NArg() < 3:
		missing := []string{"INPUT", "OUTPUT", "OP"}[c.NArg()]
		return usage("%s is missing: halorun run [flags] INPUT OUTPUT OP [OP...]", missing)
	case o.input == "" || o.output == "":
		return usage("INPUT and OUTPUT have names; an empty one was given")
	case o.np < 1 || o.np > maxRanks:
		return usage("-n %d: the number of ranks is from 1 to %d", o.np, maxRanks)
	case o.threads < 1 || o.threads > maxRanks:
		return usage("--threads %d: a rank has from 1 to %d threads", o.threads, maxRanks)
	case o.tileRows < 0 || c.IsSet("tile-rows") && o.tileRows == 0:
		return usage("--tile-rows %d: a tile has at least 1 row", o.tileRows)
	case o.quality < 1 || o.quality > 100:
		return usage("--quality %d: the quality of a JPEG is from 1 to 100", o.quality)
	case o.maxPixels < 1:
		return usage("--max-pixels %d: the limit is at least 1", o.maxPixels)
	case o.timeout < 0 || c.IsSet("timeout") && o.timeout == 0:
		return usage("--timeout %v: the time is more than 0", o.timeout)
	}
	if _, err := kernels.Parse(o.ops); err != nil {
		return usageError{err}
	}
	return o.checkPaths()
}

// run does the job and writes the report about it.
func (o *runOptions) run(ctx context.Context) error {
	began := time.Now()
	ctx, stop := o.withSignals(ctx)
	defer stop()

	report := newReport(newJobID(), o.np)
	report.Input.Path, report.Output.Path = o.input, o.output
	err := o.mistake
	if err == nil {
		err = o.job(ctx, report)
	}
	if cause := context.Cause(ctx); cause != nil && err != nil {
		err = cause
	}
	if o.report == "" || errors.As(err, new(reportError)) {
		return err
	}
	if reportErr := report.write(o.report, began, err); reportErr != nil {
		reportErr = &ranks.OutputError{Name: o.report, Err: reportErr}
		if err == nil {
			return reportErr
		}
		o.log.Error(reportErr.Error())
	}
	return err
}

// withSignals returns a context that ends, with a cause that says why, at the first signal or after --timeout.
func (o *runOptions) withSignals(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	var timeout <-chan time.Time
	if o.timeout > 0 {
		timeout = time.After(o.timeout)
	}
	go func() {
		select {
		case s := <-signals:
			signal.Stop(signals) // a second one kills
			cancel(signalError{s.(syscall.Signal)})
		case <-timeout:
			cancel(fmt.Errorf("%w: %v", errTimeout, o.timeout))
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// job opens the files, runs the ranks and puts OUTPUT in place.
func (o *runOptions) job(ctx context.Context, report *report) error {
	job := ranks.Job{Ops: o.ops, Quality: o.quality, TileRows: o.tileRows, Threads: o.threads, MaxPixels: o.maxPixels}
	files := inherited{}
	defer files.close()
	var err error
	if job.Format, err = o.outputFormat(); err != nil {
		return err
	}
	if job.Input, err = files.input(ctx, o.input); err != nil {
		return err
	}
	job.Output.Name = o.output
	in, err := files.open(job.Input)
	if err != nil {
		return err
	}
	picture, err := job.Inspect(in)
	if err != nil {
		return inspectError(err)
	}
	report.describe(picture)
	for _, n := range picture.Input.Notices {
		o.log.Info(fmt.Sprintf("%s: %s", o.input, n))
	}
	out, err := o.openOutput(ctx, &files, picture)
	if err != nil {
		return err
	}
	defer out.abort()
	job.Output = out.File

	spec, err := json.Marshal(job)
	if err != nil {
		return err
	}
	result, err := launcher.Run(ctx, launcher.Config{
		AgentArgs: []string{agentName}, RankArgs: []string{rankName},
		Size: o.np, Threads: o.threads, Job: report.Job, Spec: spec, Remove: out.temporary(), Files: files.files,
		Lines:  func(rank int, host, _, line string) { fmt.Fprintf(os.Stderr, "[%d@%s] %s\n", rank, host, line) },
		Events: func(e launcher.Event) { o.log.Debug("event", "event", e) },
	})
	if result != nil {
		report.launched(result)
	}
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := out.commit(); err != nil {
		return err
	}
	o.log.Debug("done", "output", o.output, "width", picture.Output.Width, "height", picture.Output.Height, "ranks", o.np)
	return nil
}

func newJobID() string {
	b := make([]byte, 4)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
