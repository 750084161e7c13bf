package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"halorun/launcher/testcluster"
)

// lab is a cluster with the real program in it, at the same path on all hosts but known to none of them.
type lab struct {
	*testcluster.Cluster
	t   testing.TB
	exe string
}

// buildProgram builds the program as a user does, once.
var buildProgram = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "halorun-build-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command("go", "build", "-trimpath", "-tags", "urfave_cli_no_docs", "-ldflags", "-s -w", "-o", filepath.Join(dir, "halorun"), ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return os.ReadFile(filepath.Join(dir, "halorun"))
})

// writeProgram puts a program at a path, through another process: what this one has open for writing, children that others start just then
// inherit for a moment, and it could not be run.
func writeProgram(t testing.TB, path string, program []byte) {
	t.Helper()
	cmd := exec.Command("install", "-m", "755", "/dev/stdin", path)
	cmd.Stdin = bytes.NewReader(program)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func newLab(t testing.TB, hosts int) *lab {
	t.Helper()
	l := &lab{Cluster: testcluster.Up(t, hosts), t: t}
	program, err := buildProgram()
	if err != nil {
		t.Fatal(err)
	}
	l.exe = filepath.Join(l.Dir, "halorun")
	writeProgram(t, l.exe, program)
	return l
}

// at is the same cluster in a subtest.
func (l *lab) at(t *testing.T) *lab { return &lab{l.Cluster, t, l.exe} }

func (l *lab) write(path string, b []byte, perm os.FileMode) {
	l.t.Helper()
	if err := os.WriteFile(path, b, perm); err != nil {
		l.t.Fatal(err)
	}
}

// shared returns the path of a file in the folder that all hosts see.
func (l *lab) shared(name string) string { return filepath.Join(l.Dir, name) }

// unhurried keeps jobs that take their time on a busy machine from telling how far they are.
const unhurried = "HALORUN_PROGRESS=none"

// ended is how a command ended.
type ended struct {
	status         int
	stdout, stderr string
	took           time.Duration
}

// halorun runs the program on a host.
func (l *lab) halorun(host string, args ...string) ended {
	l.t.Helper()
	var out, errs bytes.Buffer
	cmd := l.Command(host, "timeout", append([]string{"--foreground", "-k", "1", "60", l.exe}, args...)...)
	cmd.Env = append(cmd.Env, unhurried)
	cmd.Stdout, cmd.Stderr = &out, &errs
	began := time.Now()
	err := cmd.Run()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		l.t.Fatal(err)
	}
	return ended{cmd.ProcessState.ExitCode(), out.String(), errs.String(), time.Since(began)}
}

// must runs the program, which must not fail nor say anything.
func (l *lab) must(host string, args ...string) {
	l.t.Helper()
	if e := l.halorun(host, args...); e.status != 0 || e.stderr != "" {
		l.t.Fatalf("%v: %+v", args, e)
	}
}

// fails runs the program, which must fail with the status and one line that contains all of the texts.
func (l *lab) fails(status int, host string, args []string, texts ...string) ended {
	l.t.Helper()
	e := l.halorun(host, args...)
	if e.status != status || strings.Count(e.stderr, "\n") != 1 {
		l.t.Errorf("%v: %+v; want status %d and one line", args, e, status)
	}
	for _, text := range texts {
		if !strings.Contains(e.stderr, text) {
			l.t.Errorf("%v: %q lacks %q", args, e.stderr, text)
		}
	}
	return e
}

func (l *lab) read(host, path string) []byte {
	l.t.Helper()
	out, err := l.Command(host, "cat", path).Output()
	if err != nil {
		l.t.Fatalf("%s on %s: %v", path, host, err)
	}
	return out
}

// picture writes a PPM or, with one channel, a PGM.
func picture(width, height, channels int) []byte {
	b := fmt.Appendf(nil, "P%d\n%d %d\n255\n", map[int]int{1: 5, 3: 6}[channels], width, height)
	seed := uint32(1)
	for range width * height * channels {
		seed = seed*1664525 + 1013904223
		b = append(b, byte(seed>>24)/3+byte(len(b)/width*5))
	}
	return b
}

// processes returns the IDs of the processes of ours on a host, by name.
func (l *lab) processes(host string) map[string][]int {
	found := make(map[string][]int)
	for _, pid := range l.Pids(host) {
		name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		if n := strings.TrimSpace(string(name)); strings.HasPrefix(n, "halorun") || n == "ssh" {
			if state := stat(pid); len(state) > 0 && state[0] != "Z" {
				found[n] = append(found[n], pid)
			}
		}
	}
	return found
}

