package kernels

import (
	"slices"
	"strings"
)

// Completion is how a text for Parse that is not all typed may go on.
type Completion struct {
	Text string // with what is typed
	Doc  string
}

// Complete returns how an operation that is not all typed may go on: with its name, its parameters or their values. What is complete but for a value
// ends in =.
func Complete(typed string) (all []Completion) {
	name, rest, named := strings.Cut(typed, ":")
	if !named {
		for _, d := range Definitions() {
			if strings.HasPrefix(d.Name, strings.ToLower(typed)) {
				all = append(all, Completion{d.Name, d.Doc})
			}
		}
		return all
	}
	def := registry[strings.ToLower(name)]
	if def == nil {
		return nil
	}
	parts := splitParams(def, rest)
	last := parts[len(parts)-1]
	before := typed[:len(typed)-len(last)]
	key, value, valued := strings.Cut(last, "=")
	for _, p := range def.Params {
		given := slices.ContainsFunc(parts[:len(parts)-1], func(s string) bool { return strings.HasPrefix(s, p.Name+"=") })
		switch {
		case !valued && !given && strings.HasPrefix(p.Name, key):
			all = append(all, Completion{before + p.Name + "=", p.Describe()})
		case valued && p.Name == key:
			words := p.Choices
			if p.Kind == KindBool {
				words = []string{"true", "false"}
			}
			for _, w := range words {
				if strings.HasPrefix(w, value) {
					all = append(all, Completion{before + key + "=" + w, ""})
				}
			}
		}
	}
	return all
}
