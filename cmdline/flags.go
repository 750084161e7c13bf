package cmdline

import (
	"cmp"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// Kind is what a flag's value is.
type Kind int

const (
	Text   Kind = iota
	Switch      // true or false; needs no value
	Whole       // a whole number
	Real        // a number
	Time        // such as 90s
	Lines       // texts: the flag can be repeated
)

// Flag is a flag of a command.
type Flag struct {
	Name    string
	Aliases []string
	Kind    Kind
	Value   string   // its placeholder; "" for a Switch
	Words   []string // what it may be, if that is known
	Open    bool     // it may be something else, too
	Usage   string   // without marks
	Default string   // as text for people; "" if there is none
	Hidden  bool     // for tests and for the program itself
	Limits  *Limits  // nil if any value of the kind will do, or the command itself checks it
}

// Choice is a flag that takes one of some words.
type Choice struct {
	*cli.StringFlag
	Words  []string
	Open   bool // others are possible, too
	limits *Limits
}

// OneOf returns a flag that takes one of some words.
func OneOf(f *cli.StringFlag, words ...string) *Choice { return &Choice{StringFlag: f, Words: words} }

// AnyOf returns a flag that takes one of some words, or something else.
func AnyOf(f *cli.StringFlag, words ...string) *Choice {
	return &Choice{StringFlag: f, Words: words, Open: true}
}

// describe returns what a flag is.
func describe(f cli.Flag) Flag {
	d := Flag{Name: f.Names()[0], Aliases: f.Names()[1:]}
	d.Limits, d.Kind = limitsOf(f)
	switch f := f.(type) {
	case *cli.BoolFlag:
		d.Kind = Switch
	case *cli.IntFlag, *cli.Int64Flag, *cli.UintFlag, *cli.Uint64Flag:
		d.Kind = Whole
	case *cli.Float64Flag:
		d.Kind = Real
	case *cli.DurationFlag:
		d.Kind = Time
	case *cli.StringSliceFlag:
		d.Kind = Lines
	case *Choice:
		d.Words, d.Open = f.Words, f.Open
	}
	if v, ok := f.(cli.VisibleFlag); ok {
		d.Hidden = !v.IsVisible()
	}
	if doc, ok := f.(cli.DocGenerationFlag); ok {
		usage := doc.GetUsage()
		if parts := strings.SplitN(usage, "`", 3); len(parts) == 3 {
			d.Value, usage = parts[1], parts[0]+parts[1]+parts[2]
		}
		d.Usage, d.Default = usage, doc.GetDefaultText()
		if d.Value == "" && d.Kind != Switch {
			d.Value = "VALUE"
		}
		if d.Kind == Switch {
			d.Value, d.Default = "", ""
		}
		if d.Kind == Lines {
			d.Default = ""
		}
		d.Default = strings.Trim(d.Default, `"`) // as the library shows texts
	}
	return d
}

// Flags returns the flags of a command that people may give, in their order.
func Flags(c *cli.Command) (all []Flag) {
	for _, f := range c.Flags {
		if d := describe(f); !d.Hidden && d.Name != "help" {
			all = append(all, d)
		}
	}
	return all
}

// Runs tells whether a command does something itself, besides having others below it.
func Runs(c *cli.Command) bool { return len(c.Subcommands) == 0 || len(c.Flags) > 0 }

// Commands goes through the commands that people may give, with their names as they are typed, "hosts check". Those that only hold others are among them.
func Commands(app *cli.App) iter.Seq2[string, *cli.Command] {
	return func(yield func(string, *cli.Command) bool) { walk("", app.Commands, yield) }
}

func walk(above string, commands []*cli.Command, yield func(string, *cli.Command) bool) bool {
	for _, c := range commands {
		if c.Hidden || c.Name == "help" {
			continue
		}
		name := strings.TrimSpace(above + " " + c.Name)
		if !yield(name, c) || !walk(name, c.Subcommands, yield) {
			return false
		}
	}
	return true
}

// Check returns an error that says what is allowed, if a text is no value for the flag.
func (f Flag) Check(text string) error {
	var err error
	switch f.Kind {
	case Switch:
		_, err = strconv.ParseBool(text)
	case Whole:
		_, err = strconv.ParseInt(text, 0, 64)
	case Real:
		_, err = strconv.ParseFloat(text, 64)
	case Time:
		_, err = time.ParseDuration(text)
	}
	if err == nil && len(f.Words) > 0 && !f.Open && !slices.Contains(f.Words, text) {
		err = strconv.ErrSyntax
	}
	if err == nil && f.Limits != nil && !f.Limits.allow(f.Kind, text) {
		err = strconv.ErrRange
	}
	if err != nil {
		return fmt.Errorf("%.200q is not %s", text, f.Allowed())
	}
	return nil
}

// Allowed says what a flag's value is.
func (f Flag) Allowed() string {
	switch {
	case f.Kind == Switch:
		return "true or false"
	case f.Kind == Whole && f.Limits != nil:
		return "a whole number, " + f.Limits.between(f.Kind)
	case f.Kind == Whole:
		return "a whole number"
	case f.Kind == Real:
		return "a number"
	case f.Kind == Time && f.Limits != nil:
		return "a time, " + f.Limits.between(f.Kind) + ", such as 90s or 10m"
	case f.Kind == Time:
		return "a time such as 90s or 10m"
	case f.Kind == Lines:
		return "a text or a list of texts"
	case len(f.Words) > 0 && !f.Open:
		return "one of " + strings.Join(f.Words, ", ")
	case f.List():
		return "a text or a list"
	case f.Limits != nil:
		return f.Limits.What
	}
	return "a text"
}

// List tells whether the value is a list with commas.
func (f Flag) List() bool { return f.Kind == Text && f.Value == "LIST" }

// Nearest returns the flag with a name like the given one, or "".
func Nearest(name string, among []string) string {
	var flags []cli.Flag
	for _, n := range among {
		flags = append(flags, &cli.StringFlag{Name: n})
	}
	near := strings.TrimLeft(cli.SuggestFlag(flags, name, true), "-")
	if !slices.Contains(among, near) {
		return ""
	}
	return near
}

// exclude are flags of which one says the contrary of another: who gives one does not want the others, where they were given with less weight.
var exclude = [][]string{{"host", "hostfile"}, {"quiet", "verbose"}}

// rivals returns the flags that a given one replaces.
func rivals(name string) []string {
	for _, group := range exclude {
		if slices.Contains(group, name) {
			return slices.DeleteFunc(slices.Clone(group), func(n string) bool { return n == name })
		}
	}
	return nil
}

// Origins tell where values of flags stand that were not typed: HALORUN_NP, job.yaml:4.
type Origins map[string]string

// Set gives a flag the values that stand elsewhere, unless it, or one that excludes it, was given with more weight, which typed tells.
func (o Origins) Set(c *cli.Context, f Flag, typed func(name string) bool, origin string, values []string) error {
	if typed(f.Name) || slices.ContainsFunc(rivals(f.Name), typed) {
		return nil
	}
	for _, v := range values {
		err := f.Check(v)
		if err == nil && c.Set(f.Name, v) != nil {
			err = fmt.Errorf("%.200q is not %s", v, f.Allowed()) // beyond what the type holds
		}
		if err != nil {
			return fmt.Errorf("%s: %w", origin, err)
		}
	}
	o[f.Name] = origin
	return nil
}

// Typed returns what tells which flags of a command have a value by now.
func Typed(c *cli.Context) func(name string) bool {
	names := c.LocalFlagNames() // by all names that a flag has; to ask for each would take a millisecond
	return func(name string) bool { return slices.Contains(names, name) }
}

// explained is an error whose text says where the wrong value stands.
type explained struct {
	error
	origin string
}

func (e explained) Error() string { return e.origin + ": " + e.error.Error() }

func (e explained) Unwrap() error { return e.error }

// Explain adds to an error about a flag where its value stands. The error names flags as people type them, --np or -n, or else a file that a flag names.
func (o Origins) Explain(c *cli.Context, err error) error {
	if err == nil || len(o) == 0 {
		return err
	}
	text, first, file := err.Error(), "", ""
	at := len(text)
	for _, f := range c.Command.Flags {
		origin := o[f.Names()[0]]
		if origin == "" {
			continue
		}
		for _, n := range f.Names() {
			dashes := "--"
			if len(n) == 1 {
				dashes = "-"
			}
			found := regexp.MustCompile(`(^|[^-\w])` + dashes + regexp.QuoteMeta(n) + `($|[^-\w])`).FindStringIndex(text)
			if found != nil && found[0] < at {
				at, first = found[0], origin
			}
		}
		if d := describe(f); d.Value == "FILE" && strings.Contains(text, c.String(d.Name)) {
			file = origin
		}
	}
	first = cmp.Or(first, file)
	if first == "" || strings.HasPrefix(text, first+": ") {
		return err
	}
	return explained{err, first}
}
