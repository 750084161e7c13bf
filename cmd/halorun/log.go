package main

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"halorun/cmdline"
	"halorun/launcher/jobs/messages"
	"halorun/ranks"
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

// logFile is the file of --log-file. After the first error nothing more is written there.
type logFile struct {
	*os.File
	warn func(error) // of that error
	mu   sync.Mutex
	lost error
}

// logFileTime is how long whoever reads a pipe may keep a job waiting.
const logFileTime = 5 * time.Second

func openLogFile(name string) (*logFile, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE|unix.O_NONBLOCK, 0o666)
	if errors.Is(err, unix.ENXIO) {
		return nil, usage("--log-file %s: nobody reads this pipe; start its reader first", name)
	}
	if err != nil {
		return nil, &ranks.OutputError{Name: name, Err: err}
	}
	return &logFile{File: f}, nil
}

func (f *logFile) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lost != nil {
		return 0, f.lost
	}
	_ = f.SetWriteDeadline(time.Now().Add(logFileTime)) // files have none
	n, err := f.File.Write(b)
	if err != nil {
		f.lost = err
		f.warn(err)
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
