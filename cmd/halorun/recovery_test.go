package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"halorun/ranks/ledger"
)

// slow is a job on the cluster that takes some seconds, and its result.
type slow struct {
	*lab
	want []byte
}

var slowOps = []string{"blur:size=1023", "blur:size=1021", "edges:low=20,high=60", "blur:size=1023"}

func newSlow(t *testing.T, hosts int) *slow {
	s := &slow{lab: newLab(t, hosts)}
	s.write(s.shared("in.ppm"), picture(3000, 3000, 3), 0o644)
	s.must("h1", append([]string{"run", "-n", "2", "--checkpoint", "off", s.shared("in.ppm"), s.shared("want.ppm")}, slowOps...)...)
	s.want = s.read("h1", s.shared("want.ppm"))
	return s
}

// running is a job under way.
type running struct {
	*slow
	t      *testing.T
	out    string
	done   chan ended
	report string
}

// start starts the job on h1 and returns when ranks of the given names are in the middle of their work on the given hosts: each has
// computed for a while, and all together for no more than a part of what the job takes.
func (s *slow) start(t *testing.T, out string, working map[string]string, flags ...string) *running {
	t.Helper()
	j := &running{slow: s, t: t, out: out, done: make(chan ended, 1), report: s.shared("r.json")}
	args := append([]string{"run", "-x", "HALORUN_KERNELS=go", "--heartbeat-timeout", "2s", "--tile-rows", "20", "--report", j.report}, flags...)
	args = append(append(args, s.shared("in.ppm"), out), slowOps...)
	go func() { j.done <- s.at(t).halorun("h1", args...) }()
	const while = 200 * time.Millisecond
	eventually(t, "the ranks work", func() bool {
		for host, name := range working {
			if pids := s.processes(host)[name]; len(pids) != 1 || computed(pids[0]) < while {
				return false
			}
		}
		return len(temporaries(t, s.Dir))+len(temporaries(t, "/tmp")) > 0 || strings.HasPrefix(out, "/tmp/")
	})
	return j
}

// wants: it has ended well, with the right file; and returns its report and its end.
func (j *running) wants() (report, ended) {
	j.t.Helper()
	var e ended
	select {
	case e = <-j.done:
	case <-time.After(50 * time.Second):
		j.t.Fatal("the job hangs")
	}
	if e.status != 0 || !bytes.Equal(j.read("h1", j.out), j.want) {
		j.t.Errorf("%+v, or other bytes", e)
	}
	var r report
	if err := json.Unmarshal(j.read("h1", j.report), &r); err != nil {
		j.t.Error(err)
	}
	return r, e
}

// lostSeconds is the longest time that a rank was not made up for.
func lostSeconds(r report) (s float64) {
	for _, rank := range append(r.Ranks, head(r)...) {
		s = max(s, rank.LostSeconds)
	}
	return s
}

func head(r report) []rankReport {
	if r.Head == nil {
		return nil
	}
	return []rankReport{*r.Head}
}

