package progress

import (
	"fmt"
	"os"
	"slices"
)

// Mode is how it is told how far a job is.
type Mode string

// Modes.
const (
	Auto  Mode = "auto" // a Bar on a terminal, and Plain elsewhere
	Bar   Mode = "bar"
	Text  Mode = "plain"
	JSON  Mode = "json"
	Never Mode = "none"
)

// ParseMode returns the mode of that name.
func ParseMode(name string) (Mode, error) {
	switch m := Mode(name); m {
	case Auto, Bar, Text, JSON, Never:
		return m, nil
	}
	return "", fmt.Errorf("%q: there are auto, bar, plain, json and none", name)
}

// For returns the mode for an output: there are bars only on terminals that know how to go back to a line.
func (m Mode) For(out *os.File) Mode {
	if m == Auto || m == Bar {
		if IsTerminal(out) && !slices.Contains([]string{"", "dumb"}, os.Getenv("TERM")) {
			return Bar
		}
		return Text
	}
	return m
}
