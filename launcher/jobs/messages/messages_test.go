package messages_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"pgregory.net/rapid"

	"halorun/launcher/jobs/messages"
	"halorun/launcher/jobs/watch"
)

// The handler keeps slog's contract, as slog's own test knows it, where that is not about the time and the level, which are for others to show.
func TestContract(t *testing.T) {
	var lines []string
	slogtest.Run(t, func(*testing.T) slog.Handler {
		lines = nil
		return messages.New(slog.LevelInfo, func(at time.Time, level slog.Level, text string) error {
			line := "level=" + level.String() + " msg=" + text
			if !at.IsZero() {
				line = "time=" + at.Format(time.RFC3339) + " " + line
			}
			lines = append(lines, line)
			return nil
		})
	}, func(t *testing.T) map[string]any {
		if len(lines) != 1 {
			t.Fatalf("%d lines", len(lines))
		}
		all := make(map[string]any)
		for _, field := range strings.Fields(lines[0]) {
			key, value, ok := strings.Cut(field, "=")
			if !ok {
				continue // a word of the message
			}
			at := all
			keys := strings.Split(key, ".")
			for _, group := range keys[:len(keys)-1] {
				if _, ok := at[group].(map[string]any); !ok {
					at[group] = make(map[string]any)
				}
				at = at[group].(map[string]any)
			}
			at[keys[len(keys)-1]] = value
		}
		return all
	})
}

// Attributes come in the order and with the keys that slog's own text handler gives them.
func TestLikeText(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var mine, slogs bytes.Buffer
		ours := slog.Handler(messages.Text(&mine, slog.LevelDebug))
		theirs := slog.Handler(slog.NewTextHandler(&slogs, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == "time" || a.Key == "level" || a.Key == "msg") {
				return slog.Attr{}
			}
			return a
		}}))
		attr := rapid.Custom(func(rt *rapid.T) slog.Attr {
			key := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "key")
			return rapid.SampledFrom([]slog.Attr{slog.Int(key, 7), slog.String(key, "x"), slog.Bool(key, true), slog.Group(key, "d", 1, "e", 2), slog.Group("", key, 1), slog.Group(key)}).Draw(rt, "attr")
		})
		for range rapid.IntRange(0, 4).Draw(rt, "steps") {
			if rapid.Bool().Draw(rt, "group") {
				ours, theirs = ours.WithGroup("g"), theirs.WithGroup("g")
				continue
			}
			attrs := rapid.SliceOfN(attr, 0, 3).Draw(rt, "with")
			ours, theirs = ours.WithAttrs(attrs), theirs.WithAttrs(attrs)
		}
		r := slog.NewRecord(time.Now(), slog.LevelInfo, "m", 0)
		r.AddAttrs(rapid.SliceOfN(attr, 0, 3).Draw(rt, "attrs")...)
		if err := errors.Join(ours.Handle(context.Background(), r), theirs.Handle(context.Background(), r)); err != nil {
			rt.Fatal(err)
		}
		if got, want := strings.TrimSpace(mine.String()), strings.TrimSpace("halorun: m "+slogs.String()); got != want {
			rt.Fatalf("%q, want %q", got, want)
		}
	})
}

// Levels are kept to, a record is one line, and a board hears all.
func TestLevels(t *testing.T) {
	var out bytes.Buffer
	b := watch.NewBoard(watch.Job{})
	heard := b.Subscribe(10)
	log := slog.New(slog.NewMultiHandler(messages.Text(&out, slog.LevelWarn), messages.Board(b)))
	log.Debug("quiet")
	log.With("n", 3).Warn("two\nlines", "err", fmt.Errorf("a\x1b[2Jb"))
	heard.Close()
	if out.String() != "halorun: two lines n=3 err=a [2Jb\n" {
		t.Errorf("%q", out.String())
	}
	var texts []string
	for i := range heard.Items {
		if i.Kind == watch.Says {
			texts = append(texts, i.Level.String()+" "+i.Text)
		}
	}
	if fmt.Sprint(texts) != "[DEBUG quiet WARN two lines n=3 err=a [2Jb]" {
		t.Errorf("%q", texts)
	}
}
