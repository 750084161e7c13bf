package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"halorun/kernels"
	"halorun/ranks/raster"
)

// fakes makes a folder of programs and has PATH be it alone. The programs are shell scripts.
func fakes(t *testing.T, programs map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range programs {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\nPATH=/usr/bin:/bin\n"+text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	return dir
}

// Scripts that copy their input, whose name is the given argument, to their output, the next one.
const (
	fakeHalorun = `echo halorun >> "$LOG"; while [ "$1" != 95 ]; do shift; done; cp "$2" "$3"`
	fakeVips    = `case $1 in --version) echo vips-8.99.1;; *) echo vips >> "$LOG"; cp "$2" "$3";; esac`
	fakePython  = `case $1 in -c) case $2 in *mpi4py*) exit 1;; esac; echo 4.9.9;; *) echo opencv >> "$LOG"; cp "$3" "$4"; printf '\001' | dd of="$4" bs=1 seek=40 conv=notrunc 2>/dev/null;; esac`
)

func peersOf(t *testing.T, dir string, ops ...string) *PeersReport {
	t.Helper()
	r, err := Peers(context.Background(), PeersConfig{Input: "synthetic:32x20", Ops: ops, Ranks: 2, Repeat: 3, Timeout: time.Minute, Dir: t.TempDir(),
		Halorun: filepath.Join(dir, "halorun"), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func program(t *testing.T, r *PeersReport, name string) PeerResult {
	t.Helper()
	i := slices.IndexFunc(r.Programs, func(p PeerResult) bool { return p.Program == name })
	if i < 0 {
		t.Fatalf("%s is passed over in silence: %+v", name, r.Programs)
	}
	return r.Programs[i]
}

func TestPeers(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	t.Setenv("LOG", log)
	dir := fakes(t, map[string]string{"halorun": fakeHalorun, "vips": fakeVips, "python3": fakePython})
	r := peersOf(t, dir, "invert")

	if h := program(t, r, "Halorun"); h.State != Measured || h.Ratio != 1 || h.Version != "test" || len(h.Seconds) != 3 || h.MPixelPerS <= 0 || h.MaxRSS <= 0 || h.Pixels != nil {
		t.Errorf("%+v", h)
	}
	if v := program(t, r, "libvips"); v.State != Measured || v.Version != "8.99.1" || !v.Pixels.Identical || v.OutputBytes != 13+32*20*3 || v.Min > v.Median || v.Median > v.Max {
		t.Errorf("%+v", v)
	}
	cv := program(t, r, "OpenCV")
	if cv.State != Measured || cv.Version != "4.9.9" || cv.Pixels.Identical || cv.Pixels.Fraction != 1./(32*20) || cv.Pixels.Max == 0 {
		t.Errorf("%+v %+v", cv, cv.Pixels)
	}
	for name, packages := range map[string]string{"GraphicsMagick": "graphicsmagick", "mpi4py + OpenCV": "python3-mpi4py openmpi-bin"} {
		if p := program(t, r, name); p.State != Absent || !strings.HasSuffix(p.Reason, "apt-get install "+packages) || p.Seconds != nil {
			t.Errorf("%+v", p)
		}
	}
	var table bytes.Buffer
	if err := r.Print(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Halorun", "8.99.1", "identical", "0.16 % differ", "not installed here: apt-get install graphicsmagick", "mpi4py + OpenCV", r.Machine.CPU, r.Date,
		"CPU is the time of all processors, memory that of a program's largest process; pixels are",
		"VIPS_CONCURRENCY=2 vips invert in.ppm out-vips.ppm"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, &table)
		}
	}

	// One round warms up, and none begins with the one that the round before began with.
	ran, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(strings.Fields(string(ran)), " "); strings.Count(got, "halorun") != 4 || strings.Count(got, "vips") != 4 || strings.Contains(got, "halorun halorun") || strings.Contains(got, "vips vips") {
		t.Errorf("they ran as %s", got)
	}
}

// TestPeersThatFail: whoever fails, hangs, writes nothing or lacks an operation is named, and the others are measured.
func TestPeersThatFail(t *testing.T) {
	t.Setenv("LOG", "/dev/null")
	dir := fakes(t, map[string]string{"halorun": fakeHalorun, "vips": `case $1 in --version) ;; *) echo "no can do" >&2; exit 3;; esac`, "gm": "exit 0"})
	r := peersOf(t, dir, "invert")
	if p := program(t, r, "libvips"); p.State != Failed || !strings.Contains(p.Reason, "exit status 3: no can do") || p.Version != "unknown" {
		t.Errorf("%+v", p)
	}
	if p := program(t, r, "GraphicsMagick"); p.State != Failed || !strings.Contains(p.Reason, "no output") {
		t.Errorf("%+v", p)
	}
	if p := program(t, r, "OpenCV"); p.State != Absent || !strings.Contains(p.Reason, "python3-opencv") {
		t.Errorf("%+v", p)
	}
	r = peersOf(t, dir, "otsu")
	for _, name := range []string{"libvips", "GraphicsMagick"} {
		if p := program(t, r, name); p.State != Unable || p.Reason != "has no otsu" {
			t.Errorf("%+v", p)
		}
	}
}

// TestCommandEnds: a program that does not end is ended with all that it has started, and so is one that takes no notice.
func TestCommandEnds(t *testing.T) {
	over := errors.New("time is over")
	for _, script := range []string{"sleep 1000 & echo $$ $! > pids; wait", "trap '' TERM; sleep 1000 & echo $$ $! > pids; wait; while :; do sleep 0.01; done"} {
		dir := t.TempDir()
		pids := told(t, filepath.Join(dir, "pids"))
		ctx, cancel := context.WithCancelCause(t.Context())
		var begun []int
		go func() {
			begun = <-pids
			cancel(over)
		}()
		_, err := Command{Path: "/bin/sh", Args: []string{"sh", "-c", script}, Dir: dir, Grace: 50 * time.Millisecond}.Run(ctx)
		if !errors.Is(err, over) {
			t.Errorf("%s: %v", script, err)
		}
		if len(begun) != 2 {
			t.Fatalf("%s: processes %v", script, begun)
		}
		for _, pid := range begun {
			ends(t, pid)
		}
	}
}

// told makes a FIFO and returns what gets the numbers of processes that a script writes there.
func told(t *testing.T, fifo string) <-chan []int {
	t.Helper()
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	pids := make(chan []int, 1)
	go func() {
		b, _ := os.ReadFile(fifo) // waits until the script has written
		var all []int
		for _, word := range strings.Fields(string(b)) {
			pid, _ := strconv.Atoi(word) // 0 for what is none, which nobody waits for in vain
			all = append(all, pid)
		}
		pids <- all
	}()
	return pids
}

// ends waits for the end of a process that may be no child.
func ends(t *testing.T, pid int) {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int((10 * time.Second).Milliseconds())); n != 1 {
		t.Errorf("process %d lives on: %v", pid, err)
	}
}

// TestCommandSuspends: all that a program has started stops, and goes on, and the cost says so.
func TestCommandSuspends(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	line, err := os.OpenFile(fifo, os.O_RDWR, 0) // as which it waits for nobody
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	begun := told(t, filepath.Join(dir, "pids"))
	suspend := make(chan func())
	go func() {
		pids := <-begun
		if len(pids) != 2 {
			t.Errorf("processes %v", pids)
		}
		suspend <- func() {
			for _, pid := range pids {
				stops(t, pid)
			}
			_, _ = line.WriteString("go on\n") // it does all the same if it has not stopped
		}
	}()
	cost, err := Command{Path: "/bin/sh", Args: []string{"sh", "-c", "(read x < fifo) & echo $$ $! > pids; wait"}, Dir: dir, Suspend: suspend}.Run(t.Context())
	if err != nil || !cost.Suspended {
		t.Errorf("%+v %v", cost, err)
	}
}

// stops waits until a process stands still.
func stops(t *testing.T, pid int) {
	const pause = time.Millisecond // between looks, as the kernel tells of that to the parent alone
	for limit := time.Now().Add(10 * time.Second); ; time.Sleep(pause) {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if strings.Contains(string(b), ") T ") {
			return
		}
		if err != nil || time.Now().After(limit) {
			t.Errorf("process %d has not stopped: %s, %v", pid, b, err)
			return
		}
	}
}

// Of a program that is asked for its version nothing is left when that takes too long.
func TestAskEnds(t *testing.T) {
	dir := fakes(t, map[string]string{"slow": "sleep 1000 & echo $! > child; wait"})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r := &peersRun{dir: dir}
	child := told(t, filepath.Join(dir, "child"))
	var begun []int
	go func() {
		begun = <-child
		cancel()
	}()
	if _, err := r.ask(ctx, filepath.Join(dir, "slow")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if len(begun) != 1 {
		t.Fatalf("processes %v", begun)
	}
	ends(t, begun[0])
}

func TestPeersInput(t *testing.T) {
	dir := fakes(t, map[string]string{"halorun": "echo it is ill >&2; exit 3"})
	folder, text := t.TempDir(), filepath.Join(t.TempDir(), "x.png")
	if err := os.WriteFile(text, []byte("no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	for input, want := range map[string]string{"nowhere.png": "there is no such file", folder: "to be a file", "/dev/null": "to be a file", text: "not a picture"} {
		_, err := Peers(context.Background(), PeersConfig{Input: input, Ops: []string{"invert"}, Ranks: 1, Repeat: 1, Timeout: time.Minute, Dir: t.TempDir(), Halorun: filepath.Join(dir, "halorun")})
		if e := new(raster.InputError); !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", input, err)
		}
	}
	temp := t.TempDir()
	_, err := Peers(context.Background(), PeersConfig{Input: "synthetic:8x8", Ops: []string{"invert"}, Ranks: 1, Repeat: 1, Timeout: time.Minute, Dir: temp, Halorun: filepath.Join(dir, "halorun")})
	if err == nil || !strings.Contains(err.Error(), "it is ill") {
		t.Error(err)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

// TestEveryOperationIsKnown: of each operation, each peer says how it does it, or that it does not, and OpenCV does them all.
func TestEveryOperationIsKnown(t *testing.T) {
	known, err := peerPrograms.ReadFile("peers/operations.py")
	if err != nil {
		t.Fatal(err)
	}
	has := map[string]int{}
	for _, d := range kernels.Definitions() {
		chain, err := kernels.Parse([]string{d.Name})
		if err != nil {
			t.Fatal(err)
		}
		job, err := newPeerJob(chain, kernels.Shape{Width: 50, Height: 40, Channels: 3})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(known), fmt.Sprintf("%q:", d.Name)) {
			t.Errorf("peers/operations.py does not know %s", d.Name)
		}
		if _, err := forVips(chain); err == nil {
			has["vips"]++
		} else if !strings.Contains(err.Error(), d.Name) {
			t.Errorf("%s: %v", d.Name, err)
		}
		if _, _, err := forGM(chain); err == nil {
			has["gm"]++
		} else if !strings.Contains(err.Error(), d.Name) {
			t.Errorf("%s: %v", d.Name, err)
		}
		if _, err := job.planMPI("python3", []string{"mpirun"}, "out.ppm"); (err != nil) != (d.Global && d.Name != "edges") {
			t.Errorf("%s by mpi4py: %v", d.Name, err)
		}
	}
	if has["vips"] < 20 || has["gm"] < 15 {
		t.Errorf("peers know %v operations", has)
	}
}

func TestCompare(t *testing.T) {
	dir := t.TempDir()
	write := func(name, header string, pixels ...byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, append([]byte(header), pixels...), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	grey := write("grey.pgm", "P5\n2 2\n255\n", 1, 2, 3, 4)
	for name, c := range map[string]struct {
		other string
		want  Difference
	}{
		"itself":   {grey, Difference{Identical: true}},
		"coloured": {write("colour.ppm", "P6\n2 2\n255\n", 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4), Difference{Identical: true}},
		"near":     {write("near.pgm", "P5\n2 2\n255\n", 1, 2, 3, 9), Difference{Fraction: 0.25, Max: 5, Mean: 1.25}},
		"tinted":   {write("tinted.ppm", "P6\n2 2\n255\n", 1, 1, 1, 2, 2, 2, 3, 3, 9, 4, 4, 4), Difference{Fraction: 0.25, Max: 6, Mean: 0.5}},
		"smaller":  {write("small.pgm", "P5\n2 1\n255\n", 1, 2), Difference{Why: "2×1, not 2×2"}},
	} {
		got, err := compare(grey, c.other)
		if err != nil || got != c.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		back, err := compare(c.other, grey)
		if err != nil || back.Fraction != got.Fraction || back.Max != got.Max || back.Identical != got.Identical {
			t.Errorf("%s, the other way round: %+v, %v", name, back, err)
		}
	}
}

func TestFirstVersion(t *testing.T) {
	for text, want := range map[string]string{"vips-8.14.1\n": "8.14.1", "GraphicsMagick 1.3.40 2023-01-14 Q16": "1.3.40", "mpirun (Open MPI) 4.1.4.": "4.1.4", "none": "unknown", "": "unknown"} {
		if got := firstVersion(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
