package cmdline

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"
)

func testApp(do func(*cli.Context) error) *cli.App {
	return &cli.App{
		Name: "prog", Usage: "a program", Version: "1-2", DisableSliceFlagSeparator: true, ExitErrHandler: func(*cli.Context, error) {},
		Commands: []*cli.Command{
			{Name: "run", Usage: "run it", ArgsUsage: "INPUT OUTPUT OP [OP...]", Description: ".begins with a dot\n'quoted' back\\slash", Action: do, Flags: []cli.Flag{
				&cli.IntFlag{Name: "np", Aliases: []string{"n"}, Usage: "`N` ranks"},
				&cli.BoolFlag{Name: "quiet", Usage: "no notices"},
				&cli.BoolFlag{Name: "verbose", Usage: "notices"},
				&cli.DurationFlag{Name: "timeout", Value: time.Minute, Usage: "end after `D`"},
				&cli.StringFlag{Name: "report", Usage: "to `FILE`"},
				&cli.StringFlag{Name: "output-dir", Usage: "to `DIR`"},
				&cli.StringSliceFlag{Name: "x", Usage: "set `NAME`"},
				&cli.Float64Flag{Name: "ratio", Usage: "of `F`"},
				OneOf(&cli.StringFlag{Name: "mode", Value: "slow", Usage: "`MODE` of it"}, "slow", "fast"),
				&cli.StringFlag{Name: "secret", Hidden: true},
			}},
			{Name: "hosts", Subcommands: []*cli.Command{{Name: "show", Usage: "show them", Action: do}, {Name: "check", Usage: "check them", Action: do}}},
			{Name: "go", Usage: "go on", ArgsUsage: "[JOB...]", Action: do},
			{Name: "shell", Usage: "a script", ArgsUsage: "bash|zsh", Action: do},
			{Name: "agent", Hidden: true},
		},
	}
}

