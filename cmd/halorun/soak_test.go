package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// soak is a cluster on which faults happen at random.
type soak struct {
	*lab
	rng      *rand.Rand
	cut, off map[string]bool
	dropped  map[string]bool // at these hosts
	counts   map[string]int
	gap      time.Duration
}

// TestSoak runs jobs while random ranks, agents, hosts and launchers are killed, stopped, cut off and powered off. Whatever happens, a job
// ends with the right bytes, or is resumed and then does. HALORUN_SOAK_SEED repeats the order of the faults; their moments are the
// machine's.
func TestSoak(t *testing.T) {
	t.Parallel()
	seconds := 30
	if text := os.Getenv("HALORUN_SOAK_SECONDS"); text != "" {
		var err error
		if seconds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("HALORUN_SOAK_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	s := &soak{
		lab: newLab(t, 5), rng: rand.New(rand.NewPCG(seed, 0)), cut: make(map[string]bool), off: make(map[string]bool),
		dropped: make(map[string]bool), counts: make(map[string]int), gap: 400 * time.Millisecond,
	}
	fmt.Printf("soak: HALORUN_SOAK_SEED=%d\n", seed)
	s.write(s.shared("in.ppm"), picture(1600, 1600, 3), 0o644)
	s.Run("h1", "cp", s.shared("in.ppm"), "/tmp/in.ppm")
	chains := [][]string{
		{"blur:size=1023", "edges:low=20,high=60", "blur:size=1023"},
		{"blur:size=501", "blur:size=1023", "sharpen"},
	}
	wants := make(map[string][]byte)
	for i, chain := range chains {
		for _, ext := range []string{"ppm", "png", "tif"} {
			out := s.shared("want." + ext)
			s.must("h1", append([]string{"run", "-n", "2", "--checkpoint", "off", s.shared("in.ppm"), out}, chain...)...)
			wants[fmt.Sprint(i, ext)] = s.read("h1", out)
		}
	}
	end := time.Now().Add(time.Duration(seconds) * time.Second)
	jobs, resumed, refused := 0, 0, 0
	for ; time.Now().Before(end) && !t.Failed(); jobs++ {
		chain, ext := s.rng.IntN(len(chains)), []string{"ppm", "png", "tif"}[s.rng.IntN(3)]
		in := []string{s.shared("in.ppm"), "/tmp/in.ppm"}[s.rng.IntN(2)]
		out := []string{s.shared("out." + ext), "/tmp/out." + ext}[s.rng.IntN(2)]
		mode := []string{"auto", "off", "1", "all"}[s.rng.IntN(4)]
		flags := []string{
			"-x", "HALORUN_KERNELS=go", "--heartbeat-timeout", "700ms", "--max-restarts", "1000", "--launch-timeout", "2s", "--checkpoint", mode,
			"--tile-rows", strconv.Itoa(8 + s.rng.IntN(40)), "--host", []string{"h1,h2,h3:2", "h2,h3,h4", "h1:2,h2:2,h4"}[s.rng.IntN(3)],
		}
		if s.rng.IntN(3) == 0 {
			flags = append(flags, "--spare", "h5")
		}
		if s.rng.IntN(4) == 0 {
			flags = append(flags, "--on-failure", "shrink")
		}
		args := append(append([]string{"run"}, flags...), append([]string{in, out}, chains[chain]...)...)
		for attempt := 0; ; attempt++ {
			faults := 20 * time.Second
			if attempt >= 10 { // on a busy machine hardly a host may be reached between two faults, or at all within that time
				faults = 0
				args[slices.Index(args, "--launch-timeout")+1] = "30s"
			}
			e, killed := s.disturbed(args, faults)
			if e.status == 0 {
				break
			}
			// What a launcher left that was killed, or could not start, is taken up.
			s.calm()
			if e.status == exitStart && !killed {
				refused++
			} else if !killed {
				t.Fatalf("%v: %+v", args, e)
			}
			if mode != "off" {
				resumed++
				args = append(append([]string{"run", "--resume"}, flags...), append([]string{in, out}, chains[chain]...)...)
			}
			if attempt == 20 {
				t.Fatalf("%v: %+v: not even the %dth time", args, e, attempt)
			}
		}
		if !bytes.Equal(s.read("h1", out), wants[fmt.Sprint(chain, ext)]) {
			t.Errorf("%v: other bytes", args)
		}
		s.calm()
		s.Run("h1", "rm", "-f", out)
		s.mustBeClean("h1", "h2", "h3", "h4", "h5")
	}
	total := 0
	var list []string
	for what, n := range s.counts {
		total += n
		list = append(list, fmt.Sprintf("%d × %s", n, what))
	}
	fmt.Printf("soak: %d jobs, %d of them taken up again, %d not started at once, under %d faults: %s\n", jobs, resumed, refused, total, strings.Join(list, ", "))
	if total == 0 {
		t.Error("nothing happened")
	}
}

// disturbed runs a job while faults happen, and tells whether its launcher was killed. After the time for faults it is let alone: where
// every rank is killed sooner than it can finish a tile, none would ever be finished.
func (s *soak) disturbed(args []string, faults time.Duration) (e ended, killed bool) {
	done := make(chan ended, 1)
	go func() { done <- s.halorun("h1", args...) }()
	peace := time.After(faults)
	for {
		select {
		case e := <-done:
			return e, killed || e.status == 137
		case <-peace:
			s.calm()
			e := <-done
			return e, killed || e.status == 137
		case <-time.After(time.Millisecond + time.Duration(s.rng.Int64N(int64(2*s.gap)))): // later than peace, if there is to be no fault
		}
		killed = s.fault() || killed
	}
}

// fault makes something fail, or work again, and tells whether that was the launcher.
func (s *soak) fault() (launcher bool) {
	host := []string{"h2", "h3", "h4", "h5"}[s.rng.IntN(4)]
	kind, pick := s.rng.IntN(20), s.rng.Uint64()
	what := ""
	switch {
	case kind < 7:
		what = s.signal([]string{"h1", host}[pick%2], "halorun rank", syscall.SIGKILL)
	case kind < 10:
		what = s.signal([]string{"h1", host}[pick%2], "halorun rank", syscall.SIGSTOP)
	case kind < 12:
		what = s.signal([]string{"h1", host}[pick%2], "halorun agent", syscall.SIGKILL)
	case kind < 13:
		what = s.signal(host, "halorun agent", syscall.SIGSTOP)
	case kind < 14:
		what = s.signal("h1", "ssh", syscall.SIGKILL)
	case kind < 16 && !s.off[host]:
		if s.cut[host] {
			s.Heal(host)
		} else {
			s.Cut(host)
		}
		s.cut[host] = !s.cut[host]
		what = map[bool]string{true: "cut", false: "heal"}[s.cut[host]]
	case kind < 17 && !s.dropped[host] && !s.off[host]:
		other := []string{"h2", "h3", "h4", "h5"}[pick%4]
		if other == host {
			return false
		}
		s.Drop(host, other)
		s.dropped[host], what = true, "drop"
	case kind < 18 && !s.off[host]:
		s.Cut(host)
		s.PowerOff(host)
		s.cut[host], s.off[host], what = true, true, "power off"
	case kind < 19 && s.off[host]:
		s.PowerOn(host)
		s.Heal(host)
		s.cut[host], s.off[host], what = false, false, "power on"
	case kind == 19 && pick%3 == 0:
		what = s.signal("h1", "halorun", syscall.SIGKILL)
		launcher = what != ""
	}
	if what != "" {
		s.counts[what]++
	}
	return launcher
}

// signal sends a signal to one of a host's processes of a kind, and returns what that is called; "" if there is none.
func (s *soak) signal(host, kind string, sig syscall.Signal) string {
	if s.off[host] {
		return ""
	}
	var pids []int
	for name, of := range s.processes(host) {
		if name == kind || strings.HasPrefix(name, kind+" ") && kind == "halorun rank" {
			pids = append(pids, of...)
		}
	}
	if len(pids) == 0 || syscall.Kill(pids[s.rng.IntN(len(pids))], sig) != nil {
		return ""
	}
	return fmt.Sprintf("%v of %s", sig, kind)
}

// calm mends all that is broken.
func (s *soak) calm() {
	for _, h := range []string{"h2", "h3", "h4", "h5"} {
		if s.off[h] {
			s.PowerOn(h)
		}
		if s.cut[h] {
			s.Heal(h)
		}
		if s.dropped[h] {
			s.Undrop(h)
		}
		s.cut[h], s.off[h], s.dropped[h] = false, false, false
	}
	for _, h := range []string{"h1", "h2", "h3", "h4", "h5"} {
		for _, pids := range s.processes(h) {
			for _, pid := range pids {
				_ = syscall.Kill(pid, syscall.SIGCONT)
			}
		}
	}
}
