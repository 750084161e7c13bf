package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// flagsFirst moves a command's flags before its other arguments, since the flag parser stops at the first of those.
// What stands behind -- stays where it is.
func flagsFirst(args []string) []string {
	if len(args) >= 3 && args[1] == "help" {
		args = append(append([]string{args[0]}, args[2:]...), "--help")
	}
	names := 1 // of program and commands
	commands := newApp().Commands
	var command *cli.Command
	for names < len(args) {
		i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(args[names]) })
		if i < 0 {
			break
		}
		command, commands = commands[i], commands[i].Subcommands
		names++
	}
	if command == nil || len(args) == names || len(command.Subcommands) > 0 && len(command.Flags) == 0 {
		return args
	}
	flags, others := slices.Clone(args[:names]), []string{}
	missing := false // the last flag's value
	for rest := args[names:]; len(rest) > 0; rest = rest[1:] {
		arg := rest[0]
		if arg == "--" {
			others = append(others, rest[1:]...)
			break
		}
		if len(arg) < 2 || arg[0] != '-' {
			others = append(others, arg)
			continue
		}
		if n, short := strings.CutPrefix(arg, "-n"); short && n != "" && strings.Trim(n, "0123456789") == "" {
			flags = append(flags, "-n", n) // -n4
			continue
		}
		if arg == "--help" || arg == "-h" {
			return append(slices.Clone(args[:names]), arg)
		}
		flags = append(flags, arg)
		if takesValue(command, arg) {
			if missing = len(rest) == 1; missing {
				break
			}
			rest = rest[1:]
			flags = append(flags, rest[0])
		}
	}
	if missing {
		return flags // without others, so that it is the missing value that is noticed
	}
	return append(append(flags, "--"), others...)
}

// takesValue tells whether the next argument is the flag's value.
func takesValue(c *cli.Command, arg string) bool {
	if strings.Contains(arg, "=") {
		return false
	}
	name := strings.TrimLeft(arg, "-")
	for _, f := range c.Flags {
		for _, n := range f.Names() {
			if n == name {
				_, boolean := f.(*cli.BoolFlag)
				return !boolean
			}
		}
	}
	return false
}
