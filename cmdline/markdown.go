package cmdline

import (
	"fmt"
	"strings"
)

// markdown is a text in Markdown, for a folder of documentation. It names no version, so that it changes only with what it says.
type markdown struct{ strings.Builder }

func (m *markdown) title(p *Page) {
	fmt.Fprintf(m, "# %s: reference\n\n%s.\n", p.App.Name, quoteMarkdown(strings.ToUpper(p.App.Usage[:1])+p.App.Usage[1:]))
}

// String returns the text, with one blank line where parts that begin and parts that end have left two.
func (m *markdown) String() string { return strings.ReplaceAll(m.Builder.String(), "\n\n\n", "\n\n") }

func (m *markdown) section(name string) {
	fmt.Fprintf(m, "\n## %s\n\n", name[:1]+strings.ToLower(name[1:]))
}
func (m *markdown) command(synopsis string) { fmt.Fprintf(m, "\n### `%s`\n\n", synopsis) }

func (m *markdown) synopses(lines []string) { m.code(strings.Join(lines, "\n")) }

func (m *markdown) paragraphs(texts ...string) {
	for _, t := range texts {
		for l := range strings.SplitSeq(t, "\n") {
			m.WriteString(quoteMarkdown(strings.TrimSpace(l)) + "\n")
		}
		m.WriteByte('\n')
	}
}

func (m *markdown) rows(rows []Row) {
	for _, r := range rows {
		fmt.Fprintf(m, "- `%s`: %s\n", r.What, quoteMarkdown(r.Meaning))
	}
}

func (m *markdown) flag(names, value, usage string) {
	m.rows([]Row{{strings.TrimSpace(names + " " + value), usage}})
}

func (m *markdown) example(e Row) {
	m.paragraphs(e.Meaning + ":")
	m.code(e.What)
	m.WriteByte('\n')
}

func (m *markdown) code(text string) {
	for l := range strings.SplitSeq(text, "\n") {
		m.WriteString("    " + l + "\n")
	}
}

// quoteMarkdown writes what is plain text so that it is shown as just that.
func quoteMarkdown(s string) string {
	var b strings.Builder
	for _, c := range s {
		if strings.ContainsRune("\\`*_<>[]|#", c) {
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return b.String()
}
