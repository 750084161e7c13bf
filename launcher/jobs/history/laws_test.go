package history

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"halorun/launcher/jobs/watch"
)

// laws are what holds of any store. open opens the same database, which is empty and left empty, each time it is called.
func laws(t *testing.T, open func(t testing.TB) Store) {
	t.Run("queries", func(t *testing.T) { s := open(t); rapid.Check(t, func(t *rapid.T) { testQueries(t, s) }) })
	t.Run("entries", func(t *testing.T) { testEntries(t, open(t)) })
	t.Run("more is known", func(t *testing.T) { testMoreIsKnown(t, open(t)) })
	t.Run("remove the latest", func(t *testing.T) { testRemoveLatest(t, open(t)) })
	t.Run("bury", func(t *testing.T) { testBury(t, open(t)) })
	t.Run("size", func(t *testing.T) { testSize(t, open(t)) })
}

// begin is a time that all stores keep exactly.
var begin = time.Date(2026, 11, 1, 12, 0, 0, 123e6, time.UTC)

func attempt(run, job string, seconds int, state string) *Attempt {
	a := &Attempt{
		Run: run, Job: job, State: state, Begun: begin.Add(time.Duration(seconds) * time.Second), User: "me", Machine: "h1", PID: 7, Version: "v1",
		Command: []string{"halorun", "run", "a b"}, Dir: "/d", Input: "in.png", Output: "/o/" + run, Ops: []string{"blur:size=5"}, Ranks: 2,
		Hosts: []string{"h1", "h2"}, Picture: watch.Picture{Width: 3, Height: 5, Channels: 1}, Entries: 3, Bytes: 100,
	}
	a.Seen = a.Begun.Add(time.Second)
	if !a.Running() {
		a.Ended, a.ExitStatus, a.Error, a.Report = a.Seen, 3, "Bad Ünïcode \\ % _ .* '\"", json.RawMessage(`{"a": "\u0000"}`)
	}
	return a
}

// model is what a store should answer.
type model struct {
	attempts map[string]*Attempt
	texts    map[string][]string
}

func (m *model) query(q Query) (all []*Attempt) {
	for _, a := range m.attempts {
		latest := true
		for _, b := range m.attempts {
			if b.Job == a.Job && (b.Begun.After(a.Begun) || b.Begun.Equal(a.Begun) && b.Run > a.Run) {
				latest = false
			}
		}
		said := strings.Contains(a.searched(), strings.ToLower(q.Text))
		for _, text := range m.texts[a.Run] {
			said = said || strings.Contains(strings.ToLower(text), strings.ToLower(q.Text))
		}
		switch {
		case q.Latest && !latest,
			len(q.IDs) > 0 && !slices.Contains(q.IDs, a.Run) && !slices.Contains(q.IDs, a.Job),
			len(q.States) > 0 && !slices.Contains(q.States, a.State),
			!q.Since.IsZero() && a.Begun.Before(q.Since), !q.Until.IsZero() && !a.Begun.Before(q.Until),
			!said:
			continue
		}
		c := *a
		if !q.Reports {
			c.Report = nil
		}
		all = append(all, &c)
	}
	slices.SortFunc(all, func(a, b *Attempt) int {
		if c := b.Begun.Compare(a.Begun); c != 0 {
			return c
		}
		return strings.Compare(b.Run, a.Run)
	})
	if q.Limit > 0 && len(all) > q.Limit {
		all = all[:q.Limit]
	}
	return all
}