func TestComplete(t *testing.T) {
	values := func(words ...string) func(*Line, string) []Candidate {
		return func(l *Line, typed string) (all []Candidate) {
			for _, w := range words {
				if strings.HasPrefix(w, typed) {
					all = append(all, Candidate{w + l.Flag("report"), ""})
				}
			}
			return all
		}
	}
	c := &Completer{App: testApp(nil), Values: map[string]func(*Line, string) []Candidate{"OP": values("blur", "box"), "JOB": values("1a", "2b")}}
	for line, want := range map[string]string{
		"":                         "run hosts go shell",
		"r":                        "run",
		"a":                        "",
		"agent ":                   "",
		"hosts ":                   "show check",
		"hosts s":                  "show",
		"hosts show ":              "",
		"nothing ":                 "",
		"help ":                    "run hosts go shell",
		"--":                       "--help --version",
		"run ":                     ":files\t",
		"run @":                    ":files\t@",
		"run a ":                   ":files\t",
		"run a b ":                 "blur box",
		"run a b blur bo":          "box",
		"run a b c=@":              ":files\tc=@",
		"run --np ":                "",
		"run --np 3 a b bl":        "blur",
		"run -n 3 a b bl":          "blur",
		"run -n=3 a b bl":          "blur",
		"run a b --quiet bl":       "blur",
		"run a b -- bl":            "blur",
		"run a b -- --np":          "",
		"run --":                   "--np --quiet --verbose --timeout --report --output-dir --ratio --mode --help",
		"run --quiet --x a --":     "--np --verbose --timeout --report --output-dir --ratio --mode --help",
		"run --mode ":              "slow fast",
		"run --mode=f":             "--mode=fast",
		"run --quiet=":             "--quiet=true --quiet=false",
		"run --report ":            ":files\t",
		"run --report=a":           ":files\t--report=",
		"run --output-dir=":        ":folders\t--output-dir=",
		"run --secret":             "",
		"run --report r a b blu":   "blurr",
		"go ":                      "1a 2b",
		"go 1a 2":                  "2b",
		"shell ":                   "bash zsh",
		"shell bash ":              "",
		"run a b --mode slow --np": "--np",
	} {
		var b strings.Builder
		if err := c.Complete(&b, strings.Split(line, " ")); err != nil {
			t.Fatal(err)
		}
		var got []string
		for l := range strings.Lines(b.String()) {
			word, rest, _ := strings.Cut(strings.TrimSuffix(l, "\n"), "\t")
			if strings.HasPrefix(word, ":") {
				word += "\t" + rest
			}
			got = append(got, word)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

func TestEnvironment(t *testing.T) {
	type values = map[string]string
	for name, test := range map[string]struct {
		args []string
		env  values
		want string
		err  string
	}{
		"nothing":        {nil, nil, "0 false false 1m0s [] slow 0", ""},
		"all":            {nil, values{"HALORUN_NP": "0x10", "HALORUN_QUIET": "1", "HALORUN_TIMEOUT": "3s", "HALORUN_X": "A=1, 2\nB=\n", "HALORUN_MODE": "fast", "HALORUN_RATIO": "0.5"}, "16 true false 3s [A=1, 2|B=] fast 0.5", ""},
		"empty":          {nil, values{"HALORUN_NP": "", "HALORUN_QUIET": "", "HALORUN_X": "", "HALORUN_MODE": ""}, "0 false false 1m0s [] slow 0", ""},
		"typed":          {[]string{"--np", "3", "--x", "C"}, values{"HALORUN_NP": "4", "HALORUN_X": "A"}, "3 false false 1m0s [C] slow 0", ""},
		"typed by alias": {[]string{"-n", "3"}, values{"HALORUN_NP": "4"}, "3 false false 1m0s [] slow 0", ""},
		"rival":          {[]string{"--verbose"}, values{"HALORUN_QUIET": "true"}, "0 false true 1m0s [] slow 0", ""},
		"hidden":         {nil, values{"HALORUN_SECRET": "s"}, "0 false false 1m0s [] slow 0", ""},
		"no number":      {nil, values{"HALORUN_NP": "many"}, "", `HALORUN_NP: "many" is not a whole number`},
		"too large":      {nil, values{"HALORUN_NP": "99999999999999999999"}, "", `HALORUN_NP: "99999999999999999999" is not a whole number`},
		"no truth":       {nil, values{"HALORUN_QUIET": "maybe"}, "", `HALORUN_QUIET: "maybe" is not true or false`},
		"no time":        {nil, values{"HALORUN_TIMEOUT": "3"}, "", `HALORUN_TIMEOUT: "3" is not a time such as 90s or 10m`},
		"no word":        {nil, values{"HALORUN_MODE": "x"}, "", `HALORUN_MODE: "x" is not one of slow, fast`},
		"mistake":        {nil, values{"HALORUN_NP": "13"}, "", `HALORUN_NP: --np 13: unlucky`},
		"file":           {nil, values{"HALORUN_REPORT": "wrong.txt"}, "", `HALORUN_REPORT: wrong.txt: no such file`},
	} {
		got := ""
		err := testApp(func(c *cli.Context) error {
			origins, err := Environment(c, func(n string) string { return test.env[n] }, func(string) bool { return true })
			if err != nil {
				return err
			}
			got = fmt.Sprint(c.Int("np"), c.Bool("quiet"), c.Bool("verbose"), " ", c.Duration("timeout"), " [", strings.Join(c.StringSlice("x"), "|"), "] ", c.String("mode"), " ", c.Float64("ratio"))
			switch {
			case c.Int("np") == 13:
				err = errors.New("--np 13: unlucky")
			case c.String("report") != "":
				err = errors.New("wrong.txt: no such file")
			}
			return origins.Explain(c, err)
		}).Run(append([]string{"prog", "run"}, test.args...))
		if test.err != "" {
			if err == nil || err.Error() != test.err {
				t.Errorf("%s: %v, want %s", name, err, test.err)
			}
			continue
		}
		if err != nil || got != test.want {
			t.Errorf("%s: %s, %v, want %s", name, got, err, test.want)
		}
	}
}

// What the page says is just that, whatever characters it has.
func TestEscape(t *testing.T) {
	var b strings.Builder
	p := Page{App: testApp(nil), Date: "2026-01-02", Description: "-x \\ 'a' × → ~^`\"", Exit: []Row{{".x", "'y"}}}
	if err := p.Roff(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		".TH PROG 1 2026-01-02 \"prog 1\\-2\" \"User Commands\"\n", "\\-x \\e \\(aqa\\(aq \\[u00D7] \\[u2192] \\(ti\\(ha\\(ga\"\n", "\n\\&.begins with a dot\n",
		"\n\\(aqquoted\\(aq back\\eslash\n", ".BI \"\\-\\-np, \\-n \" \"N\"\n", ".B \".x\"\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "secret") || strings.Contains(b.String(), "agent") {
		t.Error("the page tells of what is hidden")
	}
}

func TestScripts(t *testing.T) {
	for _, shell := range Shells {
		if b, err := Script(shell); err != nil || len(b) == 0 {
			t.Error(shell, err)
		}
	}
	if _, err := Script("csh"); err == nil {
		t.Error("there is a script for csh")
	}
}
