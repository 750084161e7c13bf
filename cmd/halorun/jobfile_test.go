package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
	"pgregory.net/rapid"

	"halorun/cmdline"
	"halorun/jobfile"
)

// The committed schema is the one of the flags that there are.
func TestSchema(t *testing.T) {
	want, err := jobfile.Schema(keys(runCommand()))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/job.schema.json")
	if err != nil || !bytes.Equal(got, want) {
		t.Error("run: go run ./cmd/halorun schema > docs/job.schema.json", err)
	}
}

// parsed returns what halorun run makes of arguments, without doing it, and what it prints.
func parsed(t rapid.TB, args ...string) (o *runOptions, printed string) {
	app := newApp()
	var out bytes.Buffer
	app.Writer = &out
	for _, c := range app.Commands {
		if c.Name == "run" {
			c.Action = func(c *cli.Context) error {
				o = parseRun(c)
				if c.Bool("print-job") {
					return o.printJob(c)
				}
				return nil
			}
		}
	}
	withVariables(app) // to the action that is new
	if err := app.Run(flagsFirst(append([]string{"halorun", "run"}, args...))); err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return o, out.String()
}

// samples are values of the flags of halorun run that go together.
var samples = map[string][]string{
	"np": {"1", "7"}, "host": {"a:2,b:8", "vm[01-03]:4"}, "map-by": {"slot", "node"}, "threads": {"3"}, "tile-rows": {"1", "99"},
	"format": {"png", "TIFF"}, "quality": {"1", "77"}, "compression": {"3", "zstd:4"}, "report": {"r.json", "4", "a b: c #d"}, "timeout": {"90s", "1h3m"},
	"geometry": {"4x5x3:2"}, "page": {"2"}, "bands": {"2", "4,3,2"}, "scale": {"0,4095"}, "max-pixels": {"123456789012"}, "memory": {"256MiB", "300000000"},
	"scratch-dir": {"/tmp"}, "checkpoint": {"off", "all", "2.5"}, "checkpoint-dir": {"kept"}, "verify-input": {"full"}, "ssh": {"ssh -F 'x'"},
	"ssh-arg": {"-v", "-oX=a,b", "-oY= z "}, "fanout": {"2"}, "launch-timeout": {"3s"}, "remote-path": {"/opt/halorun"}, "port-range": {"4000-4999"}, "iface": {"eth0"},
	"heartbeat-timeout": {"700ms"}, "max-restarts": {"0"}, "on-failure": {"shrink"}, "spare": {"z1,z2"}, "bind-to": {"core"}, "x": {"A=1", "B=x, y", "C=", " D= both ends\t"},
	"wdir": {"/var/tmp"}, "output-dir": {"logs"}, "progress": {"json", "none"}, "log-format": {"json"}, "log-file": {"log.txt"}, "metrics": {":9090"},
	"log-db": {"jobs.db", "postgres://h/d"},
}

// Running the file that --print-job prints is running what it was printed for.
func TestPrintJob(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	flags := keys(runCommand())
	rapid.Check(t, func(t *rapid.T) {
		var args []string
		for _, f := range flags {
			if !rapid.Bool().Draw(t, f.Name) {
				continue
			}
			switch values := samples[f.Name]; {
			case f.Name == "resume": // not with --checkpoint off
			case f.Name == "compression": // one that the format has
				args = append(args, "--compression", values[len(values)-1])
				if !slices.Contains(args, "TIFF") {
					args[len(args)-1] = values[0]
				}
			case f.Kind == cmdline.Switch && !isMany(f.Name):
				args = append(args, "--"+f.Name+"="+fmt.Sprint(rapid.Bool().Draw(t, "value")))
			case f.Kind == cmdline.Lines:
				for range rapid.IntRange(1, 3).Draw(t, "times") {
					args = append(args, dashed(f.Name), rapid.SampledFrom(values).Draw(t, "value"))
				}
			case len(values) > 0:
				args = append(args, dashed(f.Name), rapid.SampledFrom(values).Draw(t, "value"))
			}
		}
		args = append(args, "--oversubscribe=true")
		args = append(args, rapid.SampledFrom([][]string{{"in.png", "out.png", "blur:size=5", "edges"}, {"-", "-", "conv:kernel=1 2 1;2 4 2;1 2 1,scale=1"}, {"3", "a: b.png", "gray"}}).Draw(t, "arguments")...)
		want, printed := parsed(t, append(args, "--print-job")...)
		if want.mistake != nil {
			t.Fatalf("%q: %v", args, want.mistake)
		}
		if err := os.WriteFile("job.yaml", []byte(printed), 0o666); err != nil {
			t.Fatal(err)
		}
		got, again := parsed(t, "--job", "job.yaml", "--print-job")
		if again != printed {
			t.Fatalf("%s\nbecame\n%s", printed, again)
		}
		for _, o := range []*runOptions{want, got} {
			o.log, o.answer, o.speech = slog.Default(), nil, nil
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: %+v became %+v by\n%s", args, want, got, printed)
		}
	})
	for _, f := range flags {
		if f.Kind != cmdline.Switch && samples[f.Name] == nil && f.Name != "hostfile" && !isMany(f.Name) {
			t.Errorf("--%s: this test has no values for it", f.Name)
		}
	}
}