// Whatever hosts can open, and wherever ranks are, the output is that of one rank.
func TestClusterLaws(t *testing.T) {
	t.Parallel()
	l := newLab(t, 5)
	reference := l.shared("reference")
	inputs := map[string][]byte{"in.ppm": picture(1021, 907, 3), "in.pgm": picture(401, 1203, 1)}
	for name, b := range inputs {
		l.write(l.shared(name), b, 0o644)
		l.Run("h1", "cp", l.shared(name), "/tmp/"+name)
	}
	// On another host the same name is another picture, of the same size.
	l.Run("h3", "sh", "-c", fmt.Sprintf("head -c %d /dev/zero >/tmp/in.ppm; echo no picture >/tmp/in.pgm; mkfifo /tmp/out.ppm", len(inputs["in.ppm"])))
	for i, c := range []struct {
		in, out string
		ops     []string
	}{
		{"in.ppm", "out.ppm", []string{"blur:size=5"}},
		{"in.pgm", "out.png", []string{"edges"}},
		{"in.ppm", "out.tif", []string{"sharpen", "edges", "invert"}},
	} {
		l.must("h1", append([]string{"run", "-n", "1", l.shared(c.in), reference + filepath.Ext(c.out)}, c.ops...)...)
		want := l.read("h1", reference+filepath.Ext(c.out))
		for _, in := range []string{l.shared(c.in), "/tmp/" + c.in} {
			for _, out := range []string{l.shared(c.out), "/tmp/" + c.out} {
				sets := []string{"h1,h2,h3,h4", "h1:2,h2:2,h3:2,h4:2"} // the head is the first host
				if i == 0 {
					sets = append(sets, "h2:2,h1,h3:2", "h2,h3,h4,h5", "h2:2,h3:2,h4:2,h5:2") // another one, or none
				}
				for _, hosts := range sets {
					l.must("h1", append([]string{"run", "--host", hosts, in, out}, c.ops...)...)
					if got := l.read("h1", out); !bytes.Equal(got, want) {
						t.Errorf("%s to %s on %s: other bytes than one rank writes", in, out, hosts)
					}
					l.Run("h1", "rm", out)
				}
			}
		}
	}
	for _, host := range []string{"h1", "h2", "h3", "h4", "h5"} {
		if left := l.Run(host, "sh", "-c", "ls -A /tmp "+l.Dir+" | grep 'halorun-[0-9a-f]*$' || true"); left != "" && !strings.Contains(l.Dir, strings.TrimSpace(left)) {
			t.Errorf("on %s are left: %s", host, left)
		}
	}
}

// Ranks that can open the files use them; the report tells.
func TestClusterFilesAreUsed(t *testing.T) {
	t.Parallel()
	l := newLab(t, 3)
	l.write(l.shared("in.ppm"), picture(2000, 1500, 3), 0o644)
	l.Run("h1", "cp", l.shared("in.ppm"), "/tmp/in.ppm")
	received := func(args ...string) (bytes int64) {
		l.must("h1", append(append([]string{"run", "--report", l.shared("r.json"), "--host", "h2,h3"}, args...), "invert")...)
		var r report
		if err := json.Unmarshal(l.read("h1", l.shared("r.json")), &r); err != nil {
			t.Fatal(err)
		}
		if r.Head == nil || r.Head.Host != "h1" || r.Size != 2 || len(r.Ranks) != 2 || r.Ranks[1].Host != "h3" || len(r.Hosts) != 3 {
			t.Errorf("the report says %+v", r)
		}
		for _, rank := range r.Ranks {
			bytes += rank.BytesReceived
		}
		return bytes
	}
	const picture = 2000 * 1500 * 3
	if n := received("/tmp/in.ppm", l.shared("out.ppm")); n < picture {
		t.Errorf("ranks that cannot open INPUT received %d bytes of %d", n, picture)
	}
	if n := received(l.shared("in.ppm"), l.shared("out.ppm")); n > picture/10 {
		t.Errorf("ranks that can open INPUT received %d bytes", n)
	}
}

// held starts a job on h1 that lasts until somebody reads its OUTPUT, which is its stdout, and returns when its ranks on all hosts are at
// work. It needs no processor meanwhile.
func (l *lab) held(hosts string, n int, flags ...string) *heldJob {
	l.t.Helper()
	if _, err := os.Stat(l.shared("big.pgm")); err != nil {
		l.write(l.shared("big.pgm"), picture(4000, 4000, 1), 0o644)
	}
	args := append([]string{"run", "--max-restarts", "0", "--host", hosts, "--format", "pgm", l.shared("big.pgm"), "-", "invert"}, flags...)
	j := &heldJob{Cmd: l.Command("h1", l.exe, args...)}
	j.Env = append(j.Env, unhurried)
	j.Stderr = &j.stderr
	read, write, err := os.Pipe()
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { read.Close() })
	j.output, j.Stdout = read, write
	err = j.Start()
	write.Close()
	if err != nil {
		l.t.Fatal(err)
	}
	eventually(l.t, "the ranks work", func() bool {
		ranks := 0
		for _, h := range strings.Split(hosts, ",") {
			host, _, _ := strings.Cut(h, ":")
			for name, pids := range l.processes(host) {
				if strings.HasPrefix(name, "halorun rank") {
					ranks += len(pids)
				}
			}
		}
		return ranks == n && l.connected(hosts)
	})
	return j
}

