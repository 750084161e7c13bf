package jobfile

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"halorun/cmdline"
)

// testFlags has a flag of each kind.
var testFlags = []cmdline.Flag{
	{Name: "np", Aliases: []string{"n"}, Kind: cmdline.Whole, Value: "N"},
	{Name: "factor", Kind: cmdline.Real, Value: "F"},
	{Name: "null", Kind: cmdline.Switch},
	{Name: "timeout", Kind: cmdline.Time, Value: "D"},
	{Name: "report", Kind: cmdline.Text, Value: "FILE"},
	{Name: "host", Aliases: []string{"H", "hosts"}, Kind: cmdline.Text, Value: "LIST"},
	{Name: "map-by", Kind: cmdline.Text, Value: "HOW", Words: []string{"slot", "node"}},
	{Name: "checkpoint", Kind: cmdline.Text, Value: "MODE", Words: []string{"off", "all"}, Open: true},
	{Name: "x", Kind: cmdline.Lines, Value: "NAME"},
	{Name: "threads", Kind: cmdline.Whole, Value: "T", Limits: &cmdline.Limits{What: "the number", Least: 1, Most: 4096}},
	{Name: "restarts", Kind: cmdline.Whole, Value: "N", Limits: &cmdline.Limits{What: "the number", Least: 0, Most: cmdline.NoLimit}},
	{Name: "deadline", Kind: cmdline.Time, Value: "D", Limits: &cmdline.Limits{What: "the time", Least: 1, Most: cmdline.NoLimit}},
	{Name: "wdir", Kind: cmdline.Text, Value: "DIR", Limits: &cmdline.Limits{What: "an absolute path", Pattern: "^/"}},
	{Name: "memory", Kind: cmdline.Text, Value: "SIZE", Limits: &cmdline.Limits{What: "a size", Pattern: "^[0-9]+[kKmM]?$"}},
	{Name: "page", Kind: cmdline.Text, Value: "N", Words: []string{"all"}, Open: true, Limits: &cmdline.Limits{What: "a page", Pattern: "^(all|0*[1-9][0-9]*)$"}},
}

// What is wrong with a file is one line that begins with the place and says what is allowed.
func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"np: 1\nnq: 2":                 `j:2: unknown key "nq"; did you mean np? there are input, output, ops, np,`,
		"n: 1":                         `j:1: unknown key "n"; did you mean np?`,
		"chain: [gray]":                `j:1: unknown key "chain"; did you mean ops?`,
		"inputs: [a]":                  `j:1: unknown key "inputs"; did you mean input?`,
		"job: a":                       `j:1: unknown key "job"`,
		"np: two":                      `j:1: np is the text "two"; give a whole number`,
		"np: \"2\"":                    `j:1: np is the text "2"; give a whole number`,
		"np: 1.5":                      `j:1: np is "1.5"; give a whole number`,
		"\n\nnp: 99999999999999999999": `j:3: np is "99999999999999999999"; give a whole number`,
		"np:":                          `j:1: np is without a value; give a whole number`,
		"np: [1]":                      `j:1: np is a list; give a whole number`,
		"null: yes":                    `j:1: null is the text "yes"; give true or false`,
		"null: 1":                      `j:1: null is "1"; give true or false`,
		"timeout: 10":                  `j:1: timeout is "10"; give a time such as 90s or 10m`,
		"timeout: 10 minutes":          `j:1: timeout is the text "10 minutes"; give a time`,
		"report: true":                 `j:1: report is "true"; give a text`,
		"report: [a]":                  `j:1: report is a list; give a text`,
		"report: ''":                   `j:1: report is empty; give a text, or leave it out`,
		"map-by: core":                 `j:1: map-by is "core"; give one of slot, node`,
		"x: [a, [b]]":                  `j:1: x is a list; give a text or a list of texts`,
		"x: {A: b}":                    `j:1: x is a table of keys and values; give a text or a list of texts`,
		"np: 1\nreport: r\nnp: 2":      `j:3: np is given twice, first in line 1`,
		"host: a\nhosts: b":            `j:2: host is given twice, first in line 1`,
		"input: [a, b]":                `j:1: input is a list; give a text`,
		"input:":                       `j:1: input is without a value; give a text`,
		"ops:\n- gray\n- blur: 3":      `j:3: ops has a table of keys and values; an operation is a text such as blur:size=31, without a space`,
		"ops: 3":                       `j:1: ops is "3"; give a list of operations`,
		"[1, 2]":                       `j:1: a job file has lines of the form key: value`,
		"in.png out.png":               `j:1: a job file has lines of the form key: value`,
		"np: 1\n---\nnp: 2":            `one document`,
		"np: 1\ninput: @list":          `j:2: this is not YAML: found character that cannot start any token; a value that begins with a sign`,
		"output: -":                    `needs quotes`,
		"np: 1\n\ninput: *.png":        `j:3: this is not YAML`,
		"a: [1\nb: 2\n":                `j:2: this is not YAML`,
		"np: 1\nreport: \x01":          `j:2: this is not YAML`,
		"np: 1\n\nreport: \xff":        `j:3: this is not YAML`,
		"{\"np\": 2,\n\"nq\": 3}":      `j:2: unknown key "nq"`,
		"{\"np\": null}":               `j:1: np is without a value`,
		"{\"np\": 1, \"np\": 1}":       `j:1: np is given twice`,
		"? [a]\n: b":                   `j:1: a key is a word`,
		"np: !!str 3":                  `j:1: np is the text "3"; give a whole number`,
		"np: !mine 3":                  `j:1: np is "3"; give a whole number`,
		"threads: 0":                   `j:1: threads is "0"; give a whole number, from 1 to 4096`,
		"threads: 5000":                `j:1: threads is "5000"; give a whole number, from 1 to 4096`,
		"restarts: -1":                 `j:1: restarts is "-1"; give a whole number, at least 0`,
		"deadline: -1s":                `j:1: deadline is the text "-1s"; give a time, more than 0, such as 90s or 10m`,
		"wdir: rel":                    `j:1: wdir is "rel"; give an absolute path`,
	} {
		_, err := Parse("j", []byte(text), testFlags)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "j:") {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	f := &File{}
	f, err := Parse("j", []byte("ops:\n- gray\n\n- blurr\n"), testFlags)
	if err != nil || f.CheckOps() == nil || !strings.HasPrefix(f.CheckOps().Error(), "j:4: ") {
		t.Error(err, f.CheckOps())
	}
}

