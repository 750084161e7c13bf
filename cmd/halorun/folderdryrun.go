package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"

	"halorun/ranks/folder"
)

// folderDryRun is what would happen to many pictures.
type folderDryRun struct {
	Pictures int          `json:"pictures"`
	Bytes    int64        `json:"bytes"` // of all inputs
	Ops      []string     `json:"ops"`
	Size     int          `json:"size"`
	Hosts    []placedHost `json:"hosts"`
	Outputs  []plannedOne `json:"outputs"`
}

type plannedOne struct {
	Input  string `json:"input"`
	Page   int    `json:"page,omitempty"` // of --page all
	Output string `json:"output"`         // below OUTPUT
	Bytes  int64  `json:"bytes"`          // of the input
}

// shownPictures is how many pictures a plan for people names.
const shownPictures = 10

// printFolder says which pictures there are, and what their outputs would be called.
func (f *folderRun) printFolder(ctx context.Context) error {
	d := folderDryRun{Ops: f.ops, Size: len(f.launch.Placement), Hosts: placed(f.launch.Hosts, f.launch.Placement), Outputs: []plannedOne{}}
	lister := f.lister()
	err := f.find(func(path, name string) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		entries, err := lister.Add(path, name)
		if len(entries) == 0 || err != nil {
			return err
		}
		d.Bytes += entries[0].Size
		for _, e := range entries {
			d.Pictures++
			d.Outputs = append(d.Outputs, plannedOne{e.In, e.Page, e.Out, e.Size})
		}
		return nil
	})
	var clash *folder.Clash
	switch {
	case errors.As(err, &clash):
		return usageError{clash}
	case err != nil:
		return err
	case d.Pictures == 0:
		return f.none()
	}
	if f.json {
		return printJSON(f.answer, d)
	}
	if err := printHosts(f.answer, d.Hosts); err != nil {
		return err
	}
	fmt.Fprintf(f.answer, "\n%d pictures of %d bytes through %s to %s\n\n", d.Pictures, d.Bytes, chainText(d.Ops, ", "), f.output)
	w := tabwriter.NewWriter(f.answer, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "INPUT\tBYTES\tOUTPUT")
	for _, p := range d.Outputs[:min(len(d.Outputs), shownPictures)] {
		fmt.Fprintf(w, "%s\t%d\t%s\n", oneLine(p.Input), p.Bytes, oneLine(p.Output))
	}
	if more := len(d.Outputs) - shownPictures; more > 0 {
		fmt.Fprintf(w, "and %d more\n", more)
	}
	return w.Flush()
}
