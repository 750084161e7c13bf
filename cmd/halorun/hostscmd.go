package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"halorun/hostfiles"
)

func hostsCommand() *cli.Command {
	return &cli.Command{
		Name:  "hosts",
		Usage: "show or check the hosts that jobs would run on",
		Subcommands: []*cli.Command{
			{
				Name: "show", Usage: "say which rank would run on which host",
				Flags:        append(hostFlags(), &cli.BoolFlag{Name: "json", Usage: "as JSON"}),
				OnUsageError: onUsageError,
				Action:       showHosts,
			},
			checkCommand(),
		},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usage("there is no command hosts %q; there are hosts show and hosts check", c.Args().First())
			}
			return cli.ShowSubcommandHelp(c)
		},
	}
}

// placedHost is a host with its ranks.
type placedHost struct {
	hostfiles.Host
	Ranks []int `json:"ranks"`
}

// placed says which ranks are on which host.
func placed(hosts []hostfiles.Host, placement []int) []placedHost {
	all := make([]placedHost, len(hosts))
	for i, h := range hosts {
		all[i] = placedHost{h, []int{}}
	}
	for rank, h := range placement {
		all[h].Ranks = append(all[h].Ranks, rank)
	}
	return all
}

func showHosts(c *cli.Context) error {
	if c.Args().Present() {
		return usage("hosts show takes no arguments, not %q", c.Args().First())
	}
	o, err := parseHosts(c)
	if err != nil {
		return err
	}
	if o.np == 0 && len(o.hosts) == 0 {
		o.np = cores()
	}
	hosts, placement, err := o.place()
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON(c.App.Writer, struct {
			Size  int          `json:"size"`
			Slots int          `json:"slots"`
			Hosts []placedHost `json:"hosts"`
		}{len(placement), hostfiles.Slots(hosts), placed(hosts, placement)})
	}
	return printHosts(c.App.Writer, placed(hosts, placement))
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func printHosts(to io.Writer, hosts []placedHost) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "HOST\tSLOTS\tRANKS\tWHICH")
	for _, h := range hosts {
		slots := fmt.Sprint(h.Slots)
		if h.MaxSlots > 0 {
			slots += fmt.Sprintf(" (at most %d)", h.MaxSlots)
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", h, slots, len(h.Ranks), spans(h.Ranks))
	}
	return w.Flush()
}

// spans shortens a list of rising numbers: 0-3, 8.
func spans(n []int) string {
	var parts []string
	for i := 0; i < len(n); {
		j := i
		for j+1 < len(n) && n[j+1] == n[j]+1 {
			j++
		}
		if j > i {
			parts = append(parts, fmt.Sprintf("%d-%d", n[i], n[j]))
		} else {
			parts = append(parts, fmt.Sprint(n[i]))
		}
		i = j + 1
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, ", ")
}