type heldJob struct {
	*exec.Cmd
	output *os.File
	stderr bytes.Buffer
}

// end waits for the end of a job that fails, and returns its exit status and its last line.
func (j *heldJob) end() (status int, last string) {
	_ = j.Wait() // its state says it
	lines := strings.Split(strings.TrimSpace(j.stderr.String()), "\n")
	return j.ProcessState.ExitCode(), lines[len(lines)-1] // before it Go may have printed what a rank was doing when it crashed
}

// connected tells whether no rank listens any more, because all have found each other.
func (l *lab) connected(hosts string) bool {
	for _, h := range strings.Split(hosts, ",") {
		host, _, _ := strings.Cut(h, ":")
		tcp := l.Run(host, "cat", "/proc/net/tcp")
		for line := range strings.Lines(tcp) {
			f := strings.Fields(line)
			if len(f) > 3 && f[3] == "0A" && !strings.HasSuffix(f[1], ":0016") {
				return false
			}
		}
	}
	return true
}

// mustBeClean waits until no process of ours is on any of the hosts, for 10 s at most.
func (l *lab) mustBeClean(hosts ...string) {
	l.t.Helper()
	left := ""
	clean := func() bool {
		left = ""
		for _, h := range hosts {
			for name, pids := range l.processes(h) {
				left += fmt.Sprintf(" %s: %s %v", h, name, pids)
			}
		}
		return left == ""
	}
	if !within(10*time.Second, clean) {
		l.t.Fatalf("after 10 s are left:%s", left)
	}
}

func (l *lab) kill(host, name string, s syscall.Signal) {
	l.t.Helper()
	pids := l.processes(host)[name]
	if len(pids) == 0 {
		l.t.Fatalf("there is no %s on %s: %v", name, host, l.processes(host))
	}
	if err := syscall.Kill(pids[0], s); err != nil {
		l.t.Fatal(err)
	}
}

// Whoever dies, nobody is left, and the launcher says who it was.
func TestClusterNoOrphans(t *testing.T) {
	t.Parallel()
	l := newLab(t, 3)
	all := []string{"h1", "h2", "h3"}
	for _, c := range []struct {
		name string
		do   func(l *lab)
		says string // of the launcher, if it is not killed
	}{
		{"launcher", func(l *lab) { l.kill("h1", "halorun", syscall.SIGKILL) }, ""},
		{"ssh", func(l *lab) { l.kill("h1", "ssh", syscall.SIGKILL) }, "was lost: ssh was killed by SIGKILL"},
		{"agent", func(l *lab) { l.kill("h3", "halorun agent", syscall.SIGKILL) }, "the agent on host h3 was lost: it was killed, or the connection to it broke"},
		{"rank", func(l *lab) { l.kill("h2", "halorun rank 1", syscall.SIGKILL) }, "rank 1 on host h2 was killed by SIGKILL"},
		{"rank crashes", func(l *lab) { l.kill("h3", "halorun rank 2", syscall.SIGSEGV) }, "rank 2 on host h3"},
		{"cable", func(l *lab) { l.Cut("h3") }, "the agent on host h3 was lost: nothing was heard from it for 5s"},
		{"stopped agent", func(l *lab) { l.kill("h3", "halorun agent", syscall.SIGSTOP) }, "nothing was heard from it for 5s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := l.at(t)
			job := l.held("h1,h2,h3", 3)
			c.do(l)
			status, last := job.end()
			if c.name == "stopped agent" {
				l.kill("h3", "halorun agent", syscall.SIGCONT) // a stopped process cannot end itself
			}
			l.mustBeClean(all...)
			if c.says != "" && (status != exitRanks || !strings.Contains(last, c.says)) {
				t.Errorf("status %d, %q; want %d, %q", status, last, exitRanks, c.says)
			}
			if c.name == "cable" {
				l.Heal("h3")
			}
		})
	}
	t.Run("power", func(t *testing.T) {
		l := l.at(t)
		job := l.held("h1,h2,h3", 3)
		l.Cut("h3")
		l.PowerOff("h3")
		status, last := job.end()
		l.mustBeClean("h1", "h2")
		if status != exitRanks || !strings.Contains(last, "nothing was heard from it") {
			t.Errorf("%d, %s", status, last)
		}
	})
}

