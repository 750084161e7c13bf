package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// limited returns a command that runs in a cgroup of its own with so much memory, of version 1 or 2. Nothing else makes the kernel end
// a process for lack of memory without endangering the machine. Only root can make one, and not in every container, so that the test
// is left out elsewhere: CI runs as root.
func limited(t *testing.T, limit int64, program string, args ...string) *exec.Cmd {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a cgroup can only be made by root")
	}
	name := fmt.Sprintf("halorun-test-%d", os.Getpid())
	dir, file := filepath.Join("/sys/fs/cgroup/memory", name), "memory.limit_in_bytes"
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		dir, file = filepath.Join("/sys/fs/cgroup", name), "memory.max"
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Skipf("there are no cgroups here: %v", err)
	}
	t.Cleanup(func() {
		eventually(t, "the cgroup is empty", func() bool { return os.Remove(dir) == nil })
	})
	if err := os.WriteFile(filepath.Join(dir, file), []byte(strconv.FormatInt(limit, 10)), 0o644); err != nil {
		// The folder can be made where the controller of memory is not handed on, which only the file's absence tells.
		t.Skipf("memory cannot be limited here: %v", err)
	}
	return exec.Command("sh", append([]string{"-c", `echo $$ >"$0" && exec "$@"`, filepath.Join(dir, "cgroup.procs"), program}, args...)...)
}

// A rank that the kernel ends for lack of memory is said to be, and goes on with lower tiles until they fit.
func TestLackOfMemory(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	dir := t.TempDir()
	in, out, want := filepath.Join(dir, "in.ppm"), filepath.Join(dir, "out.ppm"), filepath.Join(dir, "want.ppm")
	if err := os.WriteFile(in, picture(12000, 3000, 3), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := b.halorun(t, "run", "-n", "2", "--checkpoint", "off", in, want, "blur:size=5").Run(); err != nil {
		t.Fatal(err)
	}
	cmd := limited(t, 90<<20, b.path("halorun"), "run", "-n", "2", "--tile-rows", "1500", in, out, "blur:size=5")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	for line := range strings.Lines(stderr.String()) {
		if !strings.Contains(line, "was killed by the kernel for lack of memory; member ") || !strings.Contains(line, ", with lower tiles") {
			t.Errorf("it says %q", line)
		}
	}
	if stderr.Len() == 0 {
		t.Error("it says nothing")
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	expected, err := os.ReadFile(want)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, expected) {
		t.Error("the file is another")
	}
}
