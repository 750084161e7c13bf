package launcher_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"halorun/hostfiles"
	"halorun/launcher"
)

// soon is far more than anything here takes, on a busy machine, too; what takes longer hangs.
const soon = time.Minute

func config(t testing.TB, size int, s spec) launcher.Config {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return launcher.Config{AgentArgs: []string{"agent"}, RankArgs: []string{"rank"}, Size: size, Threads: 2, Job: "test", Spec: b}
}

// run runs the job, and fails the test if that takes longer than soon.
func run(t *testing.T, c launcher.Config) (*launcher.Result, error) {
	t.Helper()
	hangs := errors.New("it hangs")
	ctx, cancel := context.WithTimeoutCause(t.Context(), soon, hangs)
	defer cancel()
	result, err := launcher.Run(ctx, c)
	if errors.Is(err, hangs) {
		t.Fatal(err)
	}
	if result == nil || result.Epochs != 1 || len(result.Ranks) != c.Size {
		t.Fatalf("result %+v of %d ranks", result, c.Size)
	}
	return result, err
}

// A job does not depend on its spare hosts: one that is refused does not end the patience with a host of ranks.
func TestSpareIsDown(t *testing.T) {
	const slow, spare = "198.51.100.71", "203.0.113.72" // of no network; nothing connects to them
	ssh := filepath.Join(t.TempDir(), "connect")
	script := `#!/bin/sh
for last; do host=$command; command=$last; done
case $host in
` + slow + `) sleep 1; exec sh -c "$command" ;;
*) echo no route to host >&2; exit 255 ;;
esac
`
	if err := os.WriteFile(ssh, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := config(t, 1, spec{Act: "nothing"})
	c.Hosts = []hostfiles.Host{{Name: slow, Slots: 1, Origin: "test"}, {Name: spare, Slots: 1, Origin: "test"}}
	c.Placement, c.Spares, c.SSH, c.RemotePath, c.MaxRestarts = []int{0}, []int{1}, []string{ssh}, exe, 3
	var notices []string
	c.Notices = func(text string) { notices = append(notices, text) }
	result, err := run(t, c)
	if err != nil || result.Restarts != 0 {
		t.Errorf("%d restarts, %v", result.Restarts, err)
	}
	if len(notices) != 1 || !strings.HasPrefix(notices[0], "spare host "+spare) {
		t.Errorf("notices %q", notices)
	}
}

// gathered is what ranks printed, by stream.
type gathered struct {
	mu    sync.Mutex
	lines map[string][]string
}

func (g *gathered) add(_ int, _, stream, line string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lines == nil {
		g.lines = make(map[string][]string)
	}
	g.lines[stream] = append(g.lines[stream], line)
}

func hostname(t *testing.T) string {
	t.Helper()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	return host
}

func TestRanksMeet(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 7} {
		c := config(t, n, spec{Act: "meet"})
		result, err := run(t, c)
		if err != nil {
			t.Fatalf("%d ranks: %v", n, err)
		}
		if len(result.Events) != 0 {
			t.Errorf("%d ranks: events %v of a job in which nothing happened", n, result.Events)
		}
		pids := make(map[int]bool)
		var key []byte
		for i, r := range result.Ranks {
			var m met
			if err := json.Unmarshal(r.Result, &m); err != nil {
				t.Fatal(err)
			}
			want := met{
				Job: "test", Rank: i, Size: n, Member: r.Member, Epoch: 1, Threads: 2, Host: hostname(t),
				PID: r.PID, Group: r.PID, Agent: m.Agent, AGrp: m.Agent, Key: m.Key,
			}
			for peer := range n {
				want.Hosts = append(want.Hosts, want.Host)
				want.First = append(want.First, fmt.Sprintf("0 of %d", peer))
				want.Later = append(want.Later, fmt.Sprintf("2 of %d", peer))
			}
			if got, want := fmt.Sprintf("%+v", m), fmt.Sprintf("%+v", want); got != want {
				t.Errorf("rank %d of %d learned\n%s; want\n%s", i, n, got, want)
			}
			if r.Rank != i || r.Host != want.Host || r.Threads != 2 || r.Status != 0 || r.Signal != 0 {
				t.Errorf("rank %d of %d: result %+v", i, n, r)
			}
			if r.MaxRSSBytes < 1<<20 || r.MaxRSSBytes > 1<<30 {
				t.Errorf("rank %d of %d: %d bytes resident", i, n, r.MaxRSSBytes)
			}
			if i > 0 && !bytes.Equal(m.Key, key) {
				t.Errorf("rank %d of %d has another key", i, n)
			}
			key = m.Key
			pids[r.PID] = true
		}
		if len(pids) != n {
			t.Errorf("%d ranks are %d processes", n, len(pids))
		}
	}
}

