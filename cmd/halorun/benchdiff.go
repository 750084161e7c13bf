package main

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/urfave/cli/v2"

	measure "halorun/bench"
	"halorun/ranks/raster"
)

func benchDiffCommand() *cli.Command {
	return &cli.Command{
		Name:      "diff",
		Usage:     "compare figures with older ones: medians, and whether they differ by more than noise",
		ArgsUsage: "OLD NEW",
		Description: "OLD and NEW are files of bench figures, of bench kernels --json, or scaling.json. A difference counts if\n" +
			"the Mann-Whitney U test finds it significant; else there is a ~. The exit status is 1 if --fail-over is exceeded.",
		Flags: []cli.Flag{
			&cli.Float64Flag{Name: "fail-over", DefaultText: "nothing fails", Usage: "fail if a series is worse by more than the factor `RATIO`, such as 1.1, and not by chance"},
			&cli.Float64Flag{Name: "alpha", Value: 0.05, Usage: "a difference counts if its probability by chance is below `P`"},
			&cli.BoolFlag{Name: "json", Usage: "as JSON"},
		},
		OnUsageError: onUsageError,
		Action:       benchDiff,
	}
}

func benchDiff(c *cli.Context) error {
	if c.NArg() != 2 {
		return usage("bench diff takes two files: halorun bench diff OLD NEW")
	}
	failOver, alpha := c.Float64("fail-over"), c.Float64("alpha")
	if c.IsSet("fail-over") && !(failOver >= 1 && failOver <= math.MaxFloat64) {
		return usage("--fail-over %v: the ratio is at least 1, such as 1.1", failOver)
	}
	if !(alpha > 0 && alpha < 1) {
		return usage("--alpha %v: the probability is between 0 and 1, such as 0.05", alpha)
	}
	from, err := measure.ReadFigures(c.Args().Get(0))
	if err != nil {
		return err
	}
	to, err := measure.ReadFigures(c.Args().Get(1))
	if err != nil {
		return err
	}
	d, err := measure.Compare(from, to, alpha, failOver)
	if err != nil {
		return &raster.InputError{Name: c.Args().Get(1), Err: err}
	}
	d.Old.Path, d.New.Path = c.Args().Get(0), c.Args().Get(1)
	log := plainLog(false, false)
	for _, w := range d.Warnings {
		log.Warn("warning: " + w)
	}
	if c.Bool("json") {
		e := json.NewEncoder(c.App.Writer)
		e.SetIndent("", "  ")
		err = e.Encode(d)
	} else {
		err = d.Print(c.App.Writer)
	}
	if n := len(d.Failed); err == nil && n > 0 {
		more := ""
		if n > 5 {
			more = fmt.Sprintf(" and %d more", n-5)
		}
		err = fmt.Errorf("worse by a factor of more than %g, and not by chance: %s%s", failOver, strings.Join(d.Failed[:min(n, 5)], ", "), more)
	}
	return err
}
