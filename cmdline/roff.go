package cmdline

import (
	"cmp"
	"fmt"
	"strings"
)

// roff is a text for troff. A line of text never is a request, whatever it begins with.
type roff struct {
	strings.Builder
	begun bool // a section, in which nothing stands yet
}

func (r *roff) title(p *Page) {
	name := p.App.Name
	fmt.Fprintf(r, ".TH %s 1 %s \"%s %s\" \"User Commands\"\n", strings.ToUpper(name), cmp.Or(p.Date, `""`), name, escape(p.App.Version))
	r.section("NAME")
	r.text(name + " - " + p.App.Usage)
}

func (r *roff) section(name string) {
	r.line(".SH", name)
	r.begun = true
}

func (r *roff) command(synopsis string) {
	r.line(".SS", synopsis)
	r.begun = true
}

func (r *roff) synopses(lines []string) {
	r.begun = false
	r.line(".nf")
	for _, l := range lines {
		r.line(".B", l)
	}
	r.line(".fi")
}

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
		if !r.begun {
			r.line(".PP")
		}
		r.begun = false
		for l := range strings.SplitSeq(t, "\n") {
			r.text(strings.TrimSpace(l))
		}
	}
}

func (r *roff) rows(rows []Row) {
	r.begun = false
	for _, row := range rows {
		r.line(".TP")
		r.line(".B", row.What)
		r.text(row.Meaning)
	}
}

func (r *roff) flag(names, value, usage string) {
	r.begun = false
	r.line(".TP")
	if value == "" {
		r.line(".B", names)
	} else {
		r.line(".BI", names+" ", value)
	}
	r.text(usage)
}

func (r *roff) example(e Row) {
	r.paragraphs(e.Meaning + ":")
	r.line(".PP")
	r.line(".nf")
	r.line(".RS", "4")
	for l := range strings.SplitSeq(e.What, "\n") {
		r.text(l)
	}
	r.line(".RE")
	r.line(".fi")
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
