package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

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
		printOp(w, d.Doc, d.Name, strings.Join(d.Aliases, ", "), d.Border.String())
		for _, p := range d.Params {
			printOp(w, p.Describe(), "  "+p.Name+"="+p.DefaultText(), "", "")
		}
	}
	return w.Flush()
}

// printOp writes a row of the table, whose meaning may take several lines.
func printOp(w io.Writer, meaning, name, aliases, border string) {
	const width = 64 // so that all lines fit 110 columns
	for _, line := range wrap(meaning, width) {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", name, aliases, border, line)
		name, aliases, border = "", "", ""
	}
}

// wrap cuts a text at spaces into lines of at most the given number of characters, or of one word if that is longer.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		switch longer := line + " " + word; {
		case line == "":
			line = word
		case utf8.RuneCountInString(longer) <= width:
			line = longer
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}
