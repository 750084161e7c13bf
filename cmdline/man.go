package cmdline

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

// Row is a line of a table for people: what it is about, and what there is to know of it.
type Row struct{ What, Meaning string }

// Page is a man page. What the commands and flags are it takes from the program.
type Page struct {
	App         *cli.App
	Date        string // 2006-01-02
	Description string
	Resume      []string // variables that halorun resume takes
	Environment []Row    // besides the variables that stand in for flags
	Exit        []Row
	Files       []Row
	Examples    []Row
	SeeAlso     string
}

// manyFlags is from how many flags on a command that has those of another one only refers to it.
const manyFlags = 15

// Write writes the page as roff, with the macros of man(7).
func (p *Page) Write(w io.Writer) error {
	r := &roff{}
	name := p.App.Name
	fmt.Fprintf(r, ".TH %s 1 %s \"%s %s\" \"User Commands\"\n", strings.ToUpper(name), cmp.Or(p.Date, `""`), name, escape(p.App.Version))
	r.line(".SH", "NAME")
	r.text(name + " - " + p.App.Usage)
	r.line(".SH", "SYNOPSIS")
	r.line(".nf")
	for path, c := range Commands(p.App) {
		if Runs(c) {
			r.line(".B", synopsis(name, path, c))
		}
	}
	r.line(".fi")
	r.line(".SH", "DESCRIPTION")
	r.text(p.Description)
	r.paragraphs("Flags come before or after the other arguments; -- ends them. A flag that takes a value may be given as --flag value or --flag=value.")
	r.line(".SH", "COMMANDS")
	full := make(map[string]string) // command, by its flags
	for path, c := range Commands(p.App) {
		if !Runs(c) {
			continue
		}
		r.line(".SS", synopsis(name, path, c))
		r.text(strings.ToUpper(c.Usage[:1]) + c.Usage[1:] + ".")
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
			r.flag(f)
		}
	}
	r.line(".SH", "ENVIRONMENT")
	r.text(fmt.Sprintf("Each flag that is not given takes its value from an environment variable, if that is set and not empty: --tile-rows from %s, and so on. "+
		"A variable for a flag without a value is true or false; one for a flag that can be repeated has a value in each line. "+
		"A flag counts more than its variable, and the variable more than a job file. %s resume takes only %s from the environment: a job stays what it was.",
		Variable("tile-rows"), name, strings.Join(p.Resume, ", ")))
	r.rows(p.Environment)
	r.line(".SH", "EXIT STATUS")
	r.rows(p.Exit)
	r.line(".SH", "FILES")
	r.rows(p.Files)
	r.line(".SH", "EXAMPLES")
	for i, e := range p.Examples {
		if i > 0 {
			r.line(".PP")
		}
		r.text(e.Meaning + ":")
		r.line(".PP")
		r.line(".nf")
		r.line(".RS", "4")
		for l := range strings.SplitSeq(e.What, "\n") {
			r.text(l)
		}
		r.line(".RE")
		r.line(".fi")
	}
	r.line(".SH", "SEE ALSO")
	r.text(p.SeeAlso)
	_, err := io.WriteString(w, r.String())
	return err
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

// roff is a text for troff. A line of text never is a request, whatever it begins with.
type roff struct{ strings.Builder }

// line writes a macro with its arguments.
func (r *roff) line(macro string, args ...string) {
	r.WriteString(macro)
	for _, a := range args {
		r.WriteString(` "` + strings.ReplaceAll(escape(a), `"`, `\(dq`) + `"`)
	}
	r.WriteByte('\n')
}

// text writes a line.
func (r *roff) text(s string) {
	s = escape(strings.TrimRight(s, " "))
	if strings.HasPrefix(s, ".") {
		s = `\&` + s
	}
	r.WriteString(s + "\n")
}

func (r *roff) paragraphs(texts ...string) {
	for _, t := range texts {
		r.line(".PP")
		for l := range strings.SplitSeq(t, "\n") {
			r.text(strings.TrimSpace(l))
		}
	}
}

func (r *roff) rows(rows []Row) {
	for _, row := range rows {
		r.line(".TP")
		r.line(".B", row.What)
		r.text(row.Meaning)
	}
}

func (r *roff) flag(f Flag) {
	var names []string
	for _, n := range append([]string{f.Name}, f.Aliases...) {
		dashes := "--"
		if len(n) == 1 {
			dashes = "-"
		}
		names = append(names, dashes+n)
	}
	r.line(".TP")
	if f.Value == "" {
		r.line(".B", strings.Join(names, ", "))
	} else {
		r.line(".BI", strings.Join(names, ", ")+" ", f.Value)
	}
	usage := f.Usage
	if f.Default != "" {
		usage += " (default: " + f.Default + ")"
	}
	r.text(usage)
}

// escape writes what is plain text so that troff shows just that: - as people type it, and no character that a font lacks.
func escape(s string) string {
	var b strings.Builder
	for _, c := range s {
		switch c {
		case '\\':
			b.WriteString(`\e`)
		case '-':
			b.WriteString(`\-`)
		case '\'':
			b.WriteString(`\(aq`)
		case '`':
			b.WriteString(`\(ga`)
		case '^':
			b.WriteString(`\(ha`)
		case '~':
			b.WriteString(`\(ti`)
		case '\n', '\t':
			b.WriteByte(' ')
		default:
			if c > 126 {
				fmt.Fprintf(&b, `\[u%04X]`, c)
			} else {
				b.WriteRune(c)
			}
		}
	}
	return b.String()
}
