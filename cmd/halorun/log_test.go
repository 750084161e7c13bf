package main

import (
	"io"
	"log/slog"
	"testing"
)

// With --quiet no message passes, of whatever weight; what a job fails of is no message.
func TestQuiet(t *testing.T) {
	for _, verbose := range []bool{false, true} {
		for level := slog.LevelDebug; level <= slog.LevelError; level++ {
			if logTo(io.Discard, logText, logLevel(true, verbose)).Enabled(t.Context(), level) {
				t.Errorf("%v passes", level)
			}
		}
	}
}
