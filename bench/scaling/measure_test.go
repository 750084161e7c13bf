package scaling

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"halorun/bench"
	"halorun/ranks"
)

// program stands in for halorun: it notes how it was called, and does what the variables of the script say.
const program = `#!/bin/sh
n= report= dry=
while [ "$1" != -- ]; do
	case $1 in
	-n) n=$2; shift;;
	--report) report=$2; shift;;
	--dry-run) dry=1;;
	esac
	shift
done
[ -n "$dry" ] && exit 0
echo "$n" >> DIR/order
STEP
echo "pixels" > "$3"
DIFFER
ranks=
i=0
while [ $i -lt $n ]; do
	ranks="$ranks{\"threads\": 1, \"bytes_sent\": 10, \"seconds\": {\"compute\": 1}},"
	i=$((i+1))
done
echo "{\"size\": $n, \"ops\": [\"invert\"], \"input\": {\"width\": 4, \"height\": 2}, \"ranks\": [${ranks%,}]}" > "$report"
`

func stage(t *testing.T, step, differ string, ranks ...int) (*Plan, string) {
	t.Helper()
	dir := t.TempDir()
	text := strings.ReplaceAll(strings.NewReplacer("STEP", step, "DIFFER", differ).Replace(program), "DIR", dir)
	name := filepath.Join(dir, "halorun")
	if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	p := &Plan{Jobs: Runner{Program: name, Ops: []string{"invert"}}, Threads: 1, Cores: 2, Synthetic: &bench.Size{Width: 4, Height: 2}, Input: "synthetic:4x2", Format: "ppm", Repeat: 3,
		Out: filepath.Join(dir, "out")}
	if err := os.Mkdir(p.Out, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, n := range ranks {
		place := Place{Ranks: n}
		place.Count(make([]int, n), []Host{{Cores: 2}}, 1)
		p.Places = append(p.Places, place)
	}
	return p, dir
}

// empty tells whether nothing is left in the folder of the results.
func empty(t *testing.T, p *Plan) {
	t.Helper()
	entries, err := os.ReadDir(p.Out)
	if err != nil || len(entries) > 0 {
		t.Errorf("left: %v %v", entries, err)
	}
}

// TestRounds wants one run each that warms up, and then rounds that begin with another number of ranks each time.
func TestRounds(t *testing.T) {
	p, dir := stage(t, "", "", 1, 2, 4)
	s, err := p.Measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	order, _ := os.ReadFile(filepath.Join(dir, "order"))
	if got := strings.Join(strings.Fields(string(order)), " "); got != "1 2 4 1 2 4 2 4 1 4 1 2" {
		t.Errorf("order %s", got)
	}
	if !s.Identical || s.Err() != nil || len(s.Points[2].Runs) != 3 || s.Points[2].Bytes != 40 || s.Points[1].Imbalance != 0 || s.Points[1].Steps.Compute != 1 {
		t.Errorf("%+v", s)
	}
	empty(t, p)
}

// TestDiffer has one job in twelve write something else.
func TestDiffer(t *testing.T) {
	p, _ := stage(t, "", `[ $n = 4 ] && [ $(wc -l < DIR/order) -gt 9 ] && echo other > "$3"`, 1, 2, 4)
	p.Jobs.Ops = []string{"invert"}
	s, err := p.Measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var differ *DifferError
	if s.Identical || !errors.As(s.Err(), &differ) {
		t.Fatalf("not noticed: %+v", s)
	}
	for _, want := range []string{"1 rank (4 runs), 2 ranks (4 runs), 4 ranks (3 runs) made ", "; 4 ranks (1 run) made "} {
		if !strings.Contains(s.Err().Error(), want) {
			t.Errorf("%q lacks %q", s.Err(), want)
		}
	}
	empty(t, p)
}

// TestWarmUpDiffers has nothing but a run that warms up write something else.
func TestWarmUpDiffers(t *testing.T) {
	p, _ := stage(t, "", `[ $n = 2 ] && [ $(wc -l < DIR/order) = 2 ] && echo other > "$3"`, 1, 2)
	s, err := p.Measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Identical || !strings.Contains(s.Err().Error(), "1 rank (4 runs), 2 ranks (3 runs) made ") || !strings.Contains(s.Err().Error(), "; 2 ranks (1 run) made ") || len(s.Points[1].Checksums) != 2 {
		t.Errorf("%v %q", s.Err(), s.Points[1].Checksums)
	}
	if r := s.Points[1].WarmUp; r == nil || r.Round != 0 || len(s.Points[1].Runs) != 3 {
		t.Errorf("%+v", s.Points[1])
	}
}

// TestThreads has two threads in each rank: they share the steps' seconds, but for those of the start, which are the process's.
func TestThreads(t *testing.T) {
	r := report{Ranks: []rankReport{{Threads: 2, Seconds: Steps{ranks.Seconds{Start: 0.5, Compute: 6}}}, {Threads: 2, Seconds: Steps{ranks.Seconds{Start: 0.7, Compute: 8}}}}}
	if run := r.run(); run.steps.Start != 0.6 || run.slowest.Start != 0.7 || run.steps.Compute != 3.5 || run.slowest.Compute != 4 {
		t.Errorf("%+v", run)
	}
}

// TestModelFails keeps a study whose empty jobs fail, and says so.
func TestModelFails(t *testing.T) {
	p, _ := stage(t, `case $2 in *empty*) echo "halorun: no room" >&2; exit 5;; esac`, "", 1, 2)
	p.Model = true
	s, err := p.Measure(t.Context())
	if err != nil || s.Model != nil || len(s.Points[1].Runs) != 3 || s.Seconds == 0 {
		t.Fatalf("%+v %v", s, err)
	}
	if got := strings.Join(s.Warnings, "\n"); !strings.Contains(got, "there is no forecast: with 1 rank: no room") {
		t.Error(got)
	}
}

// TestDifferWeak has the run that only checks write something else: pictures are compared each for itself.
func TestDifferWeak(t *testing.T) {
	for differ, identical := range map[string]bool{"": true, `echo "$2" > "$3"`: true, `case $2 in *-4.ppm) [ $n = 2 ] && echo other > "$3";; esac`: false} {
		p, _ := stage(t, "", differ, 1, 2, 4)
		p.Weak = true
		s, err := p.Measure(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if s.Identical != identical {
			t.Errorf("%q: identical is %v: %v", differ, s.Identical, s.Differ)
		}
		if s.Points[2].Check == nil || s.Points[2].Check.Ranks != 2 || s.Points[0].Check.Ranks != 2 {
			t.Errorf("checked by others: %+v %+v", s.Points[0].Check, s.Points[2].Check)
		}
	}
}

// TestJobFails passes on what a job says, and its exit status.
func TestJobFails(t *testing.T) {
	p, _ := stage(t, `[ $n = 2 ] && { echo "halorun: notice" >&2; echo "halorun: no room" >&2; exit 5; }`, "", 1, 2)
	_, err := p.Measure(t.Context())
	var job *JobError
	if !errors.As(err, &job) || job.Status != 5 || err.Error() != "with 2 ranks: no room" {
		t.Errorf("%v", err)
	}
	empty(t, p)
}

// TestInterrupted ends the job that runs, and waits until it has.
func TestInterrupted(t *testing.T) {
	p, dir := stage(t, `trap 'echo ended >> DIR/ended; exit 143' TERM; : > DIR/begun; while :; do :; done`, "", 1)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("stopped by a test")
	begun := filepath.Join(dir, "begun")
	if err := unix.Mkfifo(begun, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, err := os.ReadFile(begun) // waits until the job opens it
		cancel(errors.Join(why, err))
	}()
	if _, err := p.Measure(ctx); !errors.Is(err, why) {
		t.Errorf("%v", err)
	}
	if b, _ := os.ReadFile(filepath.Join(dir, "ended")); string(b) != "ended\n" {
		t.Error("the job was not ended, or not waited for")
	}
	empty(t, p)
}

// TestOneAtATime keeps two from writing into one folder, and uses what a killed one has left.
func TestOneAtATime(t *testing.T) {
	out := t.TempDir()
	w, err := newWorkshop(out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newWorkshop(out); !errors.Is(err, ErrBusy) {
		t.Errorf("two: %v", err)
	}
	if err := os.WriteFile(w.file("input.ppm"), []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	w.lock.Close() // as if killed
	if w, err = newWorkshop(out); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(w.dir); len(entries) > 0 {
		t.Errorf("left: %v", entries)
	}
	if err := w.close(); err != nil {
		t.Error(err)
	}
}

// TestNoise wants a word about what is noisy, and none about what is not, nor about more runs that are no noisier.
func TestNoise(t *testing.T) {
	w := &world{launch: 0.1, compute: 1, threads: 1, cores: 8}
	s, _ := w.study(1, 2, 4)
	if got := strings.Join(s.Warnings, "\n"); !strings.Contains(got, "1 run for each") || strings.Count(got, "\n") > 0 {
		t.Errorf("%q", got)
	}
	repeat := func(runs int, walls func(i int, wall float64) float64) string {
		s, _ := w.study(1, 2, 4)
		s.Repeat, s.Warnings = runs, nil
		for k := range s.Points {
			p := &s.Points[k]
			one := p.Runs[0]
			p.Runs = nil
			for i := range runs {
				r := one
				r.Wall = walls(i, one.Wall)
				if k == 1 {
					r.Wall = walls(i, one.Wall*1.75) // almost that of one rank
				}
				p.Runs = append(p.Runs, r)
			}
		}
		s.settle()
		return strings.Join(s.Warnings, "\n")
	}
	steady := func(i int, wall float64) float64 { return wall * (1 + 0.002*float64(i%5)) }
	outlier := func(i int, wall float64) float64 {
		if i == 7 {
			wall *= 2
		}
		return steady(i, wall)
	}
	wild := func(i int, wall float64) float64 { return wall * (1 + 0.6*float64(i%5)) }
	for _, runs := range []int{3, 5, 40} {
		few := runs < 4
		if got := repeat(runs, steady); strings.Contains(got, "3 runs for each") != few || strings.Contains(got, "medians") || strings.Contains(got, "U test") {
			t.Errorf("%d steady runs: %q", runs, got)
		}
		got := repeat(runs, wild)
		if !strings.Contains(got, "medians are uncertain by more than 10%: 1 rank ") || strings.Contains(got, "by chance alone, by the Mann-Whitney U test: 1 and 2 ranks, p = ") == few {
			t.Errorf("%d wild runs: %q", runs, got)
		}
	}
	// Of many runs, one that is twice as long as others is no reason for doubt.
	if got := repeat(40, outlier); got != "" {
		t.Errorf("with outliers: %q", got)
	}
	s.Repeat, s.Warnings, s.Machine.Load = 1, nil, 7
	s.Points[2].Runs[0].Restarts = 1
	s.settle()
	got := strings.Join(s.Warnings, "\n")
	for _, want := range []string{"the load of this machine was 7.0", "1 rank lost and replaced in runs with 4 ranks"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
	if strings.Contains(got, "more ranks than cores") {
		t.Errorf("too much: %q", got)
	}
}

func TestLoopback(t *testing.T) {
	links, err := loopback(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := fitNetwork(links)
	if len(links) != 5 || n.Latency < 0 || n.BytesPerSecond <= 0 {
		t.Errorf("%+v", n)
	}
}
