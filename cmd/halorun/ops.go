package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"halorun/kernels"
)

func opsCommand() *cli.Command {
	return &cli.Command{
		Name:         "ops",
		Usage:        "list the operations: parameters, defaults, limits, border rule",
		Flags:        []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "as JSON"}},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usage("ops takes no arguments, not %q", c.Args().First())
			}
			if c.Bool("json") {
				e := json.NewEncoder(c.App.Writer)
				e.SetIndent("", "  ")
				return e.Encode(kernels.Definitions())
			}
			return printOps(c)
		},
	}
}

func printOps(c *cli.Context) error {
	w := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "OPERATION\tALIASES\tBORDER\tMEANING")
	for _, d := range kernels.Definitions() {
		fmt.Fprintf(w, "%s\t%s\t%v\t%s\n", d.Name, strings.Join(d.Aliases, ", "), d.Border, d.Doc)
		for _, p := range d.Params {
			fmt.Fprintf(w, "  %s=%s\t\t\t%s\n", p.Name, p.DefaultText(), p.Describe())
		}
	}
	return w.Flush()
}
