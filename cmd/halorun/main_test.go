package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary be halorun when it is called so, which is how it starts its agents and ranks, too.
func TestMain(m *testing.M) {
	testscript.Main(apart{m}, map[string]func(){"halorun": main})
}

// apart runs the tests with a folder of their own for what programs keep: what they do is no job of the user's.
type apart struct{ *testing.M }

func (a apart) Run() int {
	dir, err := os.MkdirTemp("", "halorun-state-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	os.Setenv("XDG_STATE_HOME", dir)
	return a.M.Run()
}

// TestScripts runs the scripts in testdata/script, each a session of a user, with the program as users build it; the long tests run this test
// binary in its place, which go test -race makes slow and watchful.
func TestScripts(t *testing.T) {
	pictures, err := filepath.Abs("../../testdata")
	if err != nil {
		t.Fatal(err)
	}
	path := os.Getenv("PATH")
	if os.Getenv("HALORUN_TEST_LONG") == "" {
		program, err := buildProgram()
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		writeProgram(t, filepath.Join(dir, "halorun"), program)
		path = dir + string(filepath.ListSeparator) + path
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("PICTURES", pictures)
			e.Setenv("XDG_STATE_HOME", filepath.Join(e.WorkDir, ".state"))
			e.Setenv("PATH", path)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": status0, "clean": clean,
		},
	})
}

// status0 is "status N command …": the exit status is N, stdout is empty, and so is stderr or it is one line about it.
func status0(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if neg || err != nil {
		ts.Fatalf("usage: status N command args...")
	}
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := err.(*exec.ExitError); ok {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	stderr := ts.ReadFile("stderr")
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
	if lines := bytes.Count([]byte(stderr), []byte("\n")); want != 0 && lines != 1 {
		ts.Fatalf("%d lines on stderr, want 1", lines)
	}
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("stdout is not empty")
	}
}

// clean is "clean dir": no temporary file is left in the folder.
func clean(ts *testscript.TestScript, neg bool, args []string) {
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	for _, e := range entries {
		if left, _ := filepath.Match(".*halorun-*", e.Name()); left {
			ts.Fatalf("%s is left", e.Name())
		}
	}
}

// halorun returns the command that runs this program, outside of scripts.
func halorun(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, args...)
	c.Args[0] = "halorun"
	var stderr bytes.Buffer
	c.Stderr = &stderr
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%v: %s", args, stderr.String())
		}
	})
	return c
}
