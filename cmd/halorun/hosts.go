package main

import (
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"halorun/cmdline"
	"halorun/comm"
	"halorun/hostfiles"
	"halorun/kernels"
	"halorun/kernels/simd"
	"halorun/launcher"
)

// hostFlags are the flags that say where ranks run.
func hostFlags() []cli.Flag {
	return []cli.Flag{
		cmdline.Within(&cli.IntFlag{Name: "np", Aliases: []string{"n"}, DefaultText: "as many as there are slots, or cores of this machine", Usage: "`N` ranks"}, "the number of ranks", 1, maxRanks),
		&cli.StringFlag{Name: "hostfile", Aliases: []string{"f", "machinefile"}, Usage: "run on the hosts that `FILE` lists, in Open MPI's or MPICH's syntax"},
		&cli.StringFlag{Name: "host", Aliases: []string{"H", "hosts"}, Usage: "run on the hosts of `LIST`, such as a:2,b:2 or vm[01-16]"},
		cmdline.OneOf(&cli.StringFlag{Name: "map-by", Value: "slot", Usage: "`slot` fills host after host, node deals ranks out in turn"}, "slot", "node"),
		&cli.BoolFlag{Name: "oversubscribe", Usage: "allow more ranks than slots"},
	}
}

// connectFlags are the flags that say how hosts are reached and how ranks reach each other.
func connectFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "ssh", Value: "ssh", Usage: "connect with `PROGRAM`, which takes ssh's arguments"},
		&cli.StringSliceFlag{Name: "ssh-arg", Usage: "pass `ARG` to ssh, before other options; can be repeated"},
		cmdline.Within(&cli.IntFlag{Name: "fanout", Value: 32, Usage: "a host connects to at most `N` others; more hosts are reached through those"}, "the number of connections", 1, cmdline.NoLimit),
		cmdline.AtLeast(&cli.DurationFlag{Name: "launch-timeout", Value: 10 * time.Second, Usage: "give up on a host that is silent for `D` before it is ready"}, 100*time.Millisecond),
		cmdline.Matching(&cli.StringFlag{Name: "remote-path", Usage: "the hosts have this program at `PATH`; else it is sent to those that lack it"},
			"an absolute path without quotes, backslashes, $ and !", `^/[^"'$\x60\\!\n]*$`),
		&cli.StringFlag{Name: "port-range", DefaultText: "any free port", Usage: "ranks listen on the ports `FIRST-LAST`"},
		&cli.StringFlag{Name: "iface", DefaultText: "those that lead to the other hosts", Usage: "ranks listen on `INTERFACE`: its name, its address or a network such as 10.0.0.0/24"},
		&cli.BoolFlag{Name: "no-encrypt", Usage: "between hosts only check who connects: whoever can listen on the network can read the picture, and who can change packets can change it"},
	}
}

// hostOptions are the values of hostFlags.
type hostOptions struct {
	np            int
	hosts         []hostfiles.Host // none: this machine only
	source        string           // of the list of hosts
	mapBy         hostfiles.MapBy
	oversubscribe bool
}

func parseHosts(c *cli.Context) (hostOptions, error) {
	o := hostOptions{np: c.Int("np"), oversubscribe: c.Bool("oversubscribe")}
	var err error
	if by := c.String("map-by"); by != "" || c.IsSet("map-by") {
		if o.mapBy, err = hostfiles.ParseMapBy(by); err != nil {
			return o, usageError{err}
		}
	}
	switch file, list := c.String("hostfile"), c.String("host"); {
	case c.IsSet("hostfile") && c.IsSet("host"):
		return o, usage("--hostfile and --host: give one of them")
	case c.IsSet("hostfile"):
		o.source = file
		o.hosts, err = hostfiles.Read(file)
	case c.IsSet("host"):
		o.source = "--host"
		o.hosts, err = hostfiles.ParseList(list)
	}
	if err != nil {
		return o, usageError{err}
	}
	return o, nil
}

// place returns the hosts and which of them each rank is on, by index.
func (o *hostOptions) place() ([]hostfiles.Host, []int, error) {
	hosts := o.hosts
	if len(hosts) == 0 {
		name, err := os.Hostname()
		if err != nil {
			return nil, nil, err
		}
		return []hostfiles.Host{{Name: name, Slots: cores()}}, make([]int, max(o.np, 0)), nil
	}
	placement, err := hostfiles.Place(hosts, o.np, o.mapBy, o.oversubscribe)
	if err != nil {
		return nil, nil, usageError{err}
	}
	if len(placement) > maxRanks {
		return nil, nil, usage("%s: %d slots; there are at most %d ranks", o.source, len(placement), maxRanks)
	}
	return hosts, placement, nil
}

// parseConnect puts the values of connectFlags into a launcher's configuration and into what ranks need to know.
func parseConnect(c *cli.Context, l *launcher.Config, n *networkSpec) error {
	l.SSH, l.SSHArgs = strings.Fields(c.String("ssh")), c.StringSlice("ssh-arg")
	l.Fanout, l.LaunchTimeout, l.RemotePath = c.Int("fanout"), c.Duration("launch-timeout"), c.String("remote-path")
	n.Interface, n.NoEncrypt, n.Ports = c.String("iface"), c.Bool("no-encrypt"), c.String("port-range")
	if len(l.SSH) == 0 {
		return usage("--ssh: names no program")
	}
	if err := comm.CheckInterface(n.Interface); err != nil {
		return usage("--iface: %w", err)
	}
	_, err := n.ports()
	if err != nil {
		return usageError{err}
	}
	return nil
}

// environment resolves the values of -x.
func environment(names []string) ([]string, error) {
	var env []string
	for _, x := range names {
		name, _, valued := strings.Cut(x, "=")
		if name == "" || strings.ContainsRune(x, 0) {
			return nil, usage("-x %q: give NAME or NAME=VALUE", x)
		}
		if !valued {
			value, ok := os.LookupEnv(name)
			if !ok {
				return nil, usage("-x %s: it is not set here; give %s=VALUE", name, name)
			}
			x = name + "=" + value
		}
		if !utf8.ValidString(x) {
			return nil, usage("-x %q: it is no UTF-8 text, as which it goes to ranks", x)
		}
		if path, ok := strings.CutPrefix(x, simd.Variable+"="); ok && !simd.IsPath(path) {
			return nil, usage("-x %s: there is no such path; 'halorun bench kernels --help' names them", kernels.Brief(x))
		}
		env = append(env, x)
	}
	return slices.Clip(env), nil
}