// A file that is half written goes, too, whoever is left to see to that.
func TestClusterTemporaryFiles(t *testing.T) {
	t.Parallel()
	l := newLab(t, 2)
	const side = 6000
	l.write(l.shared("big.pgm"), append(fmt.Appendf(nil, "P5\n%d %d\n255\n", side, side), bytes.Repeat([]byte{10, 200, 30}, side*side/3)...), 0o644)
	for _, name := range []string{"halorun", "ssh"} {
		job := l.Command("h1", l.exe, "run", "--max-restarts", "0", "--checkpoint", "off", "-x", "HALORUN_KERNELS=go", "--host", "h2", l.shared("big.pgm"), l.shared("out.ppm"),
			"blur:size=1023", "blur:size=1021", "blur:size=1019")
		if err := job.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the rank works", func() bool {
			return len(temporaries(t, l.Dir)) == 1 && len(l.processes("h2")["halorun rank 0"]) == 1 && l.connected("h1,h2")
		})
		l.kill("h1", name, syscall.SIGKILL)
		_ = job.Wait()
		l.mustBeClean("h1", "h2")
		eventually(t, "no temporary file is left", func() bool { return len(temporaries(t, l.Dir)) == 0 })
		if _, err := os.Stat(l.shared("out.ppm")); !os.IsNotExist(err) {
			t.Errorf("out.ppm: %v", err)
		}
	}
}

func TestClusterSignals(t *testing.T) {
	t.Parallel()
	l := newLab(t, 3)
	for _, s := range []struct {
		signal syscall.Signal
		status int
	}{{syscall.SIGINT, 130}, {syscall.SIGTERM, 143}} {
		job := l.held("h2,h3", 2)
		l.kill("h1", "halorun", s.signal)
		if status, last := job.end(); status != s.status || last != job.stderr.String()[:len(job.stderr.String())-1] {
			t.Errorf("%v: status %d, %q", s.signal, status, job.stderr.String())
		}
		l.mustBeClean("h1", "h2", "h3")
	}

	// Suspended for longer than any heartbeat, it goes on and ends well.
	job := l.held("h1,h2,h3", 3, "--report", l.shared("r.json"), "--timeout", "30s")
	pids := slices.Concat(l.processes("h1")["halorun"], l.processes("h1")["halorun rank 0"], l.processes("h2")["halorun rank 1"], l.processes("h3")["halorun rank 2"])
	l.kill("h1", "halorun", syscall.SIGTSTP)
	allStopped := func() bool {
		running := func(pid int) bool {
			state := stat(pid)
			return len(state) == 0 || state[0] != "T"
		}
		return len(pids) == 4 && !slices.ContainsFunc(pids, running)
	}
	eventually(t, "all have stopped", allStopped)
	// For longer than the 5 s after which a host that is silent is given up, nobody goes on.
	if within(7*time.Second, func() bool { return !allStopped() }) {
		t.Error("somebody has gone on, or is gone")
	}
	l.kill("h1", "halorun", syscall.SIGCONT)
	_ = job.Process.Signal(syscall.SIGCONT) // nsenter has stopped with it
	got, err := io.ReadAll(job.output)
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := job.end(); status != 0 {
		t.Fatalf("status %d, %s", status, job.stderr.String())
	}
	l.must("h1", "run", "-n", "1", l.shared("big.pgm"), l.shared("want.pgm"), "invert")
	if !bytes.Equal(got, l.read("h1", l.shared("want.pgm"))) {
		t.Error("other bytes after a suspension")
	}
	var r report
	if err := json.Unmarshal(l.read("h1", l.shared("r.json")), &r); err != nil || len(r.Events) != 2 || !strings.HasPrefix(r.Events[1].What, "resumed after 7") {
		t.Errorf("events %+v, %v", r.Events, err)
	}
}