// Whatever is asked, a store answers what a plain loop over all attempts does, before and after some are removed.
func testQueries(t *rapid.T, s Store) {
	ctx := context.Background()
	m := model{make(map[string]*Attempt), make(map[string][]string)}
	texts := []string{"all is well", "it is 100% of C:\\x_y", "Done.*", "it's \"quoted\""}
	for i := range rapid.IntRange(0, 8).Draw(t, "attempts") {
		a := attempt(fmt.Sprintf("r%d", i), fmt.Sprintf("r%d", rapid.IntRange(0, i).Draw(t, "job")), rapid.IntRange(0, 3).Draw(t, "begun"),
			rapid.SampledFrom(States()).Draw(t, "state"))
		e := Entry{Seq: 2, Time: begin, Kind: watch.Says, Text: rapid.SampledFrom(texts).Draw(t, "text")}
		for range rapid.IntRange(1, 2).Draw(t, "times") {
			if err := s.Add(ctx, a, []Entry{e}); err != nil {
				t.Fatal(err)
			}
		}
		m.attempts[a.Run], m.texts[a.Run] = a, []string{e.Text}
	}
	ids := []string{"r0", "r1", "r2", "r5", "nobody", "%", "r_"}
	ask := func() {
		for range 4 {
			q := Query{
				Latest: rapid.Bool().Draw(t, "latest"), Reports: rapid.Bool().Draw(t, "reports"), Limit: rapid.IntRange(0, 4).Draw(t, "limit"),
				IDs:    rapid.SliceOfN(rapid.SampledFrom(ids), 0, 3).Draw(t, "ids"),
				States: rapid.SliceOfN(rapid.SampledFrom(States()), 0, 3).Draw(t, "states"),
				Text:   rapid.SampledFrom([]string{"", "", "WELL", "100%", "x_y", "xxy", ".*", "\\X", "'s \"", "/o/R1", "ünï", "a b", "nowhere", "1 0"}).Draw(t, "text"),
			}
			if rapid.Bool().Draw(t, "in time") {
				q.Since, q.Until = begin.Add(time.Second), begin.Add(time.Duration(rapid.IntRange(1, 3).Draw(t, "until"))*time.Second)
			}
			got, err := s.Attempts(ctx, q)
			if err != nil {
				t.Fatal(err)
			}
			if want := m.query(q); !reflect.DeepEqual(got, want) {
				t.Fatalf("%+v:\n%s\nwant\n%s", q, texted(got), texted(want))
			}
		}
	}
	ask()
	var gone []string
	for _, run := range slices.Sorted(maps.Keys(m.attempts)) { // an attempt before may be a job's latest then
		if rapid.Bool().Draw(t, "remove") {
			gone = append(gone, run)
		}
	}
	if err := s.Remove(ctx, gone); err != nil {
		t.Fatal(err)
	}
	for _, run := range gone {
		delete(m.attempts, run)
		delete(m.texts, run)
		if left, err := s.Entries(ctx, run, 0, 10); err != nil || len(left) > 0 {
			t.Fatalf("%v, %v", left, err)
		}
	}
	ask()
	for run := range m.attempts { // for the next round
		if err := s.Remove(ctx, []string{run}); err != nil {
			t.Fatal(err)
		}
	}
}

func texted(v any) string {
	b, _ := json.MarshalIndent(v, "", " ")
	return string(b)
}