// A job is printed only if it can be run, as far as that is known without its files, and it may lack what is added when it is.
func TestPrintChecks(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	if err := os.WriteFile("here.png", nil, 0o666); err != nil {
		t.Fatal(err)
	}
	one := []string{"in.png", "out.png", "gray"}
	for _, args := range [][]string{
		{"--format", "bogus%%"}, {"--compression", "bogus%%"}, {"--compression", "zstd"}, {"--format", "tif", "--compression", "lzw:3"}, {"--format", "jpg", "--compression", "none"},
		{"--iface", "bogus%%"}, {"--iface", "10.0.0.0/99"}, {"--iface", "an-interface-with-a-long-name"}, {"--memory", "1MiB"}, {"--page", "0"}, {"--geometry", "x"},
		{"--format", "bogus", "--"}, {"--compression", "bogus%%", "--"}, {"--allow-failures", "x", "--"}, {"--format", "bogus", "--", "-", "-"},
		{"--", "here.png", "out", "gray"}, {"--", "here.png", "out.bmp", "gray"}, {"--", "in.png", "./in.png", "gray"}, {"--", "@list", "-", "gray"},
		{"--page", "all", "--", "-", "out", "gray"}, {"--compression", "3", "--", "@list", "out", "gray"}, {"--format", "jpg", "--compression", "3", "--", "@list", "out", "gray"},
	} {
		if !slices.Contains(args, "--") {
			args = append(args, one...)
		}
		if text, err := printed(t, args...); exitStatus(err) != exitUsage || text != "" {
			t.Errorf("%q: %v: %s", args, err, text)
		}
	}
	for _, args := range [][]string{
		{}, {"photos", "out", "gray"}, {"in.png", "-", "gray"}, {"--compression", "zstd:3", "in.png", "-", "gray"}, {"--fail-fast"}, {"--fail-fast", "--compression", "3"}, {"--compression", "9", "in.png"},
		{"--iface", "fe80::1", "in.png", "out.png", "gray"}, {"--iface", "10.0.0.0/8", "in.png", "out.png", "gray"}, {"--iface", "br-0123.4@x_y", "in.png", "out.png", "gray"},
	} {
		if text, err := printed(t, args...); err != nil || len(args) > 0 != strings.Contains(text, ": ") {
			t.Errorf("%q: %v: %s", args, err, text)
		}
	}
	// A variable that does not count is not printed, lest it is a mistake then.
	t.Setenv("HALORUN_ALLOW_FAILURES", "3")
	if text, err := printed(t, one...); err != nil || strings.Contains(text, "allow-failures") {
		t.Error(err, text)
	}
	if text, err := printed(t); err != nil || !strings.Contains(text, "allow-failures: \"3\"") {
		t.Error(err, text)
	}
}

// printed returns what --print-job prints.
func printed(t *testing.T, args ...string) (string, error) {
	t.Helper()
	app := newApp()
	var out bytes.Buffer
	app.Writer = &out
	err := app.Run(flagsFirst(append([]string{"halorun", "run", "--print-job"}, args...)))
	return out.String(), err
}