// What can go wrong with a host before its agent runs: the message says which host, why, and what to try.
func TestClusterLaunchFailures(t *testing.T) {
	t.Parallel()
	l := newLab(t, 3)
	l.write(l.shared("in.ppm"), picture(100, 100, 3), 0o644)
	job := func(host string, flags ...string) []string {
		return append([]string{"run", "--host", host, l.shared("in.ppm"), l.shared("out.png"), "invert"}, flags...)
	}
	cache := "/root/.cache/halorun"
	l.must("h1", job("h2,h3")...)
	sum := strings.TrimSpace(l.Run("h2", "ls", cache))

	t.Run("damaged program", func(t *testing.T) {
		l := l.at(t)
		program := cache + "/" + sum + "/halorun"
		for _, damage := range []string{
			"truncate -s 100000 ", "truncate -s 0 ", "echo echo hi >", "head -c 1000000 /dev/urandom >", "chmod 600 ",
			"dd if=/dev/zero bs=1000 seek=1000 count=3000 conv=notrunc status=none of=",
		} {
			l.Run("h2", "sh", "-c", damage+program)
			e := l.halorun("h1", job("h2")...)
			if e.status != 0 || strings.Count(e.stderr, "\n") > 1 || e.stderr != "" && !strings.Contains(e.stderr, "host h2: the program there was damaged") {
				t.Errorf("%s: %+v", damage, e)
			}
			l.Run("h2", "sh", "-c", "sha256sum "+program+" | grep -q "+sum)
		}
		l.must("h1", job("h2")...)
	})
	t.Run("old programs go", func(t *testing.T) {
		l := l.at(t)
		l.Run("h2", "sh", "-c", `for i in 1 2 3 4 5 6; do d=`+cache+`/$(printf %064d $i); mkdir $d; touch $d/halorun; touch -d "2020-01-0$i" $d; done`)
		l.must("h1", job("h2")...)
		eventually(t, "few are left", func() bool { return len(strings.Fields(l.Run("h2", "ls", cache))) == 4 })
		if left := l.Run("h2", "ls", cache); !strings.Contains(left, sum) || !strings.Contains(left, "6") {
			t.Errorf("left are %s", left)
		}
	})
	t.Run("talkative login", func(t *testing.T) {
		l := l.at(t)
		l.Run("h2", "sh", "-c", `echo 'echo Welcome; printf "halorun greets you\nhalorun"; echo oh >&2; yes | head -10000' >/root/.bashrc`)
		l.must("h1", job("h2,h3")...)
		l.Run("h2", "sh", "-c", `echo 'yes | head -100000' >/root/.bashrc`)
		l.fails(exitStart, "h1", job("h2,h3"), "host h2: ", "no greeting in the first 65536 bytes; does a login shell print that much?")
		l.Run("h2", "rm", "/root/.bashrc")
	})
	t.Run("full disk", func(t *testing.T) {
		l := l.at(t)
		l.Run("h2", "sh", "-c", "rm -rf /root/.cache; mkdir /root/.cache; mount -n -t tmpfs -o size=3m small /root/.cache")
		l.fails(exitStart, "h1", job("h2,h3"), "host h2: sending the program: ", "No space left on device")
		if left := l.Run("h2", "find", "/root/.cache", "-type", "f"); left != "" {
			t.Errorf("left on the full disk: %s", left)
		}
		l.Run("h2", "umount", "-n", "/root/.cache")
		l.must("h1", job("h2,h3")...)
	})
	t.Run("no folder", func(t *testing.T) {
		l := l.at(t)
		l.Run("h2", "sh", "-c", "rm -rf /root/.cache; touch /root/.cache")
		l.fails(exitStart, "h1", job("h2"), "host h2: sending the program: ", "Not a directory")
		l.Run("h2", "rm", "/root/.cache")
	})
	t.Run("without zstd", func(t *testing.T) {
		l := l.at(t)
		for _, hidden := range []string{"/usr/bin/zstd", "/usr/bin/gzip", "/bin/gzip"} {
			l.Run("h2", "sh", "-c", fmt.Sprintf("rm -rf /root/.cache; [ -e %[1]s ] && mount -n --bind /dev/null %[1]s || true", hidden))
			l.must("h1", job("h2")...)
		}
		l.Run("h2", "sh", "-c", "for f in /usr/bin/zstd /usr/bin/gzip /bin/gzip; do umount -n $f 2>/dev/null; done; true")
	})
	t.Run("remote path", func(t *testing.T) {
		l := l.at(t)
		l.must("h1", job("h2", "--remote-path", l.exe)...)
		l.fails(exitStart, "h1", job("h2", "--remote-path", "/opt/none"), "host h2: ", "/opt/none is not there, or not a program")
		l.write(l.shared("other"), append(l.read("h1", l.exe), 'x'), 0o755)
		l.fails(exitStart, "h1", job("h2", "--remote-path", l.shared("other")), "host h2: "+l.shared("other")+" is another build: version devel")
		l.write(l.shared("old"), []byte("#!/bin/sh\nprintf '\\nhalorun control 1\\n'; sleep 100"), 0o755)
		l.fails(exitStart, "h1", job("h2", "--remote-path", l.shared("old")), `the other end speaks version "1" of the protocol`, "use the same Halorun on all hosts")
		l.fails(exitStart, "h1", job("h2", "--remote-path", "/bin/false"), "host h2: the agent exited with status 1")
		l.fails(exitUsage, "h1", job("h2", "--remote-path", "bin/halorun"), "give an absolute path")
	})
	t.Run("host key", func(t *testing.T) {
		l := l.at(t)
		l.NewKey("h2")
		l.fails(exitStart, "h1", job("h2,h3"), "host h2: ssh: ", "the host's key has changed", "ssh-keygen -R h2")
		l.OldKey("h2")
		l.Run("h1", "sh", "-c", "grep -v ^h2 "+l.shared("known_hosts")+" >"+l.shared("less_known"))
		l.fails(exitStart, "h1", job("h2,h3", "--ssh-arg", "-oUserKnownHostsFile="+l.shared("less_known")), "host h2: ssh: ", "its host key is not known here")
	})
	t.Run("password", func(t *testing.T) {
		l := l.at(t)
		l.SSHD("h2", "PasswordAuthentication yes", "AuthorizedKeysFile none")
		e := l.fails(exitStart, "h1", job("h2,h3"), "host h2: ssh: root@h2: Permission denied", "ssh-copy-id h2")
		if e.took > 5*time.Second {
			t.Errorf("it took %v", e.took)
		}
		l.SSHD("h2")
	})
	t.Run("no answer", func(t *testing.T) {
		l := l.at(t)
		l.Cut("h2")
		e := l.fails(exitStart, "h1", job("h2,h3", "--launch-timeout", "2s"), "host h2: ssh: ", "timed out")
		if e.took > 4*time.Second {
			t.Errorf("it took %v", e.took)
		}
		e = l.halorun("h1", job("h2:2,h3:2", "--launch-timeout", "2s", "--skip-unreachable", "--report", l.shared("r.json"))...)
		var r report
		if err := json.Unmarshal(l.read("h1", l.shared("r.json")), &r); err != nil || e.status != 0 || r.Size != 2 || r.Ranks[1].Host != "h3" || r.Hosts[1].Error == "" {
			t.Errorf("without h2: %+v, %v, %+v", e, err, r)
		}
		if !strings.Contains(e.stderr, "host h2: ssh: ") || !strings.Contains(e.stderr, "going on without 1 of 2 hosts") {
			t.Errorf("without h2: %q", e.stderr)
		}
		l.fails(exitStart, "h1", job("h2", "--launch-timeout", "2s", "--quiet", "--skip-unreachable"), "no host with ranks can be reached")
		l.Heal("h2")
		// A host that takes connections and then says nothing.
		pid, _ := strconv.Atoi(strings.TrimSpace(string(l.read("h2", l.shared("h2/sshd.pid")))))
		l.Run("h2", "kill", "-STOP", strconv.Itoa(pid))
		e = l.fails(exitStart, "h1", job("h2,h3", "--launch-timeout", "2s"), "host h2: ssh: ")
		if e.took > 4*time.Second {
			t.Errorf("it took %v", e.took)
		}
		l.Run("h2", "kill", "-CONT", strconv.Itoa(pid))
		// A login that hangs.
		l.Run("h2", "sh", "-c", "echo sleep 1000 >/root/.bashrc")
		l.fails(exitStart, "h1", job("h2,h3", "--launch-timeout", "2s"), "host h2: ssh: no answer within 2s")
		l.Run("h2", "rm", "/root/.bashrc")
	})
	t.Run("names", func(t *testing.T) {
		l := l.at(t)
		l.fails(exitStart, "h1", job("nosuch,h3"), "host nosuch: ssh: Could not resolve hostname", "check the name in --host")
		l.write(l.shared("hosts.txt"), []byte("h3 slots=1\nh2 port=99\n"), 0o644)
		l.fails(exitStart, "h1", []string{"run", "--hostfile", l.shared("hosts.txt"), l.shared("in.ppm"), l.shared("out.png"), "invert"},
			"host h2: ssh: connect to host h2 port 99: Connection refused", "hosts.txt:2")
		l.fails(exitStart, "h1", job("h2", "--ssh", "nossh"), `host h2: exec: "nossh": executable file not found in $PATH; install it, or name another with --ssh`)
		l.fails(exitStart, "h1", job("h2", "--wdir", "/nope"), "rank 0 on host h2: working folder: stat /nope: no such file or directory")
	})
	t.Run("another processor", func(t *testing.T) {
		l := l.at(t)
		l.write(l.shared("uname"), []byte("#!/bin/sh\necho riscv64\n"), 0o755)
		l.Run("h2", "sh", "-c", "rm -rf /root/.cache; mount -n --bind "+l.shared("uname")+" $(command -v uname)")
		l.fails(exitStart, "h1", job("h2"), `host h2: sending the program: its processor is "riscv64", for which there is no Halorun`)
		l.write(l.shared("uname"), []byte("#!/bin/sh\necho aarch64\n"), 0o755)
		l.fails(exitStart, "h1", job("h2"), "host h2: sending the program: its processor is aarch64 (arm64) and this program is for amd64: put a build for it at "+l.exe+"-linux-arm64")
		l.Run("h2", "sh", "-c", "umount -n $(command -v uname)")
	})
	for _, h := range []string{"h1", "h2", "h3"} {
		eventually(t, "no process is left on "+h, func() bool { return len(l.processes(h)) == 0 })
	}
}

