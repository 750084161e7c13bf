package cmdline

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// Candidate is a word that the one at the cursor may become. If it ends in = more follows without a blank.
type Candidate struct{ Word, Doc string }

// Completer knows what may stand at the cursor of a command line.
type Completer struct {
	App *cli.App
	// Values offers what may stand where the placeholder says, such as OP and JOB. The line tells what else was typed.
	Values map[string]func(line *Line, typed string) []Candidate
}

// Line is a command line that is not all typed.
type Line struct {
	Command *cli.Command
	flags   map[string]string
}

// Flag returns the value of a flag that was typed, or "".
func (l *Line) Flag(name string) string { return l.flags[name] }

// What the shells are to complete themselves, in place of candidates: the names of files and folders that stand behind a part of the word.
const (
	filesDirective   = ":files"
	foldersDirective = ":folders"
)

// Complete writes how the last of the words may go on, one candidate a line, its description behind a tab; or a directive, and, behind a tab, the part of
// the word before the file's name. The words are those behind the program's name; the last one may be empty.
func (c *Completer) Complete(w io.Writer, words []string) error {
	if len(words) == 0 {
		words = []string{""}
	}
	candidates, directive := c.at(words[:len(words)-1], words[len(words)-1])
	if directive != "" {
		_, err := fmt.Fprintln(w, directive)
		return err
	}
	for _, one := range candidates {
		doc := strings.Join(strings.Fields(one.Doc), " ")
		if _, err := fmt.Fprintf(w, "%s\t%s\n", one.Word, doc); err != nil {
			return err
		}
	}
	return nil
}

func (c *Completer) at(before []string, typed string) ([]Candidate, string) {
	command, before := c.command(before)
	if command == nil || !Runs(command) {
		return c.commands(command, before, typed), ""
	}
	line := &Line{Command: command, flags: make(map[string]string)}
	flags := Flags(command)
	given, positional, ended := make(map[string]bool), 0, false
	var waiting *Flag // for its value
	for _, word := range before {
		name, value, valued := strings.Cut(strings.TrimLeft(word, "-"), "=")
		switch {
		case waiting != nil:
			line.flags[waiting.Name] = word
			waiting = nil
		case ended || len(word) < 2 || word[0] != '-':
			positional++
		case word == "--":
			ended = true
		default:
			if f := named(flags, name); f != nil {
				given[f.Name] = true
				line.flags[f.Name] = value
				if !valued && f.Kind != Switch {
					waiting = f
				}
			}
		}
	}
	switch {
	case waiting != nil:
		return c.value(line, *waiting, "", typed)
	case !ended && strings.HasPrefix(typed, "--") && strings.Contains(typed, "="):
		name, value, _ := strings.Cut(typed[2:], "=")
		if f := named(flags, name); f != nil {
			return c.value(line, *f, "--"+name+"=", value)
		}
		return nil, ""
	case !ended && strings.HasPrefix(typed, "-") && typed != "-":
		return flagNames(flags, given, typed), ""
	}
	candidates, directive := c.argument(line, command, positional, typed)
	if len(before) == 0 && len(command.Subcommands) > 0 {
		candidates = append(c.commands(command, before, typed), candidates...)
	}
	if typed == "-" && !ended {
		return append(candidates, flagNames(flags, given, typed)...), ""
	}
	return candidates, directive
}

// command follows the names of commands.
func (c *Completer) command(words []string) (*cli.Command, []string) {
	var command *cli.Command
	commands := c.App.Commands
	if len(words) > 0 && words[0] == "help" {
		words = words[1:]
	}
	for len(words) > 0 {
		i := slices.IndexFunc(commands, func(c *cli.Command) bool { return !c.Hidden && c.HasName(words[0]) })
		if i < 0 {
			break
		}
		command, commands, words = commands[i], commands[i].Subcommands, words[1:]
	}
	return command, words
}

// commands offers names of commands.
func (c *Completer) commands(above *cli.Command, before []string, typed string) (all []Candidate) {
	if len(before) > 0 {
		return nil // behind what is no command
	}
	commands := c.App.Commands
	if above != nil {
		commands = above.Subcommands
	}
	for _, one := range commands {
		if !one.Hidden && one.Name != "help" && strings.HasPrefix(one.Name, typed) {
			all = append(all, Candidate{one.Name, one.Usage})
		}
	}
	if strings.HasPrefix("--help", typed) && typed != "" {
		all = append(all, Candidate{"--help", "show help"})
	}
	if above == nil && strings.HasPrefix("--version", typed) && typed != "" {
		all = append(all, Candidate{"--version", "print the version"})
	}
	return all
}

func named(flags []Flag, name string) *Flag {
	for i, f := range flags {
		if f.Name == name || slices.Contains(f.Aliases, name) {
			return &flags[i]
		}
	}
	return nil
}

// flagNames offers the flags that were not given yet.
func flagNames(flags []Flag, given map[string]bool, typed string) (all []Candidate) {
	for _, f := range append(slices.Clone(flags), Flag{Name: "help", Usage: "show help", Kind: Switch}) {
		name := "--" + f.Name
		if len(f.Name) == 1 {
			name = "-" + f.Name
		}
		if strings.HasPrefix(name, typed) && (!given[f.Name] || f.Kind == Lines) {
			all = append(all, Candidate{name, f.Usage})
		}
	}
	return all
}

// value offers values of a flag. What stands before them in the word is as it is.
func (c *Completer) value(line *Line, f Flag, before, typed string) ([]Candidate, string) {
	words := f.Words
	if f.Kind == Switch {
		words = []string{"true", "false"}
	}
	if len(words) > 0 {
		return offer(words, before, typed), ""
	}
	return c.placeholder(line, f.Value, before, typed)
}

func offer(words []string, before, typed string) (all []Candidate) {
	for _, w := range words {
		if strings.HasPrefix(w, typed) {
			all = append(all, Candidate{before + w, ""})
		}
	}
	return all
}

// argument offers what may stand as an argument, by the command's ArgsUsage: INPUT OUTPUT OP [OP...], [JOB...], bash|zsh|fish.
func (c *Completer) argument(line *Line, command *cli.Command, position int, typed string) ([]Candidate, string) {
	arguments := strings.Fields(command.ArgsUsage)
	if len(arguments) == 0 {
		return nil, ""
	}
	if position >= len(arguments) {
		if !strings.Contains(arguments[len(arguments)-1], "...") {
			return nil, ""
		}
		position = len(arguments) - 1
	}
	name := strings.Trim(arguments[position], "[].")
	if strings.Contains(name, "|") {
		return offer(strings.Split(name, "|"), "", typed), ""
	}
	return c.placeholder(line, name, "", typed)
}

// placeholder offers what a placeholder stands for.
func (c *Completer) placeholder(line *Line, name, before, typed string) ([]Candidate, string) {
	if values := c.Values[name]; values != nil {
		if i := strings.LastIndex(typed, "=@"); i >= 0 {
			return nil, filesDirective + "\t" + before + typed[:i+2]
		}
		all := values(line, typed)
		for i := range all {
			all[i].Word = before + all[i].Word
		}
		return all, ""
	}
	switch name {
	case "INPUT":
		if strings.HasPrefix(typed, "@") {
			return nil, filesDirective + "\t" + before + "@"
		}
		return nil, filesDirective + "\t" + before
	case "OUTPUT", "FILE", "PROGRAM", "OLD", "NEW":
		return nil, filesDirective + "\t" + before
	case "DIR":
		return nil, foldersDirective + "\t" + before
	}
	return nil, ""
}
