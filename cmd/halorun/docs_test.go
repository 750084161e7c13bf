package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// session is what a section of a page has a reader do: write files and run commands.
type session struct {
	section string
	steps   []step
}

// step is one of them.
type step struct {
	line    int
	file    string // to be written, with text
	text    string
	command string // or to be run, and to print what want says
	want    []string
}

// sessions returns what there is to do on a page of documentation, by section. A fenced block is console, with "$ " before commands, or
// has a language and the name of the file that it is.
func sessions(t *testing.T, page string) (all []session) {
	t.Helper()
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(b), "\n")
	at := session{}
	for i := 0; i < len(lines); i++ {
		if heading, ok := strings.CutPrefix(lines[i], "#"); ok {
			all = append(all, at)
			at = session{section: strings.TrimLeft(heading, "# ")}
		}
		info, fence := strings.CutPrefix(lines[i], "```")
		if !fence {
			continue
		}
		begin := i + 1
		for i++; lines[i] != "```"; i++ {
		}
		language, name, isFile := strings.Cut(info, " ")
		if isFile {
			at.steps = append(at.steps, step{line: begin, file: name, text: strings.Join(lines[begin:i], "\n") + "\n"})
			continue
		}
		if language != "console" {
			t.Errorf("%s:%d: a block of %q is neither console nor a file with a name", page, begin, language)
			continue
		}
		for n, line := range lines[begin:i] {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				at.steps = append(at.steps, step{line: begin + n + 1, command: command})
			} else {
				last := &at.steps[len(at.steps)-1]
				last.want = append(last.want, line)
			}
		}
	}
	all = append(all, at)
	return all
}

// prints tells whether a command's output is what a page shows: line by line, where … in a line stands for anything, and a line of it for any
// number of lines.
func prints(got string, want []string) bool {
	var pattern strings.Builder
	for _, line := range want {
		if line == "…" {
			pattern.WriteString(`(?:.*\n)*?`)
			continue
		}
		pattern.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*") + `\n`)
	}
	return regexp.MustCompile(`^` + pattern.String() + `$`).MatchString(got)
}

func TestPrints(t *testing.T) {
	for _, c := range []struct {
		got  string
		want []string
		ok   bool
	}{
		{"", nil, true},
		{"a\n", nil, false},
		{"a\nb\n", []string{"a", "b"}, true},
		{"a\nb\n", []string{"…"}, true},
		{"", []string{"…"}, true},
		{"a 12.5 s\n", []string{"a … s"}, true},
		{"a\nb\nc\n", []string{"a", "…", "c"}, true},
		{"a\nb\nc\n", []string{"a", "…", "d"}, false},
		{"a\nb\n", []string{"a"}, false},
		{"a+b\n", []string{"aab"}, false},
	} {
		if prints(c.got, c.want) != c.ok {
			t.Errorf("%q for %q", c.got, c.want)
		}
	}
}

// TestGuide does what the user guide says, section by section, each in a folder with the files it speaks of.
func TestGuide(t *testing.T) {
	t.Parallel()
	l := newLab(t, 3)
	for _, s := range sessions(t, "../../docs/guide.md") {
		if s.steps != nil {
			t.Run(s.section, func(t *testing.T) { follow(t, l.at(t), s, nil) })
		}
	}
}

// TestDesign does what the page on the design says, on one machine.
func TestDesign(t *testing.T) {
	t.Parallel()
	follow(t, newLab(t, 1), whole(sessions(t, "../../docs/design.md")), nil)
}

// TestBenchmarks does what the page on benchmarks says.
func TestBenchmarks(t *testing.T) {
	t.Parallel()
	follow(t, newLab(t, 2), whole(sessions(t, "../../docs/benchmarks.md")), nil)
}

// whole makes a page one session: its sections go on with each other's files.
func whole(sections []session) (all session) {
	for _, s := range sections {
		all.steps = append(all.steps, s.steps...)
	}
	return all
}

// follow does a session on the cluster's first host. Pages have other names for hosts and users than the cluster.
func follow(t *testing.T, l *lab, s session, names []string) {
	t.Helper()
	names = append(names, "node1", "h1", "node2", "h2", "node3", "h3")
	dir, err := os.MkdirTemp(l.Dir, "guide-")
	if err != nil {
		t.Fatal(err)
	}
	fixtures(t, dir)
	other := strings.NewReplacer(names...)
	for _, step := range s.steps {
		if step.file != "" {
			path := filepath.Join(dir, step.file)
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				t.Fatal(err)
			}
			l.write(path, []byte(other.Replace(step.text)), 0o644)
			continue
		}
		script := fmt.Sprintf("set -e; export "+unhurried+"; export PATH=%s:$PATH; cd %s; exec 2>&1; %s", filepath.Dir(l.exe), dir, other.Replace(step.command))
		out, err := l.Command("h1", "timeout", "-k", "1", "60", "bash", "-c", script).Output()
		var want []string
		for _, line := range step.want {
			want = append(want, other.Replace(line))
		}
		if err != nil || !prints(string(out), want) {
			t.Fatalf("line %d: %s: %v; it printed\n%s", step.line, step.command, err, out)
		}
	}
}

// fixtures makes the files that pages speak of.
func fixtures(t *testing.T, dir string) {
	t.Helper()
	photo, err := os.ReadFile("../../testdata/rocket.jpg")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "photos"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"photo.jpg", "photos/a.jpg", "photos/b.jpg"} {
		if err := os.WriteFile(filepath.Join(dir, name), photo, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	// A scene has four bands of 16 bits and a place on earth.
	const width, height = 300, 200
	raw := make([]byte, 0, width*height*4*2)
	for i := range width * height * 4 {
		raw = append(raw, byte(i*7), byte(i%width/30))
	}
	header := fmt.Sprintf("ENVI\nsamples = %d\nlines = %d\nbands = 4\ndata type = 12\ninterleave = bip\nbyte order = 0\n", width, height)
	for name, b := range map[string][]byte{"scene.raw": raw, "scene.hdr": []byte(header)} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, command := range []string{
		"djpeg photo.jpg > photo.ppm",
		"gdal_translate -q -a_srs EPSG:32632 -a_ullr 399960 5000040 402960 4998040 scene.raw scene.tif",
		"vips tiffsave photo.ppm slide.tif --tile --pyramid --compression jpeg",
	} {
		cmd := exec.Command("bash", "-c", command)
		cmd.Dir = dir
		if b, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", command, err, b)
		}
	}
}

// az stands for the Azure CLI: it knows the commands that the guide uses, and answers with the cluster's hosts.
const az = `#!/bin/sh
case "$1 $2" in
"vm list-ip-addresses") printf '10.77.0.%s\n' 1 2 3 ;;
"group create" | "group delete" | "ppg create" | "vm create" | "network vnet" | "network nsg") ;;
*) echo "az: unknown: $*" >&2; exit 2 ;;
esac
`

// TestAzure does what the operations guide says.
func TestAzure(t *testing.T) {
	t.Parallel()
	l := newLab(t, 3)
	l.write(filepath.Join(filepath.Dir(l.exe), "az"), []byte(az), 0o755)
	follow(t, l, whole(sessions(t, "../../docs/azure.md")), []string{"azureuser", "root"})
}
