package jobfile

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"halorun/cmdline"
)

// Write writes a job file that says the same.
func (f *File) Write(w io.Writer) error {
	root := &yaml.Node{Kind: yaml.MappingNode, HeadComment: "halorun run --job THIS_FILE"}
	add := func(key string, value *yaml.Node) {
		root.Content = append(root.Content, scalar("!!str", key), value)
	}
	if f.Input != "" {
		add(inputKey, scalar("!!str", f.Input))
	}
	if f.Output != "" {
		add(outputKey, scalar("!!str", f.Output))
	}
	if len(f.Ops) > 0 {
		add(opsKey, list(f.Ops))
	}
	for _, v := range f.Flags {
		switch v.Flag.Kind {
		case cmdline.Switch:
			add(v.Flag.Name, scalar("!!bool", v.Values[0]))
		case cmdline.Whole:
			add(v.Flag.Name, scalar("!!int", v.Values[0]))
		case cmdline.Real:
			add(v.Flag.Name, scalar("!!float", v.Values[0]))
		case cmdline.Lines:
			add(v.Flag.Name, list(v.Values))
		default:
			add(v.Flag.Name, scalar("!!str", v.Values[0]))
		}
		for _, text := range v.Values {
			if !utf8.ValidString(text) {
				return fmt.Errorf("--%s %q is no UTF-8 text, which a job file is", v.Flag.Name, text)
			}
		}
	}
	if len(root.Content) == 0 {
		return nil // of which nothing is said, too
	}
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	if err := e.Encode(root); err != nil {
		return err
	}
	return e.Close()
}

// scalar returns a value with quotes where it would be taken for something else.
func scalar(tag, text string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: text}
	if tag == "!!str" && !plain(text) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// plain tells whether a text needs no quotes: it reads the same without them.
func plain(text string) bool {
	if text == "" || strings.ContainsAny(text, "\n\r\t") || strings.TrimSpace(text) != text || ambiguous(text) {
		return false
	}
	var n yaml.Node
	if yaml.Unmarshal([]byte("k: ["+text+"]"), &n) != nil || len(n.Content) != 1 || len(n.Content[0].Content) != 2 {
		return false
	}
	items := n.Content[0].Content[1].Content
	return len(items) == 1 && items[0].Kind == yaml.ScalarNode && items[0].Tag == "!!str" && items[0].Value == text && items[0].Style == 0
}

// ambiguous tells whether a reader of YAML 1.1, as most other languages have, may take a text for something else: yes is true there, and 1:30 is 90.
func ambiguous(text string) bool {
	lower := strings.ToLower(text)
	switch strings.TrimLeft(lower, "+-") {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "=", "<<", ".inf", ".nan":
		return true
	}
	// Numbers to any base, with signs, points, exponents, _ or commas between digits, or of minutes and seconds; and dates.
	return strings.ContainsAny(lower, "0123456789") && strings.Trim(lower, "0123456789abcdefxotz_+-.,: ") == ""
}

func list(texts []string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode}
	length := 0
	for _, t := range texts {
		n.Content = append(n.Content, scalar("!!str", t))
		length += len(t)
	}
	if length < 80 {
		n.Style = yaml.FlowStyle
	}
	return n
}
