package main

import (
	"io"
	"log/slog"
	"os"
	"sync"

	"github.com/urfave/cli/v2"

	"halorun/cmdline"
	"halorun/launcher/jobs/messages"
)

// Formats of --log-format.
const (
	logText = "text"
	logJSON = "json"
)

func logFlags() []cli.Flag {
	return []cli.Flag{
		cmdline.OneOf(&cli.StringFlag{Name: "log-format", Value: logText, Usage: "messages are of `FORMAT` text, or json: one object a line"}, logText, logJSON),
		&cli.StringFlag{Name: "log-file", Usage: "append all messages, with the verbose ones, to `FILE`"},
		&cli.BoolFlag{Name: "quiet", Usage: "no notices"},
		&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "say what happens"},
	}
}

// plainLog returns the log of commands that are no jobs.
func plainLog(quiet, verbose bool) *slog.Logger {
	return slog.New(logTo(os.Stderr, logText, logLevel(quiet, verbose)))
}

// logLevel returns from which level on users are told.
func logLevel(quiet, verbose bool) slog.Level {
	switch {
	case quiet:
		return slog.LevelError + 1 // than any
	case verbose:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// logTo returns a handler of messages from a level on.
func logTo(w io.Writer, format string, level slog.Level) slog.Handler {
	if format == logJSON {
		return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})
	}
	return messages.Text(w, level)
}

// logFile is the file of --log-file.
type logFile struct {
	*os.File
	warn func(error) // of the first error
	once sync.Once
}

func (f *logFile) Write(b []byte) (int, error) {
	n, err := f.File.Write(b)
	if err != nil {
		f.once.Do(func() { f.warn(err) })
	}
	return n, err
}

// logFileTo is logTo for a file, in which all have their time.
func logFileTo(w io.Writer, format string) slog.Handler {
	if format == logJSON {
		return logTo(w, format, slog.LevelDebug)
	}
	return slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})
}