func TestNoRanks(t *testing.T) {
	for _, n := range []int{0, -1} {
		var start *launcher.StartError
		if _, err := launcher.Run(t.Context(), launcher.Config{Size: n}); !errors.As(err, &start) {
			t.Errorf("%d ranks: %v; want a StartError", n, err)
		}
	}
}

// The key, the control stream and the agent's descriptors are nobody else's; inherited files are where they belong.
func TestNothingLeaks(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "in"), []byte("the input"), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(filepath.Join(dir, "in"))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	passed, err := passedOn()
	if err != nil {
		t.Fatal(err)
	}
	c := config(t, 1, spec{Act: "inspect", Args: passed})
	c.Files = []*os.File{in, out}
	result, err := run(t, c)
	if err != nil {
		t.Fatal(err)
	}
	if problems := string(result.Ranks[0].Result); problems != "" {
		t.Error(problems)
	}
	if b, err := os.ReadFile(out.Name()); err != nil || string(b) != "rank 0 read the input" {
		t.Errorf("the ranks wrote %q, %v", b, err)
	}
}

func TestLinesAreWhole(t *testing.T) {
	t.Parallel()
	var got gathered
	const n = 3
	c := config(t, n, spec{Act: "print"})
	c.Lines = got.add
	if _, err := run(t, c); err != nil {
		t.Fatal(err)
	}
	for _, stream := range []string{"stdout", "stderr"} {
		next := make([]int, n)
		for _, l := range got.lines[stream] {
			var rank, i int
			if _, err := fmt.Sscanf(l, "%d %d", &rank, &i); err != nil || l != line(rank, i) {
				t.Fatalf("%s: %q is no line that a rank printed", stream, l)
			}
			if i != next[rank] {
				t.Fatalf("%s: line %d of rank %d came when %d was due", stream, i, rank, next[rank])
			}
			next[rank]++
		}
		if slices.Min(next) != linesEach {
			t.Errorf("%s: %v lines came; want %d of each rank", stream, next, linesEach)
		}
	}
}

func TestNoNewlines(t *testing.T) {
	t.Parallel()
	var got gathered
	c := config(t, 1, spec{Act: "print 10 MB"})
	c.Lines = got.add
	if _, err := run(t, c); err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, piece := range got.lines["stdout"] {
		if len(piece) > 64<<10 {
			t.Errorf("a piece of %d bytes", len(piece))
		}
		total += len(piece)
	}
	if total != longLine {
		t.Errorf("%d bytes came; want %d", total, longLine)
	}
}