// The same said in several ways.
func TestWays(t *testing.T) {
	want := "input: in.png\noutput: '-'\nops: ['blur:size=5', edges]\nnp: 3\nhost: \"a:2,b\"\nx: [A=1]\n"
	for _, text := range []string{
		want,
		"input: in.png\noutput: '-'\nops: blur:size=5 edges\nnp: 0x3\nhosts: [a:2, b]\nx: A=1",
		"{\"$schema\": \"s\", \"input\": \"in.png\",\n\t\"output\": \"-\", \"ops\": [\"blur:size=5\", \"edges\"], \"np\": 3, \"host\": \"a:2,b\", \"x\": [\"A=1\"]}",
		"\ufeff# a comment\r\ninput: &i in.png\r\noutput: \"-\"\r\nops:\r\n  - blur:size=5\r\n  - edges\r\nnp: 3\r\nhost: a:2,b\r\nx:\r\n- A=1\r\n",
	} {
		f, err := Parse("j", []byte(text), testFlags)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := strings.Replace(written(t, f), "0x3", "3", 1); got != "# halorun run --job THIS_FILE\n"+want {
			t.Errorf("%q: %s", text, got)
		}
	}
	f, err := Parse("j", []byte(`{"report": "\ud83d\ude00\/"}`), testFlags)
	if err != nil || f.Flags[0].Values[0] != "😀/" {
		t.Error(f, err)
	}
	for _, nothing := range []string{"", "\n# nothing\n", "---\n", "null\n", "{}"} {
		if f, err := Parse("j", []byte(nothing), testFlags); err != nil || len(f.Flags) != 0 {
			t.Errorf("%q: %v", nothing, err)
		}
	}
}

