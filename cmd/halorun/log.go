package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
)

// newLog returns the logger for messages to the user: one plain line each on stderr.
func newLog(quiet, verbose bool) *slog.Logger {
	level := slog.LevelInfo
	switch {
	case quiet:
		level = slog.LevelError
	case verbose:
		level = slog.LevelDebug
	}
	return slog.New(lineHandler{level: level})
}

// lineHandler prints records as a command-line program does: "halorun: message key=value".
type lineHandler struct {
	level slog.Level
	attrs []slog.Attr
}

func (h lineHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

func (h lineHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message)
	add := func(a slog.Attr) bool {
		fmt.Fprintf(&b, " %s=%v", a.Key, a.Value)
		return true
	}
	for _, a := range h.attrs {
		add(a)
	}
	r.Attrs(add)
	_, err := fmt.Fprintf(os.Stderr, "halorun: %s\n", oneLine(b.String()))
	return err
}

func (h lineHandler) WithAttrs(as []slog.Attr) slog.Handler {
	h.attrs = append(h.attrs[:len(h.attrs):len(h.attrs)], as...)
	return h
}

func (h lineHandler) WithGroup(string) slog.Handler { return h }