func TestFailures(t *testing.T) {
	host := hostname(t)
	for name, c := range map[string]struct {
		size   int
		spec   spec
		args   []string
		want   error
		stdout string // that a rank must have printed
	}{
		"a rank reports an error": {
			size: 3, spec: spec{Act: "fail", Rank: 1},
			want: &launcher.RankFailed{Rank: 1, Host: host, Status: 3, Message: "the input is damaged"},
		},
		"an error that others follow from": {
			size: 3, spec: spec{Act: "fail after", Rank: 2},
			want: &launcher.RankFailed{Rank: 2, Host: host, Status: 1, Message: "this is why"},
		},
		"a rank panics": {
			size: 3, spec: spec{Act: "panic", Rank: 0},
			want:   &launcher.RankDied{Rank: 0, Host: host, How: "exited with status 2"},
			stdout: "last words",
		},
		"a rank is killed": {
			size: 3, spec: spec{Act: "kill yourself", Rank: 2},
			want: &launcher.RankDied{Rank: 2, Host: host,
				How: "was killed by SIGKILL (by somebody, or by the kernel for lack of memory)"},
			stdout: "last words",
		},
		"a rank exits with 0 and says nothing": {
			size: 1, spec: spec{Act: "exit"},
			want: &launcher.RankDied{Rank: 0, Host: host, How: "exited without having finished its part"},
		},
		"a rank does not get as far as attaching": {
			size: 1, args: []string{"exits-at-once"},
			want: &launcher.StartError{Rank: 0, Host: host, Err: errors.New("it exited with status 1")},
		},
		"a rank never attaches": {
			size: 1, args: []string{"never-attaches"},
			want: &launcher.StartError{Rank: 0, Host: host, Err: errors.New("no sign of life within 2s")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got gathered
			config := config(t, c.size, c.spec)
			config.Lines = got.add
			if c.args != nil {
				config.RankArgs, config.StartTimeout = c.args, 2*time.Second
			}
			var events []launcher.Event
			config.Events = func(e launcher.Event) { events = append(events, e) }
			result, err := run(t, config)
			if err == nil || err.Error() != c.want.Error() || reflect.TypeOf(err) != reflect.TypeOf(c.want) {
				t.Errorf("%T %v; want %T %v", err, err, c.want, c.want)
			}
			if want, ok := c.want.(*launcher.RankFailed); ok && !reflect.DeepEqual(err, want) {
				t.Errorf("%#v; want %#v", err, want)
			}
			if c.stdout != "" && !slices.Contains(got.lines["stdout"], c.stdout) {
				t.Errorf("%q is missing in what was printed: %q", c.stdout, got.lines["stdout"])
			}
			if len(events) == 0 || events[len(events)-1].What != c.want.Error() || len(events) != len(result.Events) {
				t.Errorf("events %+v, in the result %+v", events, result.Events)
			}
		})
	}
}

// What a rank gave to Fail is in the result, and so is what others give when they are stopped for it.
func TestResultsOfAFailedJob(t *testing.T) {
	result, err := run(t, config(t, 2, spec{Act: "fail", Rank: 1}))
	if err == nil {
		t.Fatal("no error")
	}
	if got := string(result.Ranks[1].Result); got != "half" {
		t.Errorf("rank 1 gave %q", got)
	}
	// Rank 0 may be stopped before it has even attached.
	if got := string(result.Ranks[0].Result); got != "" && got != "how far rank 0 came" {
		t.Errorf("rank 0 gave %q", got)
	}
}

func TestAgentCannotStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("no program"), 0o600); err != nil {
		t.Fatal(err)
	}
	notOurs := func(name string) string {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, c := range map[string]struct {
		executable string
		args       []string
		timeout    time.Duration
		want       string
	}{
		"missing":        {executable: file + "-none", want: "no such file or directory"},
		"not executable": {executable: file, want: "permission denied"},
		"says nothing":   {executable: notOurs("true"), want: "the agent exited without having finished its part"},
		"fails":          {executable: notOurs("false"), want: "the agent exited with status 1"},
		"answers with trash": {
			executable: notOurs("sh"), args: []string{"-c", `printf "\nhalorun control 3\ntrash, not a message"; sleep 1000`},
			want: "not the control protocol: a message claims",
		},
		"never answers": {executable: notOurs("sleep"), args: []string{"1000"}, timeout: 100 * time.Millisecond, want: "no sign of life within 100ms"},
		"babbles":       {args: []string{"babbling-agent"}, want: "no greeting in the first 65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := config(t, 1, spec{Act: "nothing"})
			config.Executable, config.LaunchTimeout = c.executable, c.timeout
			if c.args != nil {
				config.AgentArgs = c.args
			}
			_, err := run(t, config)
			var start *launcher.StartError
			if !errors.As(err, &start) || start.Rank != -1 || start.Host != hostname(t) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want a StartError of the agent with %q", err, c.want)
			}
		})
	}
}

// A login shell may print something before the agent speaks.
func TestNoisyAgent(t *testing.T) {
	c := config(t, 2, spec{Act: "nothing"})
	c.AgentArgs = []string{"noisy-agent"}
	if _, err := run(t, c); err != nil {
		t.Error(err)
	}
}

func TestAgentCannotStartARank(t *testing.T) {
	c := config(t, 40, spec{Act: "wait"})
	c.AgentArgs = []string{"poor-agent"}
	_, err := run(t, c)
	var start *launcher.StartError
	if !errors.As(err, &start) || start.Rank < 1 || !strings.Contains(err.Error(), "too many open files") {
		t.Errorf("%v; want a StartError of a rank for too many open files", err)
	}
}

