package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"halorun/cmdline"
)

// noTables are the commands that print no table, and why. All others have --json.
var noTables = map[string]string{
	"resume":        "prints nothing",
	"schema":        "prints JSON anyway",
	"bench figures": "prints JSON anyway",
	"completion":    "prints a script",
	"man":           "prints a page",
}

// What prints a table for people prints JSON for programs, too.
func TestJSON(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	if err := os.WriteFile("in.ppm", []byte("P6 2 2 255\n123456789012"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir("pictures", 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Link("in.ppm", "pictures/in.ppm"); err != nil {
		t.Fatal(err)
	}
	// How each is made to print its table here. One that is not in this list needs more than this machine; it is only asked for the flag.
	lines := map[string][]string{
		"run": {"run --dry-run in.ppm out.ppm gray", "run --dry-run pictures out gray"}, "jobs": {"jobs"}, "ops": {"ops"},
		"hosts show": {"hosts show"}, "jobs prune": {"jobs prune --keep 9"}, "bench kernels": {"bench kernels --size 8x8 --op gray --repeat 1"},
	}
	for path, c := range cmdline.Commands(newApp()) {
		if !cmdline.Runs(c) || noTables[path] != "" {
			continue
		}
		if !slices.ContainsFunc(cmdline.Flags(c), func(f cmdline.Flag) bool { return f.Name == "json" }) {
			t.Errorf("halorun %s has no --json, nor a reason in noTables", path)
		}
		for _, line := range lines[path] {
			app := newApp()
			var out bytes.Buffer
			app.Writer = &out
			if err := app.Run(flagsFirst(append(strings.Fields("halorun "+line), "--json"))); err != nil || !json.Valid(out.Bytes()) {
				t.Errorf("%s: %v: %s", line, err, out.Bytes())
			}
		}
	}
}

// The manual's table of exit statuses is the program's.
func TestExitStatuses(t *testing.T) {
	manual, err := os.ReadFile("../../docs/manual.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(manual), "\n## Exit status\n\n| status | meaning |\n| --- | --- |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	var want []string
	for _, row := range exitStatuses() {
		want = append(want, "| "+row.What+" | "+row.Meaning+" |")
	}
	if got := strings.ReplaceAll(table, "`", ""); got != strings.Join(want, "\n") {
		t.Errorf("the manual has\n%s\nand the program\n%s", got, strings.Join(want, "\n"))
	}
}

// The man page has all commands and flags, and no formatter has anything to say about it.
func TestMan(t *testing.T) {
	page := filepath.Join(t.TempDir(), "halorun.1")
	out, err := halorun(t, "man").Output()
	if err == nil {
		err = os.WriteFile(page, out, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, lint := range [][]string{{"mandoc", "-Tlint", "-Wwarning", page}, {"mandoc", "-Tutf8", page}} {
		said, err := exec.Command(lint[0], lint[1:]...).CombinedOutput()
		if err != nil {
			t.Errorf("%v: %v: %s", lint, err, said)
		}
		if lint[1] != "-Tutf8" {
			continue
		}
		text := plainText(string(said))
		for path, c := range cmdline.Commands(newApp()) {
			if cmdline.Runs(c) && !strings.Contains(text, "halorun "+path) {
				t.Errorf("%s is missing", path)
			}
			for _, f := range cmdline.Flags(c) {
				if !strings.Contains(text, dashed(f.Name)) {
					t.Errorf("%s %s is missing", path, dashed(f.Name))
				}
			}
		}
		for _, row := range exitStatuses() {
			if !strings.Contains(text, row.What) {
				t.Errorf("exit status %s is missing", row.What)
			}
		}
	}
}

// plainText takes away what makes letters bold or underlined: the letter, backspace, the letter.
func plainText(s string) string {
	var plain []rune
	for _, r := range s {
		if r == '\b' {
			plain = plain[:len(plain)-1]
			continue
		}
		plain = append(plain, r)
	}
	return string(plain)
}

// make install puts everything where it belongs.
func TestInstall(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command("make", "-C", "../..", "-s", "install", "DESTDIR="+dir, "PREFIX=/usr", "BIN="+filepath.Join(dir, "built"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for name, holds := range map[string]string{
		"bin/halorun": "\x7fELF", "share/man/man1/halorun.1": ".TH HALORUN 1", "share/bash-completion/completions/halorun": "complete -o default -F _halorun halorun",
		"share/zsh/site-functions/_halorun": "#compdef halorun", "share/fish/vendor_completions.d/halorun.fish": "complete -c halorun",
	} {
		b, err := os.ReadFile(filepath.Join(dir, "usr", name))
		if err != nil || !strings.Contains(string(b), holds) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
