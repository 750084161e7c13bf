package main

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"halorun/cmdline"
	"halorun/launcher/jobs/progress"
	"halorun/launcher/jobs/watch"
)

// inJSON tells of a mistake as JSON, if it was found before there was a job to tell of it and the command line or the environment asks for that.
func inJSON(args []string, err error) error {
	if err == nil || isA[toldError](err) || isA[pipeError](err) || len(args) < 2 || !slices.Contains([]string{"run", "resume"}, args[1]) {
		return err
	}
	asked := askedFor(args)
	s := &speech{console: progress.NewConsole(os.Stderr), mode: progress.Never, format: asked("log-format")}
	report, began := newReport(newJobID(), 0), time.Now()
	board := watch.NewBoard(watch.Job{ID: report.Job, Run: report.Job, Version: version, Began: began})
	if asked("progress") == string(progress.JSON) {
		s.mode, s.stream = progress.JSON, progress.NewStream(os.Stderr)
		s.begin(board)
	}
	report.conclude(began, err)
	return s.end(board, report, err)
}

// askedFor returns what tells the values of flags, even of a command line that is wrong.
func askedFor(args []string) func(name string) string {
	command := new(cli.Command)
	for _, c := range newApp().Commands {
		if c.HasName(args[1]) {
			command = c
		}
	}
	typed := make(map[string]string)
	for rest := flagsFirst(args)[2:]; len(rest) > 0 && rest[0] != "--"; rest = rest[1:] {
		name, value, given := strings.Cut(strings.TrimLeft(rest[0], "-"), "=")
		switch {
		case given:
		case !takesValue(command, rest[0]):
			value = "true"
		case len(rest) > 1:
			rest = rest[1:]
			value = rest[0]
		}
		if name == "v" {
			name = "verbose"
		}
		typed[name] = value
	}
	variable := func(name string) string { return os.Getenv(cmdline.Variable(name)) }
	quiet, _ := strconv.ParseBool(typed["quiet"])
	if _, loud := typed["verbose"]; typed["quiet"] == "" && !loud {
		quiet, _ = strconv.ParseBool(variable("quiet"))
	}
	return func(name string) string {
		value, ok := typed[name]
		if !ok && !(quiet && name == "progress") { // as of a job
			value = variable(name)
		}
		return value
	}
}
