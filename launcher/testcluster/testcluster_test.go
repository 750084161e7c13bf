package testcluster

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestCluster(t *testing.T) {
	c := Up(t, 3)
	if got := c.Run("h1", "ssh", "h2", "hostname"); got != "h2\n" {
		t.Errorf("ssh h2 hostname: %q", got)
	}
	c.Run("h1", "sh", "-c", "echo private >/tmp/file; echo shared >"+c.Dir+"/file")
	if out := c.Run("h2", "sh", "-c", "ls /tmp/file 2>/dev/null || cat "+c.Dir+"/file"); out != "shared\n" {
		t.Errorf("h2 sees %q", out)
	}
	connect := func(from, to string) error {
		return c.Command(from, "timeout", "1", "bash", "-c", "exec 3<>/dev/tcp/"+to+"/22").Run()
	}
	expect := func(from, to string, works bool, when string) {
		t.Helper()
		if err := connect(from, to); (err == nil) != works {
			t.Errorf("%s: from %s to %s: %v", when, from, to, err)
		}
	}
	c.Cut("h2")
	expect("h1", "h2", false, "cut")
	expect("h1", "h3", true, "another is cut")
	c.Heal("h2")
	c.await("a healed cable", func() bool { return connect("h1", "h2") == nil })

	c.Drop("h2", "h1")
	expect("h1", "h2", true, "ssh is not dropped")
	c.Undrop("h2")

	c.NewKey("h2")
	out, err := c.Command("h1", "ssh", "-o", "BatchMode=yes", "h2", "true").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "IDENTIFICATION HAS CHANGED") {
		t.Errorf("after another key: %v, %s", err, out)
	}
	c.OldKey("h2")
	c.Run("h1", "ssh", "-o", "BatchMode=yes", "h2", "true")

	sleep := c.Command("h3", "sleep", "infinity")
	c.must(sleep.Start())
	pids := c.Pids("h3")
	c.PowerOff("h3")
	_ = sleep.Wait()
	for _, pid := range pids {
		if err := syscall.Kill(pid, 0); err == nil {
			t.Errorf("process %d survives", pid)
		}
	}
	expect("h1", "h3", false, "without power")
	c.PowerOn("h3")
	c.Run("h1", "ssh", "h3", "true")
}

// Two clusters do not meet, and nothing is left of either.
func TestNothingIsLeft(t *testing.T) {
	before := mounts(t)
	var dirs []string
	var pids []int
	t.Run("up", func(t *testing.T) {
		a, b := Up(t, 1), Up(t, 2)
		dirs = append(dirs, a.Dir, b.Dir)
		pids = append(append(a.Pids("h1"), b.Pids("h1")...), b.Pids("h2")...)
		if len(pids) < 6 {
			t.Errorf("only %d processes", len(pids))
		}
		if got := b.Run("h1", "ssh", "h2", "hostname"); got != "h2\n" {
			t.Errorf("ssh h2 hostname: %q", got)
		}
		if a.Command("h1", "timeout", "1", "bash", "-c", "exec 3<>/dev/tcp/10.77.0.2/22").Run() == nil {
			t.Error("a host of another cluster answers")
		}
	})
	for _, dir := range dirs {
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", dir, err)
		}
	}
	for _, pid := range pids {
		if exe, err := os.Readlink(filepath.Join("/proc", fmt.Sprint(pid), "exe")); err == nil {
			t.Errorf("process %d is left: %s", pid, exe)
		}
	}
	if after := mounts(t); after != before {
		t.Errorf("mounts were\n%s\nand are\n%s", before, after)
	}
}

func mounts(t *testing.T) string {
	b, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
