package cmdline

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"
)

// Limits are what a value is held to, wherever it is given. The schema of job files follows from them, too.
type Limits struct {
	What        string // the number of ranks: for messages
	Least, Most int64  // of a number, or of nanoseconds
	Pattern     string // of a text, as a regular expression that both Go and JavaScript understand
}

type limitedInt struct {
	*cli.IntFlag
	limits Limits
}

type limitedInt64 struct {
	*cli.Int64Flag
	limits Limits
}

type limitedTime struct {
	*cli.DurationFlag
	limits Limits
}

type limitedText struct {
	*cli.StringFlag
	limits Limits
}

// NoLimit as the most that a number may be.
const NoLimit = math.MaxInt64

// Within returns a flag that takes numbers of a range.
func Within(f *cli.IntFlag, what string, least, most int64) cli.Flag {
	return &limitedInt{f, Limits{What: what, Least: least, Most: most}}
}

// Positive returns a flag that takes numbers from 1 on.
func Positive(f *cli.Int64Flag, what string) cli.Flag {
	return &limitedInt64{f, Limits{What: what, Least: 1, Most: NoLimit}}
}

// AtLeast returns a flag that takes times that are not shorter; 1 ns stands for all above 0.
func AtLeast(f *cli.DurationFlag, least time.Duration) cli.Flag {
	return &limitedTime{f, Limits{What: "the time", Least: int64(least), Most: NoLimit}}
}

// Matching returns a flag that takes texts of a form, such as "an absolute path". An empty text is as good as none.
func Matching(f *cli.StringFlag, form, pattern string) cli.Flag {
	return &limitedText{f, Limits{What: form, Pattern: pattern}}
}

// Matching holds what is none of the words to a form, as the function of that name does; the pattern is of the words, too.
func (f *Choice) Matching(form, pattern string) *Choice {
	f.limits = &Limits{What: form, Pattern: pattern}
	return f
}

// limitsOf returns the limits of a flag, or nil.
func limitsOf(f cli.Flag) (*Limits, Kind) {
	switch f := f.(type) {
	case *limitedInt:
		return &f.limits, Whole
	case *limitedInt64:
		return &f.limits, Whole
	case *limitedTime:
		return &f.limits, Time
	case *limitedText:
		return &f.limits, Text
	case *Choice:
		return f.limits, Text
	}
	return nil, Text
}

// allow tells whether a text, which is of the right kind, is within the limits.
func (l *Limits) allow(kind Kind, text string) bool {
	var n int64
	switch kind {
	case Whole:
		n, _ = strconv.ParseInt(text, 0, 64)
	case Time:
		d, _ := time.ParseDuration(text)
		n = int64(d)
	default:
		return text == "" || regexp.MustCompile(l.Pattern).MatchString(text)
	}
	return l.Least <= n && n <= l.Most
}

// between says what the limits of a number or time are: from 1 to 100.
func (l *Limits) between(kind Kind) string {
	switch {
	case kind == Time && l.Least == 1:
		return "more than 0"
	case kind == Time:
		return fmt.Sprintf("at least %v", time.Duration(l.Least))
	case l.Most == NoLimit:
		return fmt.Sprintf("at least %d", l.Least)
	}
	return fmt.Sprintf("from %d to %d", l.Least, l.Most)
}

// CheckLimits returns an error if a flag of a command has a value beyond its limits.
func CheckLimits(c *cli.Context) error {
	has := Typed(c)
	for _, f := range c.Command.Flags {
		limits, kind := limitsOf(f)
		if limits == nil || !has(f.Names()[0]) {
			continue
		}
		name := f.Names()[0]
		text := fmt.Sprint(c.Value(name))
		switch {
		case limits.allow(kind, text):
		case kind == Text:
			return fmt.Errorf("--%s %.200q: give %s", name, text, limits.What)
		default:
			return fmt.Errorf("--%s %s: %s is %s", name, text, limits.What, limits.between(kind))
		}
	}
	return nil
}