// Whatever is killed, stopped or cut off while a job runs, it ends well; and what was cut off cannot disturb it, also not later.
func TestClusterRecovery(t *testing.T) {
	t.Parallel()
	s := newSlow(t, 4)
	all := []string{"h1", "h2", "h3", "h4"}
	working := map[string]string{"h1": "halorun rank 0", "h2": "halorun rank 1", "h3": "halorun rank 2"}
	hosts := []string{"--host", "h1,h2,h3"}
	for i, c := range []struct {
		name  string
		do    func(l *lab)
		flags []string
		says  []string
		after func(l *lab) // when the job has ended
	}{
		{"rank", func(l *lab) { l.kill("h2", "halorun rank 1", syscall.SIGKILL) }, nil, []string{"rank 1 on host h2 was killed by SIGKILL", "member 3 takes its place in epoch 2"}, nil},
		{"head", func(l *lab) { l.kill("h1", "halorun rank 0", syscall.SIGKILL) }, nil, []string{"rank 0 on host h1 was killed by SIGKILL"}, nil},
		{"stopped rank", func(l *lab) { l.kill("h3", "halorun rank 2", syscall.SIGSTOP) }, nil, []string{"rank 2 on host h3 hung: nothing was heard from it for 2s"}, nil},
		{"agent", func(l *lab) { l.kill("h3", "halorun agent", syscall.SIGKILL) }, nil, []string{"the agent on host h3 was lost", "takes its place in epoch 2"}, nil},
		{"agent of the head", func(l *lab) { l.kill("h1", "halorun agent", syscall.SIGKILL) }, nil, []string{"the agent on host h1 was killed by SIGKILL"}, nil},
		{"agent of the head, by a signal that it hears", func(l *lab) { l.kill("h1", "halorun agent", syscall.SIGTERM) }, nil, []string{"the agent on host h1 exited with status 1"}, nil},
		{"stopped agent", func(l *lab) { l.kill("h3", "halorun agent", syscall.SIGSTOP) }, nil, []string{"nothing was heard from it for 2s", "member 3 takes its place on host"}, func(l *lab) {
			l.kill("h3", "halorun agent", syscall.SIGCONT)
		}},
		{"ssh", func(l *lab) { l.kill("h1", "ssh", syscall.SIGKILL) }, nil, []string{"takes its place"}, nil},
		{"cable", func(l *lab) { l.Cut("h2") }, nil, []string{"the agent on host h2 was lost: nothing was heard from it for 2s", "takes its place on host"}, func(l *lab) { l.Heal("h2") }},
		{"cable, with a spare", func(l *lab) { l.Cut("h2") }, []string{"--spare", "h4"}, []string{"member 3 takes its place on host h4 in epoch 2"}, func(l *lab) { l.Heal("h2") }},
		{"cable, shrinking", func(l *lab) { l.Cut("h2") }, []string{"--on-failure", "shrink"}, []string{"the others take over its rows in epoch 2"}, func(l *lab) { l.Heal("h2") }},
		{"cable, by injection", func(l *lab) {}, []string{"--inject", "cut:rank=1,at=compute,stage=0,tile=20", "-x", "HALORUN_TEST_HOST=1"}, []string{"the agent on host h2 was lost: nothing was heard from it for 2s", "takes its place on host"}, func(l *lab) {
			l.Run("h2", "ip", "link", "set", "eth0", "up")
			l.Cut("h2")
			l.Heal("h2")
		}},
		{"two at once", func(l *lab) {
			l.kill("h2", "halorun rank 1", syscall.SIGKILL)
			l.Cut("h3")
		}, nil, []string{"rank 1 on host h2 was killed by SIGKILL", "the agent on host h3 was lost"}, func(l *lab) { l.Heal("h3") }},
		{"no way to the head", func(l *lab) { l.Drop("h1", "h3"); l.Drop("h3", "h1") }, nil, []string{"rank 2 on host h3 was given up: it cannot exchange data with others"}, func(l *lab) {
			l.Undrop("h1")
			l.Undrop("h3")
		}},
		{"no way between two", func(l *lab) { l.Drop("h2", "h3"); l.Drop("h3", "h2") }, nil, []string{"was given up: it cannot exchange data with others"}, func(l *lab) {
			l.Undrop("h2")
			l.Undrop("h3")
		}},
	} {
		for _, private := range []bool{false, true} {
			if os.Getenv("HALORUN_TEST_LONG") == "" && private != (i%2 == 0) {
				continue
			}
			out := s.shared("out.ppm")
			if private {
				out = "/tmp/out.ppm"
			}
			t.Run(fmt.Sprintf("%s/private=%t", c.name, private), func(t *testing.T) {
				l := s.lab.at(t)
				j := s.start(t, out, working, append(c.flags, hosts...)...)
				c.do(l)
				r, e := j.wants()
				for _, text := range c.says {
					if !strings.Contains(e.stderr, text) {
						t.Errorf("it lacks %q: %s", text, e.stderr)
					}
				}
				if len(r.Events) == 0 || r.Epochs < 2 {
					t.Errorf("%d epochs, events %v", r.Epochs, r.Events)
				}
				t.Logf("%.2f s lost of %.2f s", lostSeconds(r), r.WallSeconds)
				if c.after != nil {
					c.after(l)
				}
				l.mustBeClean(all...)
				if !bytes.Equal(l.read("h1", out), s.want) {
					t.Error("the output has changed since")
				}
				l.Run("h1", "rm", out)
				if left := temporaries(t, s.Dir); len(left) > 0 {
					t.Errorf("left are %v", left)
				}
			})
		}
	}
}

