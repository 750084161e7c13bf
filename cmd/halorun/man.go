package main

import (
	"os"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v2"

	"halorun/cmdline"
	"halorun/kernels"
	"halorun/kernels/simd"
)

func manCommand() *cli.Command {
	return &cli.Command{
		Name: "man", Usage: "print the man page, as roff", OnUsageError: onUsageError,
		Description: "To read it: halorun man | man -l -",
		Flags:       []cli.Flag{&cli.BoolFlag{Name: "markdown", Usage: "as Markdown"}},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usage("man takes no arguments, not %q", c.Args().First())
			}
			if c.Bool("markdown") {
				return manPage(c.App).Markdown(c.App.Writer)
			}
			return manPage(c.App).Roff(c.App.Writer)
		},
	}
}

func manPage(app *cli.App) *cmdline.Page {
	var resume []string
	for _, flag := range ownAffairs {
		resume = append(resume, cmdline.Variable(flag))
	}
	return &cmdline.Page{
		App: app, Date: dateOfProgram(),
		Description: "Halorun runs picture operations on many processes and many machines, in the manner of MPI: it starts identical rank processes, splits the picture's " +
			"rows among them, lets them exchange rows over TCP, and writes one file. That file is the same, byte for byte, whatever the number of ranks. " +
			"All messages go to stderr. With --quiet nothing is written but one line if the job fails.",
		Operations: operationRows(), Resume: resume,
		Environment: []cmdline.Row{
			{What: simd.Variable, Meaning: "asks for an instruction set: go, neon, avx2 or avx512"},
			{What: "TMPDIR", Meaning: "folder for what cannot be read at random, such as a pipe, and for what does not fit into memory"},
			{What: "XDG_STATE_HOME, XDG_CACHE_HOME", Meaning: "where jobs that can be resumed, and programs for other hosts, are kept"},
			{What: "NO_COLOR", Meaning: "if it is not empty, nothing is coloured"},
		},
		Exit: exitStatuses(),
		Files: []cmdline.Row{
			{What: "~/.local/state/halorun/jobs", Meaning: "the jobs that can be resumed"},
			{What: "~/.local/state/halorun/history.db", Meaning: "the history of all jobs"},
			{What: "~/.local/state/halorun/spool", Meaning: "what is on its way to the history"},
			{What: "~/.local/state/halorun/run", Meaning: "sockets of the jobs that run, for halorun top"},
			{What: "~/.cache/halorun", Meaning: "on other hosts: the program that was sent there"},
			{What: ".NAME.halorun-*", Meaning: "beside OUTPUT: the picture while it is written"},
			{What: "OUTPUT/failed.tsv", Meaning: "of many pictures: those that failed, and why"},
		},
		Examples: []cmdline.Row{
			{What: "halorun run -n 4 in.jpg edges.png blur:size=5 edges", Meaning: "Find edges with four processes"},
			{What: "cat a.png | halorun run - - gray --format png > b.png", Meaning: "Be a part of a pipeline"},
			{What: "halorun run --hostfile hosts.txt in.tif out.tif blur edges", Meaning: "Run on many hosts"},
			{What: "halorun run --print-job -n 8 in.tif out.tif blur > job.yaml\nhalorun run --job job.yaml", Meaning: "Keep a job in a file"},
		},
		SeeAlso: "ssh(1), mpirun(1). The operations: halorun ops. The manual is docs/manual.md in the source.",
	}
}

func operationRows() (rows []cmdline.Row) {
	for _, d := range kernels.Definitions() {
		meaning := d.Doc + "; border: " + d.Border.String()
		if len(d.Aliases) > 0 {
			meaning += "; also called " + strings.Join(d.Aliases, ", ")
		}
		var values []string
		for _, p := range d.Params {
			values = append(values, p.Name+"="+p.DefaultText())
			meaning += ". " + p.Name + ": " + p.Describe()
		}
		what := d.Name
		if len(values) > 0 {
			what += ":" + strings.Join(values, ",")
		}
		rows = append(rows, cmdline.Row{What: what, Meaning: meaning})
	}
	return rows
}

// dateOfProgram returns the day of the commit that this program is made of, or else of its file.
func dateOfProgram() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.time" && len(s.Value) >= len("2006-01-02") {
				return s.Value[:len("2006-01-02")]
			}
		}
	}
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	st, err := os.Stat(path)
	if err != nil {
		return ""
	}
	return st.ModTime().UTC().Format("2006-01-02")
}
