package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	measure "halorun/bench"
	"halorun/cmdline"
	"halorun/kernels"
	"halorun/launcher/jobs/progress"
	"halorun/ranks/raster"
)

func benchPeersCommand() *cli.Command {
	return &cli.Command{
		Name:      "peers",
		Usage:     "time a job beside libvips, GraphicsMagick, OpenCV and mpi4py with OpenCV, and compare the results",
		ArgsUsage: "INPUT OP [OP...]",
		Description: "INPUT is a PNG, JPEG, TIFF or PNM, or synthetic:WIDTHxHEIGHT for a picture made on the spot. Programs run in turns,\n" +
			"after a round that warms up. What is not installed, or lacks an operation, is named.",
		Flags: []cli.Flag{
			cmdline.Within(&cli.IntFlag{Name: "repeat", Value: 5, Usage: "the medians of `N` rounds"}, "the number of rounds", 1, 1000),
			cmdline.Within(&cli.IntFlag{Name: "ranks", Aliases: []string{"np", "n"}, DefaultText: "the number of CPUs", Usage: "each program has `N` processes or threads"}, "the number", 1, maxRanks),
			&cli.StringFlag{Name: "format", DefaultText: "INPUT's, PNM for a synthetic one", Usage: "`FORMAT` of the outputs, and of a synthetic INPUT: png, jpg, tif or ppm"},
			cmdline.AtLeast(&cli.DurationFlag{Name: "timeout", Value: 10 * time.Minute, Usage: "a program that takes longer than `D` for a run has failed"}, 1),
			&cli.StringFlag{Name: "dir", DefaultText: "$TMPDIR or /tmp", Usage: "make pictures in a temporary folder in `DIR`"},
			&cli.BoolFlag{Name: "json", Usage: "as JSON"},
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "tell of each run"},
		},
		OnUsageError:    onUsageError,
		HideHelpCommand: true, // an INPUT may be called help
		Action:          benchPeers,
	}
}

func benchPeers(c *cli.Context) error {
	if c.NArg() < 2 {
		return usage("%s is missing: halorun bench peers [flags] INPUT OP [OP...]", []string{"INPUT", "OP"}[c.NArg()])
	}
	p := measure.PeersConfig{Input: c.Args().First(), Ops: c.Args().Tail(), Ranks: c.Int("ranks"), Repeat: c.Int("repeat"), Timeout: c.Duration("timeout"),
		Dir: c.String("dir"), Version: version}
	if _, err := kernels.Parse(p.Ops); err != nil {
		return usageError{err}
	}
	if _, _, err := measure.ParseSynthetic(p.Input); err != nil {
		return usageError{err}
	}
	if !c.IsSet("ranks") {
		p.Ranks = cores()
	}
	if p.Input == "" {
		return usage("INPUT has a name; an empty one was given")
	}
	if c.IsSet("format") {
		var err error
		if p.Format, err = peerFormat(c.String("format")); err != nil {
			return err
		}
	}
	log := plainLog(false, c.Bool("verbose"))
	p.Progress = func(text string) { log.Debug(text) }
	var err error
	if p.Halorun, err = os.Executable(); err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	ctx, signals, stop := watchSignals(c.Context, 0, log, progress.NewConsole(os.Stderr))
	defer stop()
	p.Suspend = signals.suspend
	var report *measure.PeersReport
	signals.during(ctx, func() { report, err = measure.Peers(ctx, p) })
	switch {
	case err != nil:
		return err
	case c.Bool("json"):
		e := json.NewEncoder(c.App.Writer)
		e.SetIndent("", "  ")
		return e.Encode(report)
	}
	return report.Print(c.App.Writer)
}

// peerFormat returns the format that all programs write alike.
func peerFormat(name string) (string, error) {
	format, err := raster.FormatOf("x." + name)
	switch {
	case err == nil && (format == "png" || format == "jpeg" || format == "tiff"):
		return format, nil
	case err == nil && (format == "ppm" || format == "pgm" || format == "pnm"):
		return "pnm", nil
	}
	return "", usage("--format %s: there are png, jpg, tif and ppm", name)
}
