package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"halorun/ranks"
)

// dryRun is what would happen.
type dryRun struct {
	Input  pictureReport `json:"input"`
	Output pictureReport `json:"output"`
	Ops    []string      `json:"ops"`
	Size   int           `json:"size"`
	Hosts  []placedHost  `json:"hosts"`
	Plan   ranks.Outline `json:"plan"`
}

// printPlan says who would run where and compute which rows, if all ranks can open the files.
func (o *runOptions) printPlan(job ranks.Job, p *ranks.Picture, described *report) error {
	hosts, placement := o.launch.Hosts, o.launch.Placement
	job.Ranks = len(placement)
	d := dryRun{
		Input: described.Input, Output: described.Output, Ops: described.Ops, Size: len(placement),
		Hosts: placed(hosts, placement), Plan: p.Outline(job),
	}
	if o.json {
		return printJSON(o.answer, d)
	}
	return d.print(o.answer, func(rank int) string { return hosts[placement[rank]].Name })
}

func (d *dryRun) print(to io.Writer, hostOf func(rank int) string) error {
	if err := printHosts(to, d.Hosts); err != nil {
		return err
	}
	fmt.Fprintf(to, "\n%s, %d × %d, to %s, %d × %d\n", d.Input.Path, d.Input.Width, d.Input.Height,
		d.Output.Path, d.Output.Width, d.Output.Height)
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for i, stage := range d.Plan.Stages {
		ops := chainText(stage.Ops, ", ")
		if ops == "" {
			ops = "write what was decided"
		}
		fmt.Fprintf(to, "\nstage %d: %s; %d rows a tile\n", i+1, ops, stage.TileRows)
		fmt.Fprintln(w, "RANK\tHOST\tROWS\tFROM\tTO\tTILES")
		for rank, r := range stage.Ranks {
			if r.Rows == 0 {
				fmt.Fprintf(w, "%d\t%s\t0\t-\t-\t0\n", rank, hostOf(rank))
				continue
			}
			fmt.Fprintf(w, "%d\t%s\t%d\t%d\t%d\t%d\n", rank, hostOf(rank), r.Rows, r.Lo, r.Hi-1, r.Tiles)
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return nil
}
