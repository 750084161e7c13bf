package jobfile

import (
	"bytes"
	"encoding/json"
	"fmt"

	"halorun/cmdline"
)

// schema is a JSON schema of a value, as far as job files need it.
type schema struct {
	Description string    `json:"description,omitempty"`
	Type        any       `json:"type,omitempty"` // a name, or several
	Enum        []string  `json:"enum,omitempty"`
	Examples    []string  `json:"examples,omitempty"`
	Pattern     string    `json:"pattern,omitempty"`
	Minimum     *int64    `json:"minimum,omitempty"`
	Maximum     *int64    `json:"maximum,omitempty"`
	MinLength   int       `json:"minLength,omitempty"`
	Items       *schema   `json:"items,omitempty"`
	AnyOf       []*schema `json:"anyOf,omitempty"`
}

// Patterns of what time.ParseDuration takes: of any time, and of one above 0, which has a digit that is not 0. How far above, a pattern cannot say.
const (
	units        = `(ns|us|µs|μs|ms|s|m|h)`
	part         = `([0-9]+(\.[0-9]*)?|\.[0-9]+)` + units
	positivePart = `([0-9]*[1-9][0-9]*(\.[0-9]*)?|[0-9]*\.[0-9]*[1-9][0-9]*)` + units
	timePattern  = `^[-+]?(0|(` + part + `)+)$`
	positiveTime = `^\+?(` + part + `)*` + positivePart + `(` + part + `)*$`
)

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
			if f.Limits != nil {
				s.Minimum = &f.Limits.Least
				if f.Limits.Most != cmdline.NoLimit {
					s.Maximum = &f.Limits.Most
				}
			}
		case cmdline.Real:
			s.Type = "number"
		case cmdline.Time:
			s.Type, s.Pattern = "string", timePattern
			if f.Limits != nil {
				s.Pattern = positiveTime
			}
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
				if f.Limits != nil {
					s.form(f)
				}
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

// form adds what the pattern of a text says, also of texts that look like numbers.
func (s *schema) form(f cmdline.Flag) {
	s.Type, s.Pattern = "string", f.Limits.Pattern
	for least := range int64(2) {
		if f.Check(fmt.Sprint(least)) == nil {
			s.Type, s.Minimum = []string{"string", "integer"}, &least
			break
		}
	}
}
