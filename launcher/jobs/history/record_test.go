package history

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"halorun/launcher"
	"halorun/launcher/jobs/watch"
)

func newBoard(run string) *watch.Board {
	return watch.NewBoard(watch.Job{
		ID: run, Run: run, Command: []string{"halorun", "run"}, Dir: "/d", Version: "v", Began: begin, Input: "in", Output: "out", Ops: []string{"blur"},
		Size: 2, Hosts: []string{"h"},
	})
}

// A job is in the store with all that happened in it, in order.
func testDelivered(t *testing.T, target Target) {
	t.Helper()
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	b := newBoard("r1")
	r := Record(b, target, func(text string) { t.Error(text) })
	b.Describe("job", watch.Picture{Width: 3, Height: 4, Channels: 1}, []string{"blur:size=31"})
	b.Event(launcher.Event{Time: begin, Rank: 1, Host: "h", What: " rank 1 was\nkilled", Action: "another takes over"})
	b.Log(slog.LevelInfo, "a\x00b")
	b.Line(0, "h", "stderr", "oops \xff")
	b.Finish(watch.End{Time: begin.Add(time.Second), State: watch.Failed, ExitStatus: 1, Error: "no room", Report: []byte(`{"x": 1}`)})
	r.Close()
	<-r.done
	var got []*Attempt
	var texts []string
	err := Use(context.Background(), target, func(text string) { t.Error(text) }, func(h *History) (err error) {
		if got, err = h.Job(context.Background(), "job"); err != nil || len(got) == 0 {
			return err
		}
		_, err = h.Each(context.Background(), "r1", 0, func(e *Entry) error {
			texts = append(texts, fmt.Sprintf("%s %s %s", e.Kind, e.Level, e.Text))
			return nil
		})
		return err
	})
	if err != nil || len(got) != 1 {
		t.Fatalf("%v, %v", got, err)
	}
	a := got[0]
	if a.State != watch.Failed || a.ExitStatus != 1 || a.Error != "no room" || string(a.Report) != `{"x":1}` || a.Picture.Width != 3 || a.Events != 1 ||
		a.PID != os.Getpid() || a.User == "" || a.Machine == "" || !a.Begun.Equal(begin) || !a.Ended.Equal(begin.Add(time.Second)) || a.Ops[0] != "blur:size=31" {
		t.Errorf("%s", texted(a))
	}
	want := "event WARN rank 1 was killed; another takes over|log INFO a\uFFFDb|line WARN oops \uFFFD"
	if strings.Join(texts, "|") != want {
		t.Errorf("%q", texts)
	}
	dir, err := target.spoolFolder()
	if left, _ := spools(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

func TestRecorder(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	own, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	defer goleak.VerifyNone(t)
	testDelivered(t, own)
	named := fileIn(t, "h.db")
	named.own = false
	testDelivered(t, named)
}

// beginning is the first line of a spool.
func beginning(t *testing.T, run, machine string) string {
	t.Helper()
	b, err := json.Marshal(line{Origin: &origin{Machine: machine}, Item: &watch.Item{Time: begin, Kind: watch.Begins, Job: &watch.Job{ID: run, Run: run, Began: begin}}})
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + "\n"
}

func here(t *testing.T) string {
	t.Helper()
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// A launcher that ends without a word was killed; as long as it lives its job runs.
func TestKilled(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	target, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := target.spoolFolder()
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSpool(dir, "r1")
	if err != nil {
		t.Fatal(err)
	}
	line := func(item string) string { return `{"item":` + item + "}\n" }
	begun := beginning(t, "r1", here(t))
	died := time.Now().Add(-time.Minute).Truncate(time.Second)
	state := func() string {
		t.Helper()
		got := "none"
		err := Use(context.Background(), target, func(text string) { t.Error(text) }, func(h *History) error {
			all, err := h.Job(context.Background(), "r1")
			if err == nil && len(all) > 0 {
				if got = fmt.Sprint(all[0].State, " ", all[0].Entries); all[0].State == Killed && !all[0].Seen.Equal(died) {
					t.Errorf("it was seen at %v, and died at %v", all[0].Seen, died)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	kill := func() error {
		return errors.Join(os.Chtimes(filepath.Join(dir, "r1"+spoolEnd), died, died), s.file.Close())
	}
	steps := []struct {
		do   func() error
		want string
	}{
		{func() error { return nil }, "none"},
		{func() error { return s.write([]byte(begun[:10]), false) }, "none"},
		{func() error { return s.write([]byte(begun[10:]), false) }, "starting 1"},
		{func() error { return s.write([]byte(line(`{"kind":"log","text":"x"}`)+`{"item":`), false) }, "starting 2"},
		{kill, "killed 2"},
		{func() error { return nil }, "killed 2"},
	}
	for i, step := range steps {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		if got := state(); got != step.want {
			t.Errorf("step %d: %s, want %s", i, got, step.want)
		}
	}
	if left, _ := spools(dir); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

// Where machines share a folder and see no locks of others, a job of another one runs as long as its spool is touched.
func TestOtherMachine(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	w, err := newSpool(dir, "r1")
	if err == nil {
		err = w.write([]byte(beginning(t, "r1", "not "+here(t))), false)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.file.Close() // as if the lock were not seen
	s := opened(t, fileIn(t, "h.db"))
	touched := time.Now()
	for _, step := range []struct {
		touched time.Time
		want    string
		spools  int
	}{
		{touched, watch.Starting, 1}, {touched.Add(-silence / 2), watch.Starting, 1}, {touched.Add(-2 * silence), Killed, 0},
	} {
		if err := os.Chtimes(filepath.Join(dir, "r1"+spoolEnd), time.Time{}, step.touched); err != nil {
			t.Fatal(err)
		}
		c := newCourier(dir)
		living, err := c.bring(ctx, s, nil)
		c.close()
		if err != nil || len(living) != step.spools {
			t.Errorf("%q live, %v", living, err)
		}
		got, err := s.Attempts(ctx, Query{})
		if err != nil || len(got) != 1 || got[0].State != step.want {
			t.Errorf("%s, %v, want %s", texted(got), err, step.want)
		}
		if left, err := spools(dir); err != nil || len(left) != step.spools {
			t.Errorf("%q, %v", left, err)
		}
	}
}

// leftSpools returns a folder with the spools of launchers that are gone.
func leftSpools(t *testing.T, runs ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, run := range runs {
		s, err := newSpool(dir, run)
		if err == nil {
			err = errors.Join(s.write([]byte(beginning(t, run, here(t))), false), s.file.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A launcher touches its spool also while nothing happens.
func TestTouch(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	target, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := target.spoolFolder()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "r1"+spoolEnd)
	changed := func() time.Time {
		st, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return st.ModTime()
	}
	synctest.Test(t, func(t *testing.T) {
		r := &Recorder{target: target, run: "r1", sub: newBoard("r1").Subscribe(10), tell: func(text string) { t.Error(text) }, written: make(chan struct{})}
		ready := make(chan bool, 1)
		go r.write(ready)
		synctest.Wait()
		if err := os.Chtimes(path, time.Time{}, begin); err != nil {
			t.Fatal(err)
		}
		time.Sleep(touchEvery + 1) // of synctest's clock: it takes no time
		synctest.Wait()
		if at := changed(); at.Equal(begin) {
			t.Error("it is not touched")
		}
		r.sub.Close()
		<-r.written
	})
}

// A database that is removed, or replaced, while a job runs has all of the job in the end.
func TestRemovedMeanwhile(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	target := Target{kind: "sqlite", path: filepath.Join(t.TempDir(), "h.db")}
	b := newBoard("r1")
	r := Record(b, target, func(text string) { t.Error(text) })
	b.Log(slog.LevelInfo, "hello")
	wait := func(entries int) {
		t.Helper()
		const pause = 10 * time.Millisecond // between looks at the database, which calls nobody
		for s := opened(t, target); ; time.Sleep(pause) {
			found, err := s.Entries(context.Background(), "r1", 0, 100)
			if err != nil {
				t.Fatal(err)
			}
			if len(found) >= entries {
				return
			}
		}
	}
	wait(1)
	files, err := filepath.Glob(target.path + "*")
	for _, f := range files {
		err = errors.Join(err, os.Remove(f))
	}
	if err != nil {
		t.Fatal(err)
	}
	b.Log(slog.LevelInfo, "again")
	wait(2)
	b.Finish(watch.End{Time: begin, State: watch.Done})
	r.Close()
	all, err := opened(t, target).Attempts(context.Background(), Query{})
	if err != nil || len(all) != 1 || all[0].State != watch.Done {
		t.Errorf("%+v, %v", all, err)
	}
}

// A spool that cannot be read holds up no other, and counts as one of a launcher that lives.
func TestUnreadable(t *testing.T) {
	ctx := context.Background()
	dir := leftSpools(t, "a", "b", "c")
	target := fileIn(t, "h.db")
	h := &History{Store: opened(t, target), target: target, courier: newCourier(dir)}
	defer h.courier.close()
	if err := h.Add(ctx, attempt("a", "a", 0, watch.Running), nil); err != nil {
		t.Fatal(err)
	}
	u, err := openSpool(dir, "a")
	if err != nil {
		t.Fatal(err)
	}
	u.close()
	h.courier.open["a"] = &carried{unspool: u}
	left, err := h.refresh(ctx)
	if err != nil || left == nil || !strings.Contains(left.Error(), "a.jsonl: file already closed") {
		t.Errorf("%v is left, %v", left, err)
	}
	var states []string
	all, err := h.Attempts(ctx, Query{})
	for _, a := range all {
		states = append(states, a.Run+" "+a.State)
	}
	if want := []string{"c killed", "b killed", "a running"}; err != nil || !slices.Equal(states, want) {
		t.Errorf("%q, want %q; %v", states, want, err)
	}
	if runs, err := spools(dir); err != nil || !slices.Equal(runs, []string{"a"}) {
		t.Errorf("%q, %v", runs, err)
	}
}

// A mistake in the command line is no job.
func TestMistake(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	target := fileIn(t, "h.db")
	b := newBoard("r1")
	r := Record(b, target, func(text string) { t.Error(text) })
	b.Finish(watch.End{Time: begin, State: watch.Failed, ExitStatus: 2})
	r.Close()
	err := Use(context.Background(), target, func(text string) { t.Error(text) }, func(h *History) error {
		all, err := h.Attempts(context.Background(), Query{})
		if len(all) > 0 {
			t.Errorf("%s", texted(all))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// Whatever is wrong with a database or a folder, a job hears of it once and goes on soon.
func TestTroubles(t *testing.T) {
	state := t.TempDir()
	t.Setenv("XDG_STATE_HOME", state)
	foreign := fileIn(t, "h.db")
	foreign.own = false
	damage(t, foreign, "garbage")
	locked := fileIn(t, "h.db")
	locked.own = false
	s := opened(t, locked).(*sqlStore)
	tx, err := s.db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	newer := fileIn(t, "newer.db")
	newer.own = false
	n := opened(t, newer).(*sqlStore)
	if _, err := n.db.Exec("PRAGMA user_version = 7"); err != nil {
		t.Fatal(err)
	}
	down := Target{kind: "postgres", uri: "postgres://me:sesame@127.0.0.1:1/x"}
	for name, c := range map[string]struct {
		target Target
		state  string
		says   string
	}{
		"foreign": {foreign, state, "left as it is"},
		"locked":  {locked, state, "has not answered"},
		"newer":   {newer, state, "newer version"},
		"down":    {down, state, "127.0.0.1"},
		"folder":  {Target{kind: "sqlite", path: filepath.Join(file, "h.db"), own: true}, file, "not recorded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("XDG_STATE_HOME", c.state)
			var warnings []string
			b := newBoard("r" + name)
			r := Record(b, c.target, func(text string) { warnings = append(warnings, text) })
			b.Log(slog.LevelInfo, "hello")
			b.Finish(watch.End{Time: begin, State: watch.Done})
			r.Close()
			if len(warnings) != 1 || !strings.Contains(warnings[0], c.says) || strings.Contains(warnings[0], "sesame") {
				t.Errorf("%q, want %q", warnings, c.says)
			}
			if name == "folder" {
				return
			}
			dir, err := c.target.spoolFolder()
			if err != nil {
				t.Fatal(err)
			}
			if left, _ := spools(dir); len(left) != 1 {
				t.Errorf("%v waits", left)
			}
		})
	}
}

// Where the user's folder takes nothing, a job is in a database that is named even so, and nothing is left.
func TestNoHome(t *testing.T) {
	file, temporary := filepath.Join(t.TempDir(), "file"), t.TempDir()
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_STATE_HOME", file) // no folder can be made in there
	t.Setenv("TMPDIR", temporary)
	target := fileIn(t, "h.db")
	target.own = false
	b := newBoard("r1")
	r := Record(b, target, func(text string) { t.Error(text) })
	b.Finish(watch.End{Time: begin, State: watch.Done})
	r.sub.Close()
	<-r.done
	r.Close()
	all, err := opened(t, target).Attempts(context.Background(), Query{})
	if err != nil || len(all) != 1 || all[0].State != watch.Done {
		t.Errorf("%s, %v", texted(all), err)
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}

// A short job brings a part of what others have left, and then what is its own.
func TestBacklog(t *testing.T) {
	ctx := context.Background()
	dir := leftSpools(t, "a", "b", "c")
	c := newCourier(dir)
	defer c.close()
	over := make(chan struct{})
	close(over)
	for left := range 3 {
		if _, err := c.bring(ctx, opened(t, fileIn(t, "h.db")), over); err != nil {
			t.Fatal(err)
		}
		if runs, err := spools(dir); err != nil || len(runs) != 2-left {
			t.Errorf("%q, %v", runs, err)
		}
	}
}

// What has no room is counted, and the end is recorded even so.
func TestDropped(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	target, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	b := newBoard("r1")
	var warned atomic.Int32
	r := Record(b, target, func(text string) { warned.Add(1) })
	const said = queue + queue/2
	for range said {
		b.Log(slog.LevelDebug, "x")
	}
	b.Finish(watch.End{Time: begin, State: watch.Done})
	r.Close()
	<-r.done
	kept := 0
	var a *Attempt
	err = Use(context.Background(), target, func(text string) { t.Error(text) }, func(h *History) error {
		all, err := h.Job(context.Background(), "r1")
		if err != nil || len(all) != 1 {
			return fmt.Errorf("%v, %w", all, err)
		}
		a = all[0]
		_, err = h.Each(context.Background(), "r1", 0, func(*Entry) error { kept++; return nil })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if a.State != watch.Done || int64(kept)+a.Dropped != said || warned.Load() > 1 || a.Dropped > 0 && warned.Load() == 0 {
		t.Errorf("%d kept, %d dropped, %d warnings, %s", kept, a.Dropped, warned.Load(), a.State)
	}
}

// A line that follows a part of one, for which the disk had no room, is read.
func TestTornLine(t *testing.T) {
	dir := t.TempDir()
	s, err := newSpool(dir, "r1")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.write([]byte(`{"item":{"ki`), false); err != nil {
		t.Fatal(err)
	}
	s.err = errors.New("no room")
	if s.write([]byte("x\n"), false) == nil {
		t.Error("it was written")
	}
	if err := s.write([]byte(`{"item":{"kind":"log","text":"there"}}`+"\n"), true); err != nil {
		t.Fatal(err)
	}
	u, err := openSpool(dir, "r1")
	if err != nil {
		t.Fatal(err)
	}
	defer u.close()
	if got, _, err := u.next(); err != nil || len(got) != 1 || got[0].Text != "there" {
		t.Errorf("%+v, %v", got, err)
	}
}