// Entries come out as they went in, once, in order, in whatever order and how often they were brought.
func testEntries(t *testing.T, s Store) {
	ctx := context.Background()
	var want []Entry
	for i := range 1205 {
		rank := i%3 - 1
		e := Entry{Seq: int64(2*i + 1), Time: begin.Add(time.Duration(i) * time.Millisecond), Kind: watch.Prints, Level: slog.Level(4 * (i%4 - 1)),
			Rank: &rank, Host: "h", Stream: "stderr", Text: fmt.Sprintf("line %d of ü '\"\\$1?", i)}
		if i%5 == 0 {
			e.Rank, e.Kind = nil, watch.Says
		}
		want = append(want, e)
	}
	a := attempt("entries", "entries", 0, watch.Done)
	a.Entries = 3000
	for _, part := range [][]Entry{want[600:], want[:700], nil, want[500:501]} {
		if err := s.Add(ctx, a, part); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Add(ctx, attempt("other", "other", 0, watch.Done), []Entry{{Seq: 1, Time: begin, Text: "of another"}}); err != nil {
		t.Fatal(err)
	}
	var got []Entry
	h := &History{Store: s}
	last, err := h.Each(ctx, "entries", 0, func(e *Entry) error { got = append(got, *e); return nil })
	if err != nil || last != want[len(want)-1].Seq || !reflect.DeepEqual(got, want) {
		t.Errorf("%d entries, the last %d, %v", len(got), last, err)
	}
	some, err := s.Entries(ctx, "entries", 7, 2)
	if err != nil || !reflect.DeepEqual(some, want[4:6]) {
		t.Errorf("%+v, %v", some, err)
	}
	if err := s.Remove(ctx, []string{"entries", "other"}); err != nil {
		t.Error(err)
	}
}

// An attempt of which more is known is not made one of which less is.
func testMoreIsKnown(t *testing.T, s Store) {
	ctx := context.Background()
	early, late := attempt("x", "x", 0, watch.Running), attempt("x", "y", 0, watch.Done)
	late.Entries++
	for _, a := range []*Attempt{early, late, early} {
		if err := s.Add(ctx, a, nil); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Attempts(ctx, Query{Reports: true})
	if err != nil || !reflect.DeepEqual(got, []*Attempt{late}) {
		t.Errorf("%s, %v", texted(got), err)
	}
	if err := s.Remove(ctx, []string{"x"}); err != nil {
		t.Error(err)
	}
}

// When a job's latest attempt is removed, the one before it is the latest.
func testRemoveLatest(t *testing.T, s Store) {
	ctx := context.Background()
	for i, run := range []string{"a", "b", "c"} {
		if err := s.Add(ctx, attempt(run, "job", i, watch.Failed), nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ gone, want string }{{"c", "b"}, {"a", "b"}, {"b", ""}} {
		if err := s.Remove(ctx, []string{c.gone}); err != nil {
			t.Fatal(err)
		}
		got, err := s.Attempts(ctx, Query{Latest: true})
		if err != nil || len(got) > 1 || (len(got) == 1) != (c.want != "") || len(got) == 1 && got[0].Run != c.want {
			t.Errorf("without %s the latest is %s, %v, want %q", c.gone, texted(got), err, c.want)
		}
	}
}

// Who was not seen is taken for dead, but for those of whom one knows better, and until more is heard.
func testBury(t *testing.T, s Store) {
	ctx := context.Background()
	all := []*Attempt{
		attempt("a", "a", 0, watch.Running), attempt("b", "b", 0, watch.Starting), attempt("c", "c", 0, watch.Done), attempt("d", "d", 9, watch.Running),
		attempt("e", "e", 0, watch.Running),
	}
	for _, a := range all {
		if err := s.Add(ctx, a, nil); err != nil {
			t.Fatal(err)
		}
	}
	states := func() string {
		var text []string
		for _, a := range all {
			got, err := s.Attempts(ctx, Query{IDs: []string{a.Run}})
			if err != nil || len(got) != 1 {
				t.Fatalf("%v, %v", got, err)
			}
			text = append(text, got[0].State)
		}
		return strings.Join(text, " ")
	}
	if err := s.Bury(ctx, begin.Add(5*time.Second), []string{"e"}); err != nil {
		t.Fatal(err)
	}
	if got, want := states(), "killed killed done running running"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if err := s.Add(ctx, all[0], nil); err != nil { // it was cut off
		t.Fatal(err)
	}
	if err := s.Bury(ctx, begin.Add(time.Hour), nil); err != nil {
		t.Fatal(err)
	}
	if got, want := states(), "killed killed done killed killed"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if err := s.Add(ctx, all[0], nil); err != nil {
		t.Fatal(err)
	}
	if got, want := states(), "running killed done killed killed"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if err := s.Remove(ctx, []string{"a", "b", "c", "d", "e"}); err != nil {
		t.Error(err)
	}
}

// More takes more room, and what is removed gives it back.
func testSize(t *testing.T, s Store) {
	ctx := context.Background()
	size := func() int64 {
		n, err := s.Size(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	empty := size()
	a := attempt("big", "big", 0, watch.Done)
	a.Error, a.Bytes = strings.Repeat("x", 100<<10), 100<<10
	if err := s.Add(ctx, a, nil); err != nil {
		t.Fatal(err)
	}
	if full := size(); full < empty+100<<10 {
		t.Errorf("%d bytes, and %d with %d more", empty, full, a.Bytes)
	}
	if err := s.Remove(ctx, []string{"big"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	if again := size(); again > empty+8<<10 {
		t.Errorf("%d bytes, and %d when it is gone", empty, again)
	}
}
