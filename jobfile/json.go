package jobfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// jsonTree reads JSON, or returns nil if the text is none. It is YAML, too, but for escapes of characters beyond 16 bits and for tabs.
func jsonTree(text []byte) *yaml.Node {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if trimmed := bytes.TrimLeft(text, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' || !json.Valid(text) {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	r := jsonReader{d: d, text: text, line: 1}
	return r.value()
}

// jsonReader makes a tree of valid JSON.
type jsonReader struct {
	d    *json.Decoder
	text []byte
	at   int // up to which lines are counted
	line int
}

func (r *jsonReader) value() *yaml.Node {
	token, err := r.d.Token()
	if err != nil {
		return nil // it is valid, so it does not come to this
	}
	end := int(r.d.InputOffset())
	r.line += bytes.Count(r.text[r.at:end], []byte("\n"))
	r.at = end
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: r.line}
	switch token := token.(type) {
	case json.Delim:
		n.Kind = yaml.MappingNode
		if token == '[' {
			n.Kind = yaml.SequenceNode
		}
		for r.d.More() {
			n.Content = append(n.Content, r.value())
		}
		_, _ = r.d.Token() // the end of it
	case string:
		n.Tag, n.Value = "!!str", token
	case json.Number:
		n.Tag, n.Value = "!!int", token.String()
		if strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!float"
		}
	case bool:
		n.Tag, n.Value = "!!bool", fmt.Sprint(token)
	case nil:
		n.Tag, n.Value = "!!null", "null"
	}
	return n
}
