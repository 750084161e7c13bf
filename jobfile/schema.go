package jobfile

import (
	"bytes"
	"encoding/json"

	"halorun/cmdline"
)

// schema is a JSON schema of a value, as far as job files need it.
type schema struct {
	Description string    `json:"description,omitempty"`
	Type        any       `json:"type,omitempty"` // a name, or several
	Enum        []string  `json:"enum,omitempty"`
	Examples    []string  `json:"examples,omitempty"`
	Pattern     string    `json:"pattern,omitempty"`
	MinLength   int       `json:"minLength,omitempty"`
	Items       *schema   `json:"items,omitempty"`
	AnyOf       []*schema `json:"anyOf,omitempty"`
}

// timePattern is that of time.ParseDuration.
const timePattern = `^[-+]?(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`

// Schema returns the JSON schema of job files with these flags.
func Schema(flags []cmdline.Flag) ([]byte, error) {
	type property struct {
		name string
		*schema
	}
	name := func(description string) *schema {
		return &schema{Type: []string{"string", "number"}, MinLength: 1, Description: description}
	}
	properties := []property{
		{schemaKey, &schema{Description: "this schema, for editors"}},
		{inputKey, name("INPUT: a picture, - for stdin, a folder, a pattern of names, or @ and the name of a list")},
		{outputKey, name("OUTPUT: a picture, - for stdout, or a folder")},
		{opsKey, &schema{Description: "the operations, in their order: name or name:key=value,key=value",
			AnyOf: []*schema{{Type: "array", Items: &schema{Type: "string"}}, {Type: "string"}}}},
	}
	for _, f := range flags {
		s := &schema{Description: f.Usage}
		if f.Default != "" {
			s.Description += " (default: " + f.Default + ")"
		}
		switch f.Kind {
		case cmdline.Switch:
			s.Type = "boolean"
		case cmdline.Whole:
			s.Type = "integer"
		case cmdline.Real:
			s.Type = "number"
		case cmdline.Time:
			s.Type, s.Pattern = "string", timePattern
		case cmdline.Lines:
			one := &schema{Type: []string{"string", "number"}, MinLength: 1}
			s.AnyOf = []*schema{one, {Type: "array", Items: one}}
		default:
			switch {
			case len(f.Words) > 0 && !f.Open:
				s.Type, s.Enum = "string", f.Words
			case f.List():
				one := &schema{Type: []string{"string", "number"}, MinLength: 1}
				s.AnyOf = []*schema{one, {Type: "array", Items: one}}
			default:
				s.Type, s.MinLength, s.Examples = []string{"string", "number"}, 1, f.Words
			}
		}
		properties = append(properties, property{f.Name, s})
		for _, alias := range f.Aliases {
			if len(alias) > 1 {
				same := *s
				same.Description = "the same as " + f.Name
				properties = append(properties, property{alias, &same})
			}
		}
	}
	// By hand, to keep the order.
	var b bytes.Buffer
	b.WriteString(`{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"A job of halorun run","type":"object","additionalProperties":false,"properties":{`)
	for i, p := range properties {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(p.name)
		if err != nil {
			return nil, err
		}
		b.Write(append(key, ':'))
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(p.schema); err != nil {
			return nil, err
		}
	}
	b.WriteString("}}")
	var out bytes.Buffer
	if err := json.Indent(&out, b.Bytes(), "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}
