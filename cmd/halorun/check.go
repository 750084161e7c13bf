package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"halorun/hostfiles"
	"halorun/launcher"
	"halorun/launcher/jobs/messages"
	"halorun/launcher/jobs/progress"
)

const (
	// maxSkew is how far a host's clock may be off before it is worth a word: logs and the times of files get confusing.
	maxSkew = time.Second
	// minDisk and minMemory are what a host should have left, in bytes.
	minDisk   = 100 << 20
	minMemory = 128 << 20
)

// problemsError says that the check found problems, which were printed.
type problemsError int

func (e problemsError) Error() string {
	if e == 1 {
		return "1 problem was found"
	}
	return fmt.Sprintf("%d problems were found", int(e))
}

func checkCommand() *cli.Command {
	return &cli.Command{
		Name:  "check",
		Usage: "try out all that a job needs of the hosts: ssh, the program, room, clocks, and TCP between every two of them",
		Flags: slices.Concat(hostFlags()[1:3], connectFlags(), []cli.Flag{
			&cli.StringFlag{Name: "wdir", Usage: "`DIR` is the ranks' working folder"},
			&cli.BoolFlag{Name: "json", Usage: "as JSON"},
		}),
		OnUsageError: onUsageError,
		Action:       func(c *cli.Context) error { return checkHosts(c) },
	}
}

// check is what the check of some hosts has found.
type check struct {
	OK       bool        `json:"ok"`
	Hosts    []hostCheck `json:"hosts"`
	Pairs    []pairCheck `json:"pairs"`
	Problems []string    `json:"problems"`
	Advice   []string    `json:"advice"` // what may help against several of them

	machines []string // where the process of each host was, by its index: by one name, if several hosts are one machine
}

type hostCheck struct {
	Host             string  `json:"host"`
	Local            bool    `json:"local"`
	SSHSeconds       float64 `json:"ssh_seconds"`
	Program          string  `json:"program"` // present, sent, or installed by the user
	Version          string  `json:"version"`
	Arch             string  `json:"arch"`
	ClockSkewSeconds float64 `json:"clock_skew_seconds"`
	facts
	Problems []string `json:"problems"`
}

type pairCheck struct {
	From             string  `json:"from"`
	To               string  `json:"to"`
	Address          string  `json:"address"`
	RoundTripSeconds float64 `json:"round_trip_seconds"`
	BytesPerSecond   float64 `json:"bytes_per_second"`
	Error            string  `json:"error"`
}

func checkHosts(c *cli.Context) error {
	if c.Args().Present() {
		return usage("hosts check takes no arguments, not %q", c.Args().First())
	}
	o, err := parseHosts(c)
	if err != nil {
		return err
	}
	if len(o.hosts) == 0 {
		return usage("hosts check: which hosts? give --hostfile FILE or --host LIST")
	}
	console := progress.NewConsole(os.Stderr)
	ctx, _, stop := watchSignals(c.Context, 0, slog.New(messages.Text(console, slog.LevelInfo)), console)
	defer stop()
	found, err := probeHosts(ctx, c, o)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		err = printJSON(c.App.Writer, found)
	} else {
		err = found.print(c.App.Writer, colourful(os.Stdout))
	}
	if err != nil {
		return err
	}
	if n := len(found.Problems); n > 0 {
		return problemsError(n)
	}
	return nil
}

// probeHosts starts a process on each host, which finds out what there is to be found.
func probeHosts(ctx context.Context, c *cli.Context, o hostOptions) (*check, error) {
	config := launcher.Config{
		Hosts: o.hosts, AgentArgs: []string{agentName}, RankArgs: []string{probeName}, Version: version, Threads: 1, Job: newJobID(),
		Dir: c.String("wdir"), SkipUnreachable: true,
	}
	var spec rankSpec
	if err := parseConnect(c, &config, &spec.Network); err != nil {
		return nil, err
	}
	for i := range o.hosts {
		config.Placement = append(config.Placement, i)
	}
	var err error
	if config.Spec, err = json.Marshal(spec); err != nil {
		return nil, err
	}
	result, err := launcher.Run(ctx, config)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	found := newCheck(o.hosts, result, config.RemotePath, err)
	found.advise(spec.Network)
	return found, nil
}

// newCheck makes the result of what the launcher and the processes on the hosts report.
func newCheck(hosts []hostfiles.Host, result *launcher.Result, remotePath string, failure error) *check {
	found := &check{Hosts: []hostCheck{}, Pairs: []pairCheck{}, Problems: []string{}, Advice: []string{}}
	reports := make(map[string]probed)
	for _, r := range result.Ranks {
		reports[r.Host] = decodeProbed(r.Result)
		found.machines = append(found.machines, r.Host)
	}
	if result.Head != nil {
		reports[result.Head.Host] = decodeProbed(result.Head.Result)
	}
	for _, h := range result.Hosts {
		one := hostCheck{
			Host: h.Host.String(), Local: h.Local, SSHSeconds: h.Connected.Seconds(), Program: "present", Version: h.Version, Arch: h.Arch,
			ClockSkewSeconds: h.ClockSkew.Seconds(), facts: reports[h.Host.Name].Facts, Problems: []string{},
		}
		switch {
		case h.Err != nil:
			one.Program = ""
			one.Problems = append(one.Problems, oneLine(h.Err.Error()))
		case h.Sent > 0:
			one.Program = "sent"
		case remotePath != "" && !h.Local:
			one.Program = "installed"
		}
		if h.Local {
			one.SSHSeconds = 0
		}
		if h.Err == nil {
			one.judge(reports[h.Host.Name])
		}
		found.Hosts = append(found.Hosts, one)
		found.Problems = append(found.Problems, one.Problems...)
		for _, w := range reports[h.Host.Name].Ways {
			found.Pairs = append(found.Pairs, pairCheck{
				From: w.FromHost, To: w.ToHost, Address: w.Address,
				RoundTripSeconds: w.RoundTrip.Seconds(), BytesPerSecond: w.BytesPerSecond, Error: w.Err,
			})
			if w.Err != "" {
				found.Problems = append(found.Problems, oneLine(w.Err))
			}
		}
	}
	if failure != nil {
		found.Problems = append(found.Problems, oneLine(failure.Error()))
	}
	found.OK = len(found.Problems) == 0
	return found
}