func TestClusterOptions(t *testing.T) {
	t.Parallel()
	l := newLab(t, 4)
	l.write(l.shared("in.ppm"), picture(300, 200, 3), 0o644)
	job := func(flags ...string) []string {
		return append([]string{"run", l.shared("in.ppm"), l.shared("out.ppm"), "blur"}, flags...)
	}
	t.Run("lines", func(t *testing.T) {
		l := l.at(t)
		print := []string{"--host", "h2:2,h3", "-x", "GODEBUG=inittrace=1"}
		e := l.halorun("h1", job(append(print, "--tag-output")...)...)
		for _, prefix := range []string{"[0@h2] init ", "[1@h2] init ", "[2@h3] init ", "[head@h1] init "} {
			if !strings.Contains(e.stderr, "\n"+prefix) {
				t.Errorf("no line begins with %q", prefix)
			}
		}
		// The history keeps them apart, too.
		id := regexp.MustCompile(`(?m)^[0-9a-f]{8}`).FindString(l.Run("h1", l.exe, "jobs"))
		head, one := l.Run("h1", l.exe, "logs", "--rank", "head", id), l.Run("h1", l.exe, "logs", "--rank", "1", id)
		if !strings.Contains(head, "[head@h1] init ") || strings.Contains(head, "@h2] ") || !strings.Contains(one, "[1@h2] init ") || strings.Contains(one, "@h1] ") {
			t.Errorf("of the head: %.300s\nof rank 1: %.300s", head, one)
		}
		for line := range strings.Lines(e.stderr) {
			if !strings.Contains(line, "] init ") || strings.Count(line, " init ") != 1 {
				t.Errorf("no whole line: %q", line)
			}
		}
		e = l.halorun("h1", job(append(print, "--output-dir", "/tmp/lines")...)...)
		if e.status != 0 || strings.TrimSpace(l.Run("h1", "sh", "-c", "ls /tmp/lines; grep -L ' init \\|^init ' /tmp/lines/*")) != "rank-0.log\nrank-1.log\nrank-2.log" {
			t.Errorf("%+v, %s", e, l.Run("h1", "ls", "/tmp/lines"))
		}
	})
	t.Run("tree", func(t *testing.T) {
		l := l.at(t)
		// Agents that start one after another, each with the program of the next to send, may be silent for a while on a busy machine.
		job := func(flags ...string) []string {
			return job(append([]string{"--host", "h2,h3,h4", "--heartbeat-timeout", "30s"}, flags...)...)
		}
		for _, fanout := range []string{"1", "2"} {
			e := l.halorun("h1", job("--fanout", fanout)...)
			if e.status != 0 || e.stderr != "" {
				t.Errorf("fan-out %s: %+v", fanout, e)
			}
		}
		// The program travels through the tree, too.
		l.Run("h4", "rm", "-rf", "/root/.cache")
		l.must("h1", job("--fanout", "1")...)
		// Where hosts may not log in to each other, the head does it.
		l.Run("h2", "mv", "/root/.ssh/config", "/root/.ssh/away")
		e := l.halorun("h1", job("--fanout", "1")...)
		if e.status != 0 || !strings.Contains(e.stderr, "host h3 cannot be reached from host h2 (ssh: ") {
			t.Errorf("%+v", e)
		}
		l.Run("h2", "mv", "/root/.ssh/away", "/root/.ssh/config")
		// A tree falls, too.
		held := l.held("h2,h3,h4", 3, "--fanout", "1", "--heartbeat-timeout", "30s")
		l.kill("h2", "halorun agent", syscall.SIGKILL)
		if status, last := held.end(); status != exitRanks {
			t.Errorf("%d, %s", status, last)
		}
		l.mustBeClean("h1", "h2", "h3", "h4")
	})
	t.Run("binding", func(t *testing.T) {
		l := l.at(t)
		l.must("h1", job("--host", "h2:2,h3", "--bind-to", "core", "--report", l.shared("r.json"))...)
		var r report
		if err := json.Unmarshal(l.read("h1", l.shared("r.json")), &r); err != nil {
			t.Fatal(err)
		}
		if r.BindTo != "core" || len(r.Ranks[0].CPUs) == 0 || len(r.Ranks[2].CPUs) == 0 {
			t.Errorf("%+v", r.Ranks)
		}
	})
	t.Run("slots", func(t *testing.T) {
		l := l.at(t)
		l.fails(exitUsage, "h1", job("--host", "h2:2,h3:2", "-n", "5"), "-n 5: there are 4 slots on 2 hosts; give --oversubscribe")
		l.must("h1", job("--host", "h2:2,h3:2", "-n", "5", "--oversubscribe")...)
		l.fails(exitUsage, "h1", job("--hostfile", l.shared("none")), "no such file or directory")
		l.write(l.shared("bad"), []byte("h2\nh3 slots=x\n"), 0o644)
		l.fails(exitUsage, "h1", job("--hostfile", l.shared("bad")), l.shared("bad")+`:2: "slots=x": it is a number`)
	})
	t.Run("ports", func(t *testing.T) {
		l := l.at(t)
		held := l.held("h2:2,h3:2", 4, "--port-range", "20000-20003", "--iface", "10.77.0.0/24")
		ports := make(map[string]bool)
		for line := range strings.Lines(l.Run("h2", "cat", "/proc/net/tcp")) {
			if f := strings.Fields(line); len(f) > 3 && f[3] == "01" {
				_, port, _ := strings.Cut(f[1], ":")
				n, _ := strconv.ParseUint(port, 16, 16)
				_, peer, _ := strings.Cut(f[2], ":")
				m, _ := strconv.ParseUint(peer, 16, 16)
				ports[fmt.Sprint(n >= 20000 && n <= 20003 || m >= 20000 && m <= 20003 || n == 22 || m == 22)] = true
			}
		}
		if ports["false"] || !ports["true"] {
			t.Error("connections use other ports")
		}
		l.kill("h1", "halorun", syscall.SIGTERM)
		held.end()
		l.fails(exitStart, "h1", []string{"run", l.shared("in.ppm"), l.shared("out.ppm"), "blur", "--host", "h2:2,h3", "--port-range", "20000"}, "no free port in 20000", "host h2", "--port-range")
		l.fails(exitStart, "h1", []string{"run", l.shared("in.ppm"), l.shared("out.ppm"), "blur", "--host", "h2,h3", "--iface", "eth7"}, "eth7", "10.77.0.")
	})
	t.Run("a pair without a way", func(t *testing.T) {
		l := l.at(t)
		l.Drop("h2", "h3")
		defer l.Undrop("h2")
		e := l.fails(exitStart, "h1", job("--host", "h2,h3"), "host h2", "host h3", "10.77.0.2", "10.77.0.3", "firewall")
		if e.took > 30*time.Second {
			t.Errorf("it took %v", e.took)
		}
		e = l.halorun("h1", "hosts", "check", "--host", "h1,h2,h3", "--json")
		var c check
		if err := json.Unmarshal([]byte(e.stdout), &c); err != nil || e.status != exitStart || c.OK || len(c.Hosts) != 3 {
			t.Errorf("%v: %+v", err, e)
		}
		if !strings.Contains(strings.Join(c.Advice, "\n"), "az network nsg rule create") {
			t.Errorf("advice: %q", c.Advice)
		}
	})
	t.Run("check", func(t *testing.T) {
		l := l.at(t)
		e := l.halorun("h1", "hosts", "check", "--host", "h1,h2,h3", "--json")
		var c check
		if err := json.Unmarshal([]byte(e.stdout), &c); err != nil || e.status != 0 || !c.OK || len(c.Hosts) != 3 || len(c.Pairs) != 6 {
			t.Fatalf("%v: %+v", err, e)
		}
		for _, p := range c.Pairs {
			if p.RoundTripSeconds <= 0 || p.BytesPerSecond <= 0 || p.Error != "" {
				t.Errorf("%+v", p)
			}
		}
		for _, h := range c.Hosts {
			if h.Cores < 1 || h.MemoryBytes == 0 || h.DiskFreeBytes == 0 || h.Local != (h.Host == "h1") || h.Local == (h.SSHSeconds > 0) {
				t.Errorf("%+v", h)
			}
		}
		l.Cut("h3")
		e = l.halorun("h1", "hosts", "check", "--host", "h1,h2,h3", "--launch-timeout", "2s")
		if e.status != exitStart || !strings.Contains(e.stdout, "! host h3: ssh: ") || !strings.Contains(e.stdout, "not reached") || e.stderr != "halorun: 1 problem was found\n" {
			t.Errorf("%+v", e)
		}
		l.Heal("h3")
	})
}
