package cmdline

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

// Row is a line of a table for people: what it is about, and what there is to know of it.
type Row struct{ What, Meaning string }

// Page is the reference of a program, as a man page or as Markdown. What the commands and flags are it takes from the program.
type Page struct {
	App         *cli.App
	Date        string // 2006-01-02
	Description string
	Operations  []Row
	Resume      []string // variables that halorun resume takes
	Environment []Row    // besides the variables that stand in for flags
	Exit        []Row
	Files       []Row
	Examples    []Row
	SeeAlso     string
}

// manyFlags is from how many flags on a command that has those of another one only refers to it.
const manyFlags = 15

// paper is what a page is written on: the same page in one language or another.
type paper interface {
	title(p *Page)
	section(name string)
	synopses(lines []string)
	command(synopsis string)
	paragraphs(texts ...string)
	rows(rows []Row)
	flag(names, value, usage string)
	example(e Row)
	String() string
}

// Roff writes the page with the macros of man(7).
func (p *Page) Roff(w io.Writer) error { return p.write(w, &roff{}) }

// Markdown writes the page as Markdown.
func (p *Page) Markdown(w io.Writer) error { return p.write(w, &markdown{}) }

func (p *Page) write(w io.Writer, r paper) error {
	name := p.App.Name
	r.title(p)
	r.section("SYNOPSIS")
	var synopses []string
	for path, c := range Commands(p.App) {
		if Runs(c) {
			synopses = append(synopses, synopsis(name, path, c))
		}
	}
	r.synopses(synopses)
	r.section("DESCRIPTION")
	r.paragraphs(p.Description, "Flags come before or after the other arguments; -- ends them. A flag that takes a value may be given as --flag value or --flag=value.")
	r.section("COMMANDS")
	full := make(map[string]string) // command, by its flags
	for path, c := range Commands(p.App) {
		if !Runs(c) {
			continue
		}
		r.command(synopsis(name, path, c))
		r.paragraphs(strings.ToUpper(c.Usage[:1]) + c.Usage[1:] + ".")
		if c.Description != "" {
			r.paragraphs(strings.Split(c.Description, "\n\n")...)
		}
		flags := Flags(c)
		if other := sameFlags(full, flags); other != "" {
			r.paragraphs(fmt.Sprintf("The flags are those of %s %s.", name, other))
			continue
		}
		for _, f := range flags {
			full[f.Name+" "+f.Usage] = path
			writeFlag(r, f)
		}
	}
	r.section("OPERATIONS")
	r.rows(p.Operations)
	r.section("ENVIRONMENT")
	r.paragraphs(fmt.Sprintf("Each flag that is not given takes its value from an environment variable, if that is set and not empty: --tile-rows from %s, and so on. "+
		"A variable for a flag without a value is true or false; one for a flag that can be repeated has a value in each line. "+
		"A flag counts more than its variable, and the variable more than a job file. %s resume takes only %s from the environment: a job stays what it was.",
		Variable("tile-rows"), name, strings.Join(p.Resume, ", ")))
	r.rows(p.Environment)
	r.section("EXIT STATUS")
	r.rows(p.Exit)
	r.section("FILES")
	r.rows(p.Files)
	r.section("EXAMPLES")
	for _, e := range p.Examples {
		r.example(e)
	}
	r.section("SEE ALSO")
	r.paragraphs(p.SeeAlso)
	_, err := io.WriteString(w, r.String())
	return err
}

func writeFlag(r paper, f Flag) {
	var names []string
	for _, n := range append([]string{f.Name}, f.Aliases...) {
		dashes := "--"
		if len(n) == 1 {
			dashes = "-"
		}
		names = append(names, dashes+n)
	}
	usage := f.Usage
	if f.Default != "" {
		usage += " (default: " + f.Default + ")"
	}
	r.flag(strings.Join(names, ", "), f.Value, usage)
}

// synopsis returns how a command is typed.
func synopsis(name, path string, c *cli.Command) string {
	s := name + " " + path
	if len(Flags(c)) > 0 {
		s += " [flags]"
	}
	return strings.TrimSpace(s + " " + c.ArgsUsage)
}

// sameFlags returns the command that has many flags and all of these, or "".
func sameFlags(full map[string]string, flags []Flag) string {
	if len(flags) < manyFlags {
		return ""
	}
	other := ""
	for _, f := range flags {
		path, ok := full[f.Name+" "+f.Usage]
		if !ok || other != "" && path != other {
			return ""
		}
		other = path
	}
	return other
}
