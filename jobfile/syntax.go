package jobfile

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ofParser are the beginnings of messages for which the YAML library counts lines from 0.
var ofParser = []string{"did not find expected node content", "did not find expected key", "did not find expected '-'", "did not find expected ','", "did not find expected <"}

// forQuotes are parts of messages that tell of a value that needs quotes.
var forQuotes = []string{"cannot start any token", "not allowed in this context", "unknown anchor", "node content", "expected alphabetic", "expected key"}

// syntax makes an error of what the YAML library says, with the line that it means.
func syntax(name, text string, err error) error {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if m := regexp.MustCompile(`^line (\d+): `).FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
		message = message[len(m[0]):]
		if slices.ContainsFunc(ofParser, func(p string) bool { return strings.HasPrefix(message, p) }) {
			line++
		}
	} else if m := regexp.MustCompile(`^unknown anchor '(.*)'`).FindStringSubmatch(message); m != nil {
		line = lineOf(text, strings.Index(text, "*"+m[1]))
	} else if i := strings.IndexFunc(text, unreadable); i >= 0 {
		line = lineOf(text, i)
	}
	hint := ""
	if slices.ContainsFunc(forQuotes, func(p string) bool { return strings.Contains(message, p) }) {
		hint = "; a value that begins with a sign such as @ * & ! % - [ {, or has ': ' or ' #' in it, needs quotes"
	}
	return fmt.Errorf("%s: this is not YAML: %s%s", place(name, line), message, hint)
}

// unreadable tells whether a character may not be in YAML.
func unreadable(r rune) bool {
	return r == utf8.RuneError || r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f
}

func lineOf(text string, offset int) int {
	return 1 + strings.Count(text[:max(offset, 0)], "\n")
}
