package cmdline

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// prefix is that of all variables.
const prefix = "HALORUN_"

// Variable returns the environment variable that stands in for a flag.
func Variable(flag string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Environment gives flags that were not typed the values of their environment variables. An empty variable is none. A variable for a flag that can be
// repeated has a value in each line.
func Environment(c *cli.Context, lookup func(name string) string, wanted func(flag string) bool) (Origins, error) {
	origins, typed := Origins{}, Typed(c)
	for _, f := range Flags(c.Command) {
		variable := Variable(f.Name)
		value := lookup(variable)
		if value == "" || !wanted(f.Name) {
			continue
		}
		values := []string{value}
		if f.Kind == Lines {
			values = strings.FieldsFunc(value, func(r rune) bool { return r == '\n' })
		}
		if err := origins.Set(c, f, typed, variable, values); err != nil {
			return origins, err
		}
	}
	return origins, nil
}