// recorded counts the segments under a folder of the host that hold tiles.
func recorded(l *lab, host, folder string) (n int) {
	l.t.Helper()
	copied := filepath.Join(l.t.TempDir(), "copy")
	for _, path := range strings.Fields(l.Run(host, "find", folder, "-name", "*.seg")) {
		b := l.read(host, path)
		if len(b) < 56 || os.WriteFile(copied, b, 0o600) != nil {
			continue
		}
		s, err := ledger.Open(copied, [32]byte(b[16:48])) // the job
		if err != nil {
			l.t.Fatal(err)
		}
		if len(s.Entries()) > 0 {
			n++
		}
		s.Close()
	}
	return n
}

// After a power cut of everything the job is resumed, on other hosts.
func TestClusterResume(t *testing.T) {
	t.Parallel()
	s := newSlow(t, 3)
	const (
		states = "/root/.local/state/halorun/jobs"
		old    = states + "/0123abcd"
	)
	s.Run("h2", "sh", "-c", "mkdir -p "+old+" && touch -d '30 days ago' "+old)
	for _, shared := range []bool{true, false} {
		var flags []string
		if shared {
			flags = []string{"--checkpoint-dir", s.shared("ledger")}
		}
		j := s.start(t, s.shared("out.ppm"), map[string]string{"h1": "halorun rank 0", "h2": "halorun rank 2"}, append(flags, "--host", "h1:2,h2:2", "--checkpoint", "all")...)
		eventually(t, "all ranks have recorded some tiles", func() bool {
			if shared {
				return recorded(s.at(t), "h1", s.shared("ledger")) == 4
			}
			return recorded(s.at(t), "h1", states) == 2 && recorded(s.at(t), "h2", states) == 2
		})
		if shared {
			for _, h := range []string{"h1", "h2"} {
				s.Cut(h)
				s.PowerOff(h)
			}
			<-j.done
			for _, h := range []string{"h1", "h2"} {
				s.PowerOn(h)
				s.Heal(h)
			}
		} else {
			s.at(t).kill("h1", "halorun", syscall.SIGKILL)
			<-j.done
			s.at(t).mustBeClean("h1", "h2", "h3")
			for _, h := range []string{"h1", "h2"} {
				s.Run(h, "sh", "-c", "cd "+states+"/*/ && rm $(ls -t *.seg | head -1)")
			}
		}
		list := s.halorun("h1", append([]string{"jobs", "--json", "--state", "resumable"}, flags...)...)
		var jobs []struct{ Job string }
		if err := json.Unmarshal([]byte(list.stdout), &jobs); err != nil || len(jobs) != 1 {
			t.Fatalf("%v: %+v", err, list)
		}
		e := s.halorun("h1", append(append([]string{"resume"}, flags...), "--host", "h3,h2,h1:2", "--report", s.shared("r.json"), jobs[0].Job)...)
		if e.status != 0 || !bytes.Equal(s.read("h1", s.shared("out.ppm")), s.want) {
			t.Errorf("%+v, or other bytes", e)
		}
		var r report
		if err := json.Unmarshal(s.read("h1", s.shared("r.json")), &r); err != nil {
			t.Fatal(err)
		}
		var restored int64
		for _, rank := range append(r.Ranks, head(r)...) {
			restored += rank.TilesRestored
		}
		if restored == 0 {
			t.Error("nothing was restored")
		}
		if err := os.Remove(s.shared("out.ppm")); err != nil {
			t.Error(err)
		}
	}
	s.Run("h2", "test", "!", "-e", old) // what nobody came back for goes on every host
}
