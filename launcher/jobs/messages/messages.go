// Package messages makes text of log records: one line each, as a command-line program says things.
package messages

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"halorun/launcher/jobs/watch"
)

// Say gets the text of a record, in one line.
type Say func(at time.Time, level slog.Level, text string) error

// Handler is a slog.Handler that makes text of records: the message, and behind it key=value for each attribute.
type Handler struct {
	level  slog.Leveler
	say    Say
	attrs  string // as text, of those that all records have
	prefix string // of the keys: the groups, each with its dot
}

// New returns a handler of the records from a level on.
func New(level slog.Leveler, say Say) *Handler { return &Handler{level: level, say: say} }

// Text returns a handler that prints lines such as "halorun: message key=value".
func Text(w io.Writer, level slog.Leveler) *Handler {
	return New(level, func(_ time.Time, _ slog.Level, text string) error {
		_, err := fmt.Fprintf(w, "halorun: %s\n", text)
		return err
	})
}

// Board returns a handler that puts all records on a board.
func Board(b *watch.Board) *Handler {
	return New(slog.LevelDebug, func(_ time.Time, level slog.Level, text string) error {
		b.Log(level, text)
		return nil
	})
}

// Enabled is for slog.
func (h *Handler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

// Handle is for slog.
func (h *Handler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message)
	b.WriteString(h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		add(&b, h.prefix, a)
		return true
	})
	return h.say(r.Time, r.Level, OneLine(b.String()))
}

// WithAttrs is for slog.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var b strings.Builder
	for _, a := range attrs {
		add(&b, h.prefix, a)
	}
	with := *h
	with.attrs += b.String()
	return &with
}

// WithGroup is for slog.
func (h *Handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	with := *h
	with.prefix += name + "."
	return &with
}

// add adds an attribute, or those of a group.
func add(b *strings.Builder, prefix string, a slog.Attr) {
	value := a.Value.Resolve()
	switch {
	case a.Key == "" && value.Kind() != slog.KindGroup:
		return // slog has handlers leave out what is empty
	case value.Kind() != slog.KindGroup:
		fmt.Fprintf(b, " %s%s=%v", prefix, a.Key, value)
		return
	}
	if a.Key != "" {
		prefix += a.Key + "."
	}
	for _, a := range value.Group() {
		add(b, prefix, a)
	}
}

// OneLine makes a text one line, whatever a library or a file's name put into it.
func OneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.TrimSpace(s))
}