// A password that was typed, or is in the environment, is not printed.
func TestPrintNoPassword(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	t.Setenv("HALORUN_LOG_DB", "postgres://me:sesame@h/d")
	for _, args := range [][]string{{"in.png", "out.png", "gray"}, {"--log-db", "mongodb://me:sesame@h", "in.png", "out.png", "gray"}} {
		if o, printed := parsed(t, append(args, "--print-job")...); o.mistake != nil || strings.Contains(printed, "sesame") || !strings.Contains(printed, "in.png") {
			t.Errorf("%v: %v: %s", args, o.mistake, printed)
		}
	}
}

func dashed(flag string) string {
	if len(flag) == 1 {
		return "-" + flag
	}
	return "--" + flag
}

// isMany tells whether a flag is for many pictures alone.
func isMany(flag string) bool {
	for _, f := range folderFlags() {
		if f.Names()[0] == flag {
			return true
		}
	}
	return false
}

// What is typed counts more than the environment, and that more than the file; a list of hosts replaces another one, however that was given.
func TestPrecedence(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	job := "input: in.png\noutput: out.png\nops: [gray]\nnp: 2\nquality: 11\ntile-rows: 5\nhost: [a:4, b:4]\nx: [A=1]\nverbose: true\nfsync: true\n"
	if err := os.WriteFile("job.yaml", []byte(job), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("hosts.txt", []byte("c slots=8\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HALORUN_JOB", "job.yaml")
	t.Setenv("HALORUN_QUALITY", "22")
	t.Setenv("HALORUN_TILE_ROWS", "6")
	t.Setenv("HALORUN_THREADS", "")
	t.Setenv("HALORUN_FAIL_FAST", "true") // is for folders, and no mistake elsewhere
	t.Setenv("HALORUN_X", "B=1, 2\nC=3\n")
	o, _ := parsed(t, "--tile-rows", "7", "--hostfile", "hosts.txt", "--fsync=false", "--quiet")
	if o.mistake != nil {
		t.Fatal(o.mistake)
	}
	if o.np != 2 || o.quality != 22 || o.tileRows != 7 || o.threads != 1 || len(o.hosts) != 1 || o.hosts[0].Name != "c" || o.fsync || o.input != "in.png" {
		t.Errorf("%+v", o)
	}
	if fmt.Sprint(o.launch.Env) != "[B=1, 2 C=3]" {
		t.Errorf("%q", o.launch.Env)
	}
	if o, _ = parsed(t, "--", "other.png"); o.input != "other.png" || o.output != "out.png" || len(o.ops) != 1 || len(o.hosts) != 2 {
		t.Errorf("%+v", o)
	}
	if o, _ = parsed(t, "a.png", "b.png", "edges", "invert"); o.output != "b.png" || len(o.ops) != 2 {
		t.Errorf("%+v", o)
	}
}

// What is beyond the limits of a flag is refused wherever it stands, and what is at the limit is not.
func TestLimits(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	texts := map[string][2][]string{ // good, bad
		"timeout": {{"1ns"}, {"0s", "-1s"}}, "heartbeat-timeout": {{"300ms"}, {"299ms", "0s"}}, "launch-timeout": {{"100ms"}, {"99ms"}},
		"wdir": {{"/"}, {"rel"}}, "scratch-dir": {{"/a b"}, {"./a"}}, "remote-path": {{"/opt/h"}, {"h", "/a`b", "/a\nb", "/a$b", "/a\\b"}}, "page": {{"1", "all"}, {"0", "ALL", "1.5"}},
		"memory": {{"64MiB", "64mb", "100000000"}, {"1e9", "x", "64 MiB"}},
	}
	limited := 0
	for _, f := range keys(runCommand()) {
		if f.Limits == nil {
			continue
		}
		limited++
		values := texts[f.Name]
		if f.Kind == cmdline.Whole {
			values = [2][]string{{fmt.Sprint(f.Limits.Least)}, {fmt.Sprint(f.Limits.Least - 1)}}
			if f.Limits.Most != cmdline.NoLimit {
				values[0] = append(values[0], fmt.Sprint(f.Limits.Most))
				values[1] = append(values[1], fmt.Sprint(f.Limits.Most+1))
			}
		}
		if values[0] == nil {
			t.Errorf("--%s: this test has no values for it", f.Name)
		}
		for i, want := range []int{exitDone, exitUsage} {
			for _, v := range values[i] {
				arguments := []string{"--oversubscribe", "--", "@list", "out", "gray"} // of which all flags can be
				_, typed := printed(t, append([]string{"--" + f.Name, v}, arguments...)...)
				file := fmt.Sprintf("%s: %s\n", f.Name, v)
				if f.Kind == cmdline.Text {
					file = fmt.Sprintf("%s: %q\n", f.Name, v)
				}
				if err := os.WriteFile("job.yaml", []byte(file), 0o666); err != nil {
					t.Fatal(err)
				}
				_, filed := printed(t, append([]string{"--job", "job.yaml"}, arguments...)...)
				t.Setenv(cmdline.Variable(f.Name), v)
				_, variable := printed(t, arguments...)
				t.Setenv(cmdline.Variable(f.Name), "")
				if exitStatus(typed) != want || exitStatus(filed) != want || exitStatus(variable) != want {
					t.Errorf("--%s %s: %v, %v, %v", f.Name, v, typed, filed, variable)
				}
			}
		}
	}
	if limited != 16 {
		t.Errorf("%d flags have limits", limited)
	}
}

// A value of a flag that can be repeated is what was typed, from wherever it comes: with its blanks and commas.
func TestRepeatedValues(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	const want = `["A=trail " "B= both\t" "C=1,2" "D=x , y "]`
	arguments := []string{"in.png", "out.png", "gray"}
	o, printed := parsed(t, append([]string{"-x", "A=trail ", "-x", "B= both\t", "-x", "C=1,2", "-x=D=x , y ", "--print-job"}, arguments...)...)
	if got := fmt.Sprintf("%q", o.launch.Env); got != want || o.mistake != nil {
		t.Errorf("typed: %s, %v", got, o.mistake)
	}
	if err := os.WriteFile("job.yaml", []byte(printed), 0o666); err != nil {
		t.Fatal(err)
	}
	o, _ = parsed(t, "--job", "job.yaml")
	if got := fmt.Sprintf("%q", o.launch.Env); got != want || o.mistake != nil {
		t.Errorf("from the file: %s, %v\n%s", got, o.mistake, printed)
	}
	t.Setenv("HALORUN_X", "A=trail \nB= both\t\nC=1,2\nD=x , y ")
	o, _ = parsed(t, arguments...)
	if got := fmt.Sprintf("%q", o.launch.Env); got != want || o.mistake != nil {
		t.Errorf("from the environment: %s, %v", got, o.mistake)
	}
	t.Setenv("HALORUN_X", "")
	if o, _ = parsed(t, append([]string{"-x", "A=\xff"}, arguments...)...); exitStatus(o.mistake) != exitUsage {
		t.Errorf("no text: %v, %q", o.mistake, o.launch.Env) // it would not arrive as it is
	}
}

// Each flag of each command has a variable, which a mistake names, and so does a job file its line.
func TestWrongVariables(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	wrong := map[string]string{
		"np": "0", "hostfile": "nowhere.txt", "host": ",", "map-by": "x", "oversubscribe": "maybe", "threads": "0", "tile-rows": "-1", "quality": "0", "timeout": "0s",
		"geometry": "x", "page": "0", "bands": "x", "scale": "x", "max-pixels": "0", "memory": "x", "scratch-dir": "x", "checkpoint": "x", "verify-input": "x",
		"ssh": " ", "fanout": "0", "launch-timeout": "1ns", "remote-path": "x", "port-range": "x", "heartbeat-timeout": "1ns", "max-restarts": "-1", "on-failure": "x",
		"spare": ",", "bind-to": "x", "x": "=", "wdir": "x", "report": "nowhere/r.json", "job": "nowhere.yaml",
	}
	for _, f := range cmdline.Flags(runCommand()) {
		value, ok := wrong[f.Name]
		switch {
		case f.Kind == cmdline.Switch:
			value = "maybe"
		case f.Kind == cmdline.Whole && !ok:
			value = "many"
		case !ok:
			continue // any text is right, or it depends on INPUT
		}
		variable := cmdline.Variable(f.Name)
		t.Run(variable, func(t *testing.T) {
			t.Setenv(variable, value)
			err := mistakeOf("run", "in.png", "out.png", "gray")
			if f.Name == "report" {
				return // its own kind of mistake
			}
			if exitStatus(err) != exitUsage || !strings.HasPrefix(err.Error(), variable+": ") && f.Name != "job" {
				t.Errorf("%v", err)
			}
		})
		if f.Name == "job" || f.Name == "report" || f.Name == "hostfile" || f.Kind == cmdline.Switch {
			continue
		}
		if err := os.WriteFile("job.yaml", fmt.Appendf(nil, "input: in.png\noutput: out.png\nops: [gray]\n%s: %q\n", f.Name, value), 0o666); err != nil {
			t.Fatal(err)
		}
		if f.Kind == cmdline.Whole {
			_ = os.WriteFile("job.yaml", fmt.Appendf(nil, "input: in.png\noutput: out.png\nops: [gray]\n%s: %s\n", f.Name, value), 0o666)
		}
		if err := mistakeOf("run", "--job", "job.yaml"); exitStatus(err) != exitUsage || !strings.HasPrefix(err.Error(), "job.yaml:4: ") {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
	for path, c := range cmdline.Commands(newApp()) {
		for _, f := range cmdline.Flags(c) {
			if variable := cmdline.Variable(f.Name); f.Kind != cmdline.Text && f.Kind != cmdline.Lines && (path != "resume" || slices.Contains(ownAffairs, f.Name)) {
				t.Run(path+" "+variable, func(t *testing.T) {
					t.Setenv(variable, "nonsense")
					err := mistakeOf(strings.Fields(path)...)
					if exitStatus(err) != exitUsage || !strings.HasPrefix(err.Error(), variable+`: "nonsense" is not `) {
						t.Errorf("%v", err)
					}
				})
			}
			if v := cmdline.Variable(f.Name); v == "HALORUN_KERNELS" || strings.HasPrefix(v, "HALORUN_TEST_") {
				t.Errorf("%s --%s: %s means something else", path, f.Name, v)
			}
		}
	}
}

// mistakeOf returns the error of a command line that does not come to its job.
func mistakeOf(args ...string) error {
	app := newApp()
	app.Writer = new(bytes.Buffer)
	return app.Run(flagsFirst(append([]string{"halorun"}, args...)))
}

// A job stays what it was, whatever the environment says when it is resumed.
func TestResumeWithVariables(t *testing.T) {
	t.Chdir(t.TempDir())
	state := t.TempDir()
	t.Setenv("HALORUN_CHECKPOINT_DIR", state)
	big := filepath.Join(t.TempDir(), "big.ppm")
	if err := os.WriteFile(big, append([]byte("P6 300 300 255\n"), make([]byte, 300*300*3)...), 0o666); err != nil {
		t.Fatal(err)
	}
	// It dies with all done but the rename.
	job := halorun(t, "run", "-n", "1", "--checkpoint", "all", "--inject", "kill:at=rename", "--quality", "31", big, "out.jpg", "gray")
	_ = job.Run()
	t.Setenv("HALORUN_QUALITY", "99")
	t.Setenv("HALORUN_NP", "many")
	t.Setenv("HALORUN_JOB", "nowhere.yaml")
	t.Setenv("HALORUN_FORMAT", "bmp")
	entries, err := os.ReadDir(state)
	if err != nil || len(entries) != 1 {
		t.Fatal(entries, err)
	}
	if out, err := halorunOutput(t, "resume", entries[0].Name()); err != nil {
		t.Fatal(err, out)
	}
	t.Setenv("HALORUN_QUALITY", "")
	t.Setenv("HALORUN_NP", "")
	t.Setenv("HALORUN_JOB", "")
	t.Setenv("HALORUN_FORMAT", "")
	if out, err := halorunOutput(t, "run", "-n", "1", "--quality", "31", big, "want.jpg", "gray"); err != nil {
		t.Fatal(err, out)
	}
	got, err := os.ReadFile("out.jpg")
	want, err2 := os.ReadFile("want.jpg")
	if err != nil || err2 != nil || !bytes.Equal(got, want) {
		t.Error("the resumed job made another file", err, err2)
	}
}

func halorunOutput(t *testing.T, args ...string) (string, error) {
	cmd := halorun(t, args...)
	out, err := cmd.Output()
	return string(out), err
}
