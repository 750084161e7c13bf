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
type lineHandler struct{ level slog.Level }

func (h lineHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

func (h lineHandler) Handle(_ context.Context, r slog.Record) error {
	_, err := fmt.Fprintf(os.Stderr, "halorun: %s\n", oneLine(textOf(r)))
	return err
}

func (h lineHandler) WithAttrs([]slog.Attr) slog.Handler { return h } // nobody asks for it
func (h lineHandler) WithGroup(string) slog.Handler      { return h }

// textOf returns a record as text.
func textOf(r slog.Record) string {
	var b strings.Builder
	b.WriteString(r.Message)
	r.Attrs(func(a slog.Attr) bool {
		fmt.Fprintf(&b, " %s=%v", a.Key, a.Value)
		return true
	})
	return b.String()
}
