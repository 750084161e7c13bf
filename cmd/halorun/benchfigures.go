package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	measure "halorun/bench"
	"halorun/cmdline"
	"halorun/kernels"
	"halorun/launcher/jobs/progress"
	"halorun/ranks"
	"halorun/ranks/raster"
)

func benchFiguresCommand() *cli.Command {
	return &cli.Command{
		Name:  "figures",
		Usage: "time all operations and a few whole jobs, for bench diff to compare with what they were",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "out", DefaultText: "stdout", Usage: "write the figures (JSON) to `FILE`"},
			cmdline.Within(&cli.IntFlag{Name: "repeat", Value: 10, Usage: "`N` rounds; four are the least that can show a difference"}, "the number of rounds", 1, 10000),
			cmdline.Within(&cli.IntFlag{Name: "ranks", Aliases: []string{"np", "n"}, DefaultText: "the number of CPUs", Usage: "`N` ranks in whole jobs"}, "the number", 1, maxRanks),
			&cli.StringFlag{Name: "size", Value: "2048x2048", Usage: "`WIDTHxHEIGHT` of the operations' picture; that of whole jobs has three times as many pixels"},
			cmdline.AtLeast(&cli.DurationFlag{Name: "timeout", Value: 10 * time.Minute, Usage: "a job that takes longer than `D` has failed"}, 1),
			&cli.StringFlag{Name: "dir", DefaultText: "$TMPDIR or /tmp", Usage: "make pictures in a temporary folder in `DIR`"},
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "tell of each round"},
		},
		OnUsageError: onUsageError,
		Action:       benchFigures,
	}
}

func benchFigures(c *cli.Context) error {
	if c.Args().Present() {
		return usage("bench figures takes no arguments, not %q; --out FILE says where to", c.Args().First())
	}
	if err := kernels.PathError(); err != nil {
		return usage("%v", err)
	}
	log := plainLog(false, c.Bool("verbose"))
	f := measure.FiguresConfig{Rounds: c.Int("repeat"), Ranks: c.Int("ranks"), Timeout: c.Duration("timeout"), Dir: c.String("dir"), Version: version,
		Progress: func(text string) { log.Debug(text) }}
	if !c.IsSet("ranks") {
		f.Ranks = cores()
	}
	var err error
	if f.Width, f.Height, err = pictureSize(c.String("size")); err != nil {
		return err
	}
	if c.IsSet("out") {
		if c.String("out") == "" {
			return usage("--out has a name; an empty one was given")
		}
		if err := checkFolder("--out", c.String("out")); err != nil {
			return err
		}
	}
	if f.Halorun, err = os.Executable(); err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	ctx, signals, stop := watchSignals(c.Context, 0, log, progress.NewConsole(os.Stderr))
	defer stop()
	f.Suspend = signals.suspend
	var figures *measure.Figures
	run := func() { figures, err = measure.MeasureFigures(ctx, f) }
	if !c.IsSet("out") {
		signals.during(ctx, run)
		if err != nil {
			return err
		}
		return figures.Write(c.App.Writer)
	}
	// Before what takes minutes, lest it be for nothing.
	out, err := raster.NewPending(c.String("out"))
	if err != nil {
		return &ranks.OutputError{Name: c.String("out"), Err: err}
	}
	signals.during(ctx, run)
	if err != nil {
		out.Abort()
		return err
	}
	var b bytes.Buffer
	if err := cmp.Or(figures.Write(&b), writePending(ctx, out, b.Bytes())); err != nil {
		return &ranks.OutputError{Name: c.String("out"), Err: err}
	}
	return nil
}
