package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	measure "halorun/bench"
	"halorun/cmdline"
	"halorun/kernels"
	"halorun/kernels/simd"
)

func benchCommand() *cli.Command {
	return &cli.Command{
		Name:         "bench",
		Usage:        "measure this machine",
		OnUsageError: onUsageError,
		Subcommands: []*cli.Command{
			benchKernelsCommand(), benchScalingCommand(), benchPeersCommand(), benchFiguresCommand(), benchDiffCommand(),
		},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usage("bench has no command %q; 'halorun bench --help' lists them", c.Args().First())
			}
			return cli.ShowSubcommandHelp(c)
		},
	}
}

func benchKernelsCommand() *cli.Command {
	return &cli.Command{
		Name:  "kernels",
		Usage: "time operations on a picture in memory, tile by tile as a rank runs them: medians after a warm-up",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "op", Usage: "the operation `OP`, or a chain of them with spaces between; can be repeated; default: all operations"},
			&cli.StringFlag{Name: "size", Value: "4096x4096", Usage: "`WIDTHxHEIGHT` of the picture, which is RGB"},
			cmdline.Within(&cli.IntFlag{Name: "threads", Value: 1, Usage: "`T` threads"}, "the number of threads", 1, 1024),
			cmdline.Within(&cli.IntFlag{Name: "repeat", Value: 7, Usage: "the median of `N` runs"}, "the number of runs", 1, 10000),
			&cli.StringFlag{Name: "save", Usage: "write the picture to `FILE` (PPM), so that others can be measured with it"},
			&cli.BoolFlag{Name: "json", Usage: "as JSON"},
		},
		Description:  "The environment variable " + simd.Variable + " asks for an instruction set: go, neon, avx2 or avx512.",
		OnUsageError: onUsageError,
		Action:       benchKernels,
	}
}

func benchKernels(c *cli.Context) error {
	if c.Args().Present() {
		return usage("bench kernels takes no arguments, not %q; operations are given by --op", c.Args().First())
	}
	if err := kernels.PathError(); err != nil {
		return usage("%v", err)
	}
	width, height, err := pictureSize(c.String("size"))
	if err != nil {
		return err
	}
	threads, repeat := c.Int("threads"), c.Int("repeat")
	subjects, err := subjectsOf(c.StringSlice("op"))
	if err != nil {
		return err
	}
	picture, err := measure.Photo(width, height)
	if err != nil {
		return err
	}
	if file := c.String("save"); c.IsSet("save") {
		if err := savePPM(file, picture); err != nil {
			return fmt.Errorf("--save: %w", err)
		}
	}
	results, err := measure.Kernels(subjects, picture, threads, repeat)
	if err != nil {
		return usage("%v", err)
	}
	if c.Bool("json") {
		e := json.NewEncoder(c.App.Writer)
		e.SetIndent("", "  ")
		return e.Encode(results)
	}
	w := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(c.App.Writer, "%d×%d RGB, threads: %d, %s, median of %d\n", width, height, threads, kernels.Path(), repeat)
	fmt.Fprintln(w, "ms\tMpixel/s\t operation")
	for _, r := range results {
		fmt.Fprintf(w, "%.1f\t%.0f\t %s\n", r.MedianMS, r.MPixelPerS, r.Op)
	}
	return w.Flush()
}

// pictureSize reads --size.
func pictureSize(size string) (width, height int, err error) {
	var rest string
	if n, _ := fmt.Sscanf(size+" ", "%dx%d%s", &width, &height, &rest); n != 2 || min(width, height) < 1 || width > 1<<24 || height > 1<<31/width {
		return 0, 0, usage("--size %s is not WIDTHxHEIGHT, such as 4096x4096, of at most 2^31 pixels", size)
	}
	return width, height, nil
}

func subjectsOf(ops []string) (subjects []measure.Subject, err error) {
	if len(ops) == 0 {
		return measure.Operations()
	}
	for _, op := range ops {
		chain, err := kernels.Parse(kernels.SplitChain(op))
		if err != nil {
			return nil, usage("--op: %v", err)
		}
		subjects = append(subjects, measure.Subject{Name: op, Chain: chain})
	}
	return subjects, nil
}

func savePPM(name string, picture [][]byte) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(measure.WritePPM(f, picture), f.Close())
}
