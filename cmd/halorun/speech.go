package main

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"halorun/cmdline"
	"halorun/launcher"
	"halorun/launcher/jobs/messages"
	"halorun/launcher/jobs/progress"
	"halorun/launcher/jobs/watch"
)

func progressFlag() cli.Flag {
	return cmdline.OneOf(&cli.StringFlag{Name: "progress", Value: string(progress.Auto), Usage: "tell how far the job is by `HOW`: bar, on a terminal; plain, a line every 10 s; json, one object a line of all that happens; none; or auto, a bar on a terminal and plain elsewhere"},
		string(progress.Auto), string(progress.Bar), string(progress.Text), string(progress.JSON), string(progress.Never))
}

// speech is what a job says on stderr, and how.
type speech struct {
	console *progress.Console
	stream  *progress.Stream // takes the place of all else; nil unless it is asked for
	mode    progress.Mode
	format  string
	quiet   bool
	level   slog.Level
	file    *logFile // gets all messages, too; nil for none
	notices *slog.Logger
	teller  *progress.Teller
}

// newSpeech takes over the flags. It can be used even if there is a mistake in them. With untold there is no file of messages.
func newSpeech(c *cli.Context, untold bool) (s *speech, log *slog.Logger, mistake error) {
	s = &speech{
		console: progress.NewConsole(os.Stderr), mode: progress.Never, format: c.String("log-format"), quiet: c.Bool("quiet"),
		level: logLevel(c.Bool("quiet"), c.Bool("verbose")),
	}
	if s.format != logText && s.format != logJSON {
		mistake = usage("--log-format %q: there are text and json", s.format)
		s.format = logText
	}
	mode, err := progress.ParseMode(c.String("progress"))
	if err != nil {
		mistake = usage("--progress %v", err)
	} else if typed := c.IsSet("progress") && originsOf(c)["progress"] == ""; typed || !c.Bool("quiet") {
		s.mode = mode.For(os.Stderr)
	}
	if name := c.String("log-file"); name != "" && mistake == nil && !untold {
		s.file, mistake = openLogFile(name)
	}
	if s.mode == progress.JSON {
		s.stream = progress.NewStream(os.Stderr)
	}
	handlers := []slog.Handler{s.handler(s.level)}
	s.notices = slog.New(s.handler(min(s.level, slog.LevelInfo)))
	if s.file != nil {
		s.file.warn = func(err error) {
			slog.New(handlers[0]).Warn(oneLine(fmt.Sprintf("messages are missing in --log-file: %v", err)))
		}
		handlers = append(handlers, logFileTo(s.file, s.format))
	}
	return s, slog.New(slog.NewMultiHandler(handlers...)), mistake
}

// handler returns what prints messages from a level on.
func (s *speech) handler(level slog.Level) slog.Handler {
	if s.stream != nil {
		return messages.New(level, func(at time.Time, level slog.Level, text string) error {
			s.stream.Log(at, level, text)
			return nil
		})
	}
	return logTo(s.console, s.format, level)
}

// begin begins to tell how far the job is.
func (s *speech) begin(b *watch.Board) {
	switch s.mode {
	case progress.Bar:
		s.teller = progress.View(s.console, b)
	case progress.Text:
		s.teller = progress.Plain(b, func(text string) { s.notices.Info(text) })
	case progress.JSON:
		s.teller = s.stream.Follow(b)
	}
}

// event tells what befell a rank, where that is not told in words.
func (s *speech) event(e launcher.Event) {
	if s.stream != nil {
		s.stream.Event(e)
	}
}

// line prints a line of a rank. With a stream it has no tag, since there all is said apart.
func (s *speech) line(rank int, host, stream, line, tagged string) error {
	switch {
	case s.stream != nil:
		s.stream.Line(rank, host, stream, line)
		return nil
	case s.quiet:
		return nil
	}
	_, err := fmt.Fprintln(s.console, tagged)
	return err
}

// end ends it, and says what the error is if main would not say it so.
func (s *speech) end(b *watch.Board, r *report, err error) error {
	s.teller.Close()
	if s.file != nil {
		if err != nil {
			slog.New(logFileTo(s.file, s.format)).Error(message(err), "exit_status", exitStatus(err))
		}
		s.file.Close() // what is lost of it is lost
	}
	switch {
	case s.stream != nil:
		end := watch.End{Time: time.Now(), State: r.State, ExitStatus: exitStatus(err)}
		if err != nil {
			end.Error = message(err)
		}
		s.stream.End(b.Snapshot().Job, end, time.Duration(r.WallSeconds*float64(time.Second)))
		return told(err)
	case err != nil && s.format == logJSON:
		slog.New(s.handler(slog.LevelError)).Error(message(err), "exit_status", exitStatus(err))
		return told(err)
	}
	return err
}

// toldError is an error of which the user has been told.
type toldError struct{ error }

func (e toldError) Unwrap() error { return e.error }

func told(err error) error {
	if err == nil {
		return nil
	}
	return toldError{err}
}