func written(t rapid.TB, f *File) string {
	var b strings.Builder
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What a reader of YAML 1.1 takes for something else than a text has quotes, wherever it stands; what none does has none.
func TestQuotes(t *testing.T) {
	wrote := func(text string) (value, item string) {
		f := &File{Input: text, Ops: []string{text}}
		lines := strings.Split(written(t, f), "\n")
		return strings.TrimPrefix(lines[1], "input: "), strings.TrimSuffix(strings.TrimPrefix(lines[2], "ops: ["), "]")
	}
	for _, text := range []string{
		"y", "Y", "n", "N", "yes", "Yes", "YES", "no", "No", "on", "On", "off", "OFF", "true", "False", "null", "Null", "NULL", "~", "=", "<<",
		"0", "-1", "+12", "1_000", "1,000", "0b101", "-0b1_0", "010", "0o7", "0x1F", "0X1f", "1:30", "-190:20:30", "1.5", "1.", ".5", "-.5", "1e3", "1.5E-3", "6.8523015e+5",
		"685_230.15", "190:20:30.15", ".inf", "-.Inf", "+.INF", ".nan", ".NaN", "2026-11-27", "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43.10 -5", "2001-12-15 2:59:43.10Z",
	} {
		if value, item := wrote(text); value != fmt.Sprintf("%q", text) || item != value {
			t.Errorf("%q: %s, %s", text, value, item)
		}
	}
	for _, text := range []string{"in.png", "90s", "1h3m0s", "blur:size=5", "edges", "256MiB", "none", "north", "3.png", "a=b", "yes.png", "~/x"} {
		if value, _ := wrote(text); value != text {
			t.Errorf("%q: %s", text, value)
		}
	}
}

// A file that was written says the same when it is read, whatever texts it has, and so does the same as JSON; and it is of the schema.
func TestWritten(t *testing.T) {
	check := schemaOf(t)
	rapid.Check(t, func(t *rapid.T) {
		f := randomFile(t)
		text := written(t, f)
		again, err := Parse("j", []byte(text), testFlags)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		same := func(again *File) {
			if again.Input != f.Input || again.Output != f.Output || !slices.Equal(again.Ops, f.Ops) || fmt.Sprint(again.Flags) != fmt.Sprint(f.Flags) {
				t.Fatalf("%+v became %+v by\n%s", f, again, text)
			}
		}
		same(again)
		var v map[string]any
		if err := yaml.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		asJSON, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := check(asJSON); err != "" {
			t.Fatalf("%s\n%s", err, asJSON)
		}
	})
}

// What the schema says of the type of a value, the program says, too.
func TestSchemaAgrees(t *testing.T) {
	check := schemaOf(t)
	keys := []string{"input", "output", "ops", "hosts", "unknown"}
	for _, f := range testFlags {
		keys = append(keys, f.Name)
	}
	for _, key := range keys {
		for _, value := range []string{`1`, `-3`, `1.5`, `"1"`, `true`, `null`, `[]`, `["a","b"]`, `[1,2]`, `[true]`, `{}`, `"a"`, `""`, `"10s"`, `"1h2.5m"`, `"slot"`, `"true"`, `[["a"]]`,
			`0`, `-1`, `4096`, `4097`, `2.0`, `-0.0`, `1e3`, `1e9`, `2.5e0`, `"0"`, `"0s"`, `"00.0h0m"`, `"0.0s1ns"`, `"-1s"`, `"+1s"`, `".5s"`, `"1.s"`, `"."`, `"00"`, `"+0"`,
			`"/"`, `"rel"`, `"/a b"`, `"12k"`, `"1e9"`, `"all"`, `"007"`} {
			text := []byte(`{"` + key + `": ` + value + `}`)
			_, err := Parse("j", text, testFlags)
			if wrong := check(text); (wrong == "") != (err == nil) {
				t.Errorf("%s: the schema says %q, the program %v", text, wrong, err)
			}
		}
	}
}

func randomFile(t *rapid.T) *File {
	word := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"a.png", "-", "@list", "*.png", "a: b", "a #b", "3", "1.5", "true", "null", "~", "yes", "off", " a ", "'", "\"", "a\nb", "a\tb", "\u0085", "\u2028",
		"[a]", "{", "|", ">", "%", "!", "&a", "2026-11-27", "0x10", "1e3", ".inf", "<<", "=", "---", "...", "? a", "C:\\x", "é", "😀", "\ufeff", "\x7f", "\x00"})).Filter(func(s string) bool { return s != "" })
	f := &File{Input: word.Draw(t, "input"), Output: word.Draw(t, "output")}
	f.Ops = rapid.SliceOfN(word, 1, 4).Draw(t, "ops")
	for _, flag := range testFlags {
		if !rapid.Bool().Draw(t, flag.Name) {
			continue
		}
		v := Value{Flag: flag}
		switch flag.Kind {
		case cmdline.Whole:
			if flag.Limits != nil {
				v.Values = []string{fmt.Sprint(rapid.IntRange(1, 4096).Draw(t, "n"))}
				break
			}
			// What other programs read from JSON exactly
			v.Values = []string{fmt.Sprint(rapid.IntRange(-1<<53, 1<<53).Draw(t, "n"))}
		case cmdline.Real:
			v.Values = []string{fmt.Sprint(rapid.Float64Range(-1e9, 1e9).Draw(t, "f"))}
		case cmdline.Switch:
			v.Values = []string{fmt.Sprint(rapid.Bool().Draw(t, "b"))}
		case cmdline.Time:
			v.Values = []string{rapid.SampledFrom([]string{"10m0s", "90s", "1.5h", "300ms"}).Draw(t, "d")}
		case cmdline.Lines:
			v.Values = rapid.SliceOfN(word, 1, 3).Draw(t, "x")
		default:
			w := word
			switch {
			case flag.Limits != nil:
				w = rapid.SampledFrom([]string{"/a b", "1", "77", "0"}).Filter(func(s string) bool { return flag.Check(s) == nil })
			case len(flag.Words) > 0:
				w = rapid.SampledFrom(flag.Words)
			}
			v.Values = []string{w.Draw(t, "text")}
		}
		f.Flags = append(f.Flags, v)
	}
	return f
}