// Whatever ranks do when the job is stopped, Run returns with the cause, and they are gone.
func TestStop(t *testing.T) {
	for name, c := range map[string]struct {
		spec    spec
		results bool // ranks tell how far they came
	}{
		"ranks listen":           {spec{Act: "wait"}, true},
		"ranks ignore it":        {spec{Act: "stay"}, false},
		"a rank is suspended":    {spec{Act: "stop yourself", Rank: 1}, false},
		"a rank hangs when done": {spec{Act: "done, but stay"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			why := errors.New("enough")
			const n = 3
			w := newWatch(t)
			config := config(t, n, c.spec)
			config.Lines = func(_ int, _, _, line string) {
				if w.announced(line) == n {
					cancel(why)
				}
			}
			result, err := launcher.Run(ctx, config)
			if err != why {
				t.Errorf("%v; want the context's cause", err)
			}
			w.mustBeGone()
			if len(result.Events) > 0 {
				t.Errorf("events %+v, though nothing but the stop happened", result.Events)
			}
			for i, r := range result.Ranks {
				if want := fmt.Sprintf("how far rank %d came", i); c.results && string(r.Result) != want {
					t.Errorf("rank %d gave %q; want %q", i, r.Result, want)
				}
			}
		})
	}
}

// A rank that hangs in its exit holds up no job that is done.
func TestDoneButNotGone(t *testing.T) {
	t.Parallel()
	w := newWatch(t)
	c := config(t, 1, spec{Act: "done, but stay"})
	c.Lines = func(_ int, _, _, line string) { w.announced(line) }
	result, err := run(t, c)
	if err != nil || string(result.Ranks[0].Result) != "done" || result.Ranks[0].Signal != syscall.SIGKILL {
		t.Errorf("%+v, %v", result.Ranks[0], err)
	}
	w.mustBeGone()
}

// Printing that blocks does not keep the context from ending the job.
func TestStopWhilePrintingBlocks(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	c := config(t, 1, spec{Act: "print 10 MB"})
	unblock := make(chan struct{})
	defer close(unblock)
	var once sync.Once
	c.Lines = func(int, string, string, string) {
		once.Do(func() { cancel(why) })
		<-unblock
	}
	if _, err := launcher.Run(ctx, c); err != why {
		t.Errorf("%v; want the context's cause", err)
	}
}

func TestAlreadyStopped(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	cancel(why)
	if _, err := launcher.Run(ctx, config(t, 2, spec{Act: "wait"})); err != why {
		t.Errorf("%v; want the context's cause", err)
	}
}

// A process that a rank leaves behind, with the rank's output open, is ended if it is in the rank's process group, and
// does not hold up the job if it is not.
func TestChildLeftBehind(t *testing.T) {
	for _, where := range []string{"rank's group", "own group"} {
		w := newWatch(t)
		c := config(t, 1, spec{Act: "leave a child", Args: []string{where}})
		var pid int
		c.Lines = func(_ int, _, _, line string) {
			if _, err := fmt.Sscanf(line, "child %d", &pid); err != nil {
				t.Errorf("printed %q", line)
			}
			w.add(pid)
		}
		if _, err := run(t, c); err != nil {
			t.Errorf("%s: %v", where, err)
		}
		if where == "own group" {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Errorf("the child with its own group: %v", err)
			}
		}
		w.mustBeGone()
	}
}

func TestStartedByHand(t *testing.T) {
	for role, want := range map[string]string{
		"rank":  "attach: this command is started by an agent of Halorun, not by hand",
		"agent": "agent: stdin is neither a pipe nor a socket; this command is started by Halorun, not by hand",
	} {
		out, err := exec.Command("/proc/self/exe", role).CombinedOutput()
		if err == nil || strings.TrimSpace(string(out)) != want {
			t.Errorf("%s: %v, %q; want %q", role, err, out, want)
		}
	}
}

func BenchmarkRun(b *testing.B) {
	for _, n := range []int{1, 4, 16} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := config(b, n, spec{Act: "nothing"})
			for b.Loop() {
				if _, err := launcher.Run(b.Context(), c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