func decodeProbed(b []byte) probed {
	var p probed
	_ = json.Unmarshal(b, &p) // what did not report has nothing to tell
	return p
}

// judge finds what is wrong with a host that was reached.
func (h *hostCheck) judge(p probed) {
	problem := func(format string, args ...any) {
		h.Problems = append(h.Problems, fmt.Sprintf("host %s: ", h.Host)+fmt.Sprintf(format, args...))
	}
	if skew := time.Duration(h.ClockSkewSeconds * float64(time.Second)); skew.Abs() > maxSkew {
		problem("its clock is %v off; 'sudo timedatectl set-ntp true' there", skew.Round(100*time.Millisecond))
	}
	switch {
	case p.Facts.FolderError != "":
		problem("%s; make it, or choose another with --wdir", p.Facts.FolderError)
	case p.Facts.Folder != "" && p.Facts.DiskFreeBytes < minDisk:
		problem("%s has only %s left; 'df -h %[1]s' there, or choose another with --wdir", p.Facts.Folder, progress.Bytes(float64(p.Facts.DiskFreeBytes)))
	}
	if p.Facts.Cores > 0 && p.Facts.MemoryAvailable < minMemory {
		problem("only %s of memory are free; 'ps aux --sort -rss | head' there", progress.Bytes(float64(p.Facts.MemoryAvailable)))
	}
}

// advise adds the command that opens ports on Azure, if the way between hosts is closed.
func (c *check) advise(n networkSpec) {
	closed := slices.ContainsFunc(c.Pairs, func(p pairCheck) bool { return p.Error != "" })
	if !closed {
		return
	}
	ports := n.Ports
	if ports == "" {
		ports = "1024-65535"
	}
	c.Advice = append(c.Advice, "to let hosts of one Azure virtual network connect: az network nsg rule create -g GROUP --nsg-name NSG "+
		"-n halorun --priority 200 --access Allow --protocol Tcp --source-address-prefixes VirtualNetwork "+
		"--destination-address-prefixes VirtualNetwork --destination-port-ranges "+ports)
}

// colourful tells whether a stream is a terminal on which colours are wanted.
func colourful(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// print writes tables for people.
func (c *check) print(to io.Writer, colours bool) error {
	paint := func(code int, s string) string {
		if !colours {
			return s
		}
		return fmt.Sprintf("\x1b[%dm%s\x1b[0m", code, s)
	}
	state := func(ok bool, bad string) string {
		if ok {
			return paint(32, "ok")
		}
		return paint(31, bad)
	}
	// The columns with colours are the last, because a tabwriter counts the codes, too.
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "HOST\tSSH\tPROGRAM\tARCH\tCORES\tMEMORY FREE\tDISK FREE\tCLOCK\tSTATE")
	for _, h := range c.Hosts {
		ssh, clock := fmt.Sprintf("%.2f s", h.SSHSeconds), fmt.Sprintf("%+.3f s", h.ClockSkewSeconds)
		if h.Local {
			ssh, clock = "here", "-"
		}
		if h.Program == "" {
			fmt.Fprintf(w, "%s\t-\t-\t-\t-\t-\t-\t-\t%s\n", h.Host, state(false, "not reached"))
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n", h.Host, ssh, h.Program, h.Arch, h.Cores,
			progress.Bytes(float64(h.MemoryAvailable)), progress.Bytes(float64(h.DiskFreeBytes)), clock, state(len(h.Problems) == 0, "problem"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(c.Pairs) > 0 {
		fmt.Fprintln(to)
		fmt.Fprintln(w, "FROM\tTO\tADDRESS\tROUND TRIP\tBANDWIDTH\tSTATE")
		for _, p := range c.Pairs {
			if p.Error != "" {
				fmt.Fprintf(w, "%s\t%s\t-\t-\t-\t%s\n", p.From, p.To, state(false, "no way"))
				continue
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%.2f ms\t%s/s\t%s\n", p.From, p.To, p.Address, 1e3*p.RoundTripSeconds, progress.Bytes(p.BytesPerSecond), state(true, ""))
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	for i, p := range c.Problems {
		if i == 0 {
			fmt.Fprintln(to)
		}
		fmt.Fprintln(to, paint(31, "!"), p)
	}
	for _, a := range c.Advice {
		fmt.Fprintln(to, ">", a)
	}
	return nil
}