// schemaOf returns what holds a text of JSON to the schema: "", or what is wrong with it. It knows as much of JSON schemas as Schema uses.
func schemaOf(t *testing.T) func([]byte) string {
	b, err := Schema(testFlags)
	if err != nil {
		t.Fatal(err)
	}
	var s map[string]any
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	return func(text []byte) string {
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			return err.Error()
		}
		return hold(s, v)
	}
}

func hold(s map[string]any, v any) string {
	kinds := []string{}
	switch v := v.(type) {
	case string:
		kinds = append(kinds, "string")
	case bool:
		kinds = append(kinds, "boolean")
	case float64:
		kinds = append(kinds, "number")
		if v == float64(int64(v)) {
			kinds = append(kinds, "integer")
		}
	case []any:
		kinds = append(kinds, "array")
	case map[string]any:
		kinds = append(kinds, "object")
	}
	for key, rule := range s {
		switch key {
		case "$schema", "title", "description", "examples", "properties", "additionalProperties":
		case "type":
			ok := false
			for _, k := range kinds {
				names, several := rule.([]any)
				ok = ok || rule == k || several && slices.Contains(names, any(k))
			}
			if !ok {
				return fmt.Sprintf("%v is not of type %v", v, rule)
			}
		case "enum":
			if !slices.Contains(rule.([]any), v) {
				return fmt.Sprintf("%v is not in %v", v, rule)
			}
		case "pattern":
			if text, ok := v.(string); ok && !regexp.MustCompile(rule.(string)).MatchString(text) {
				return fmt.Sprintf("%v does not match %v", v, rule)
			}
		case "minimum":
			if n, ok := v.(float64); ok && n < rule.(float64) {
				return "too small"
			}
		case "maximum":
			if n, ok := v.(float64); ok && n > rule.(float64) {
				return "too large"
			}
		case "minLength":
			if text, ok := v.(string); ok && float64(len(text)) < rule.(float64) {
				return "too short"
			}
		case "items":
			if list, ok := v.([]any); ok {
				for _, item := range list {
					if wrong := hold(rule.(map[string]any), item); wrong != "" {
						return wrong
					}
				}
			}
		case "anyOf":
			var wrong string
			for _, one := range rule.([]any) {
				if wrong = hold(one.(map[string]any), v); wrong == "" {
					break
				}
			}
			if wrong != "" {
				return wrong
			}
		default:
			return "the schema has a rule that this test does not know: " + key
		}
	}
	if table, ok := v.(map[string]any); ok && s["properties"] != nil {
		for key, value := range table {
			rule, ok := s["properties"].(map[string]any)[key].(map[string]any)
			if !ok {
				return "there is no property " + key
			}
			if wrong := hold(rule, value); wrong != "" {
				return key + ": " + wrong
			}
		}
	}
	return ""
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"np: 3\nops: [gray]\n", `{"np": 3, "x": ["a", 1]}`, "a: &a [*a]\n", "x: [&b c, *b]", "ops:\n- a\n- b: c\n", "\ufeff? a\n: b\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Parse("j", b, testFlags)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "j:") {
				t.Fatalf("%v", err)
			}
			return
		}
		text := written(t, file)
		again, err := Parse("j", []byte(text), testFlags)
		if err != nil || fmt.Sprint(again.Flags) != fmt.Sprint(file.Flags) || again.Input != file.Input {
			t.Fatalf("%v: %q became %q", err, b, text)
		}
	})
}
