package scaling

import (
	"bytes"
	"fmt"
	"html"
	"strings"
	"time"

	"halorun/bench"
)

// page returns report.html: one file that needs no other, and nothing from anywhere else.
func (s *Study) page(svgs [][]byte) []byte {
	var b bytes.Buffer
	say := func(format string, args ...any) {
		for i, a := range args {
			if t, ok := a.(string); ok {
				args[i] = html.EscapeString(t)
			}
		}
		fmt.Fprintf(&b, format, args...)
	}
	say("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n")
	say("<title>Halorun: %s</title>\n", s.title())
	b.WriteString("<style>" + style + "</style>\n</head>\n<body>\n")
	mode := "Strong scaling"
	if s.Mode == Weak {
		mode = "Weak scaling"
	}
	say("<h1>%s of <code>%s</code></h1>\n", mode, strings.Join(s.Ops, " "))
	say("<dl>\n")
	row := func(name, value string) { say("<dt>%s</dt><dd>%s</dd>\n", name, value) }
	row("picture", s.pictureText())
	row("machine", fmt.Sprintf("%s: %s, %s, %s of memory", s.Machine.Host, s.Machine.CPU, bench.Count(s.Machine.Cores, "core"), bench.BytesText(float64(s.Machine.MemoryBytes))))
	for _, h := range s.Hosts {
		row("host", fmt.Sprintf("%s: %s, %s, %s, %s of memory", h.Host, bench.Count(h.Slots, "slot"), bench.Count(h.Cores, "core"), h.Arch, bench.BytesText(float64(h.MemoryBytes))))
	}
	row("versions", fmt.Sprintf("Halorun %s, %s, %s, %s kernels on %s", s.Version, s.Machine.Go, s.Machine.Kernel, s.Machine.KernelPath, s.Machine.Arch))
	row("date", s.Began.Format(time.RFC1123Z))
	row("runs", s.times())
	say("<dt>command</dt><dd><code>%s</code></dd>\n", bench.ShellText(s.Command))
	say("</dl>\n")
	if s.Identical {
		say("<p class=\"ok\">✓ %s</p>\n", s.sameText())
	}
	for _, d := range s.Differ {
		say("<p class=\"bad\">✗ outputs differ: %s</p>\n", d)
	}
	if len(s.Warnings) > 0 {
		say("<ul class=\"warnings\">\n")
		for _, w := range s.Warnings {
			say("<li>%s</li>\n", w)
		}
		say("</ul>\n")
	}
	plots := s.plots()
	draw := func(from, to int) {
		say("<div class=\"plots\">\n")
		for i := from; i < to; i++ {
			say("<figure>\n")
			_, svg, _ := bytes.Cut(svgs[i], []byte("?>\n"))
			b.Write(svg)
			say("<figcaption>Figure %d. %s</figcaption>\n</figure>\n", i+1, plots[i].caption)
		}
		say("</div>\n")
	}
	for i, t := range s.tables() {
		say("<h2>%s</h2>\n<div class=\"table\"><table>\n<tr>", t.Title)
		for _, h := range t.Head {
			say("<th>%s</th>", strings.Replace(strings.ToLower(h), "mpixel", "Mpixel", 1))
		}
		say("</tr>\n")
		for _, r := range t.Rows {
			class := ""
			if strings.HasSuffix(r[0], crowded) {
				class = " class=\"crowded\""
			}
			b.WriteString("<tr" + class + ">")
			for _, c := range r {
				say("<td>%s</td>", c)
			}
			say("</tr>\n")
		}
		say("</table></div>\n")
		for _, n := range t.Notes {
			say("<p class=\"note\">%s</p>\n", n)
		}
		switch i {
		case 0:
			draw(0, 2)
		case 1:
			draw(2, 3)
		}
	}
	say("<p class=\"note\">%s Imbalance is how much longer the slowest rank computed than the mean. Moved are the bytes that ranks have sent to each other.</p>\n</body>\n</html>\n",
		s.definitions())
	return b.Bytes()
}

// definitions says what speed-up, efficiency and serial fraction are.
func (s *Study) definitions() string {
	if s.Mode == Weak {
		return "Efficiency is the time of the fewest ranks by that of these, and scaled speed-up the efficiency times how many times as many ranks there are. The serial fraction " +
			"is the part of a job's time that, by Gustafson's law, would have to be serial to explain that; one that grows with the ranks tells of overhead."
	}
	return "Speed-up is the time of the fewest ranks by that of these, and efficiency the speed-up by how many times as many ranks there are. The serial fraction is the part of the " +
		"work that, by Amdahl's law (Karp and Flatt), would have to be serial to explain that; one that grows with the ranks tells of overhead."
}

const style = `
body { font: 15px/1.5 'Liberation Sans', Arial, Helvetica, sans-serif; color: #222; max-width: 66rem; margin: 2rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.5rem; line-height: 1.25; font-weight: 600; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
code { font: .9em 'Liberation Mono', Menlo, Consolas, monospace; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.25rem; }
dt { color: #666; }
dd { margin: 0; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92rem; }
th { text-align: right; white-space: nowrap; font-weight: 600; border-bottom: 1.5px solid #222; padding: .25rem .8rem; }
td { text-align: right; border-bottom: 1px solid #ddd; padding: .25rem .8rem; white-space: nowrap; }
th:first-child, td:first-child { padding-left: 0; text-align: left; }
tr.crowded td { color: #8a4b00; background: #fff7ea; }
.ok { color: #00664b; }
.bad { color: #a03000; font-weight: 600; }
.warnings { color: #8a4b00; padding-left: 1.2rem; }
.note { color: #555; font-size: .88rem; margin: .3rem 0; }
.plots { display: flex; flex-wrap: wrap; gap: 0 2rem; }
figure { margin: 1.5rem 0; flex: 1 1 28rem; max-width: 38rem; break-inside: avoid; }
figure svg { width: 100%; height: auto; display: block; }
figcaption { color: #444; font-size: .9rem; }
@media print {
	body { max-width: none; margin: 0; padding: 0; font-size: 10pt; }
	.table { overflow: visible; }
	table { font-size: 6.5pt; }
	th, td { padding: .15rem .35rem; }
	th { white-space: normal; vertical-align: bottom; }
	figure { flex-basis: 45%; }
}
`
