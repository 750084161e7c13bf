package kernels

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// registry holds the definitions by name and alias. It is filled while the package is initialised and never changes after.
var registry = map[string]*Definition{}

func register(d Definition) struct{} {
	for _, n := range append([]string{d.Name}, d.Aliases...) {
		if registry[n] != nil {
			panic("kernels: two operations are named " + n)
		}
		registry[n] = &d
	}
	return struct{}{}
}

// Definitions returns all operations, in their order.
func Definitions() []Definition {
	var ds []Definition
	for n, d := range registry {
		if d.Name == n {
			c := *d
			if c.Params == nil {
				c.Params = []Param{} // a list in JSON, too
			}
			ds = append(ds, c)
		}
	}
	slices.SortFunc(ds, func(a, b Definition) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Name, b.Name))
	})
	return ds
}

// Call is an operation with its parameters.
type Call struct {
	Def  *Definition
	Args Args
}

// Chain is a list of operations, each applied to what the one before made.
type Chain []Call

// String returns the normalised form, which names every parameter.
func (c Call) String() string {
	var b strings.Builder
	b.WriteString(c.Def.Name)
	for i, p := range c.Def.Params {
		b.WriteByte(":,"[min(i, 1)])
		fmt.Fprintf(&b, "%s=%s", p.Name, p.format(c.Args[p.Name]))
	}
	return b.String()
}

const (
	maxOps        = 256
	maxChainBytes = 4 << 20 // as ranks are told of it
)

// Parse reads a chain from arguments of the form name or name:key=value,key=value. The error is one line.
func Parse(args []string) (Chain, error) {
	if len(args) == 0 {
		return nil, fmt.Errorf("no operation is given; 'halorun ops' lists them")
	}
	if len(args) > maxOps {
		return nil, fmt.Errorf("%d operations are too many for one chain; at most %d can be given", len(args), maxOps)
	}
	var chain Chain
	size := 0
	for _, a := range args {
		c, err := parseCall(a)
		if err != nil {
			return nil, err
		}
		chain = append(chain, c)
		if size += len(c.String()); size > maxChainBytes {
			return nil, fmt.Errorf("the chain's kernels are too large together: they take more than %d MB as text", maxChainBytes>>20)
		}
	}
	return chain, nil
}

// SplitChain cuts text into the arguments that Parse takes. Spaces stand between operations, and may stand in a KindText.
func SplitChain(text string) []string {
	var ops []string
	inText := false
	for _, field := range strings.Fields(text) {
		name, rest, _ := strings.Cut(field, ":")
		def := registry[strings.ToLower(name)]
		if inText && def == nil {
			ops[len(ops)-1] += " " + field
			continue
		}
		ops = append(ops, field)
		inText = def != nil && rest != "" && slices.ContainsFunc(def.Params, func(p Param) bool { return p.Kind == KindText })
	}
	return ops
}

func parseCall(arg string) (Call, error) {
	name, rest, hasParams := strings.Cut(arg, ":")
	name = strings.ToLower(strings.TrimSpace(name))
	def := registry[name]
	if def == nil {
		return Call{}, fmt.Errorf("unknown operation %q; did you mean %s? 'halorun ops' lists them", Brief(name), nearest(name))
	}
	c := Call{Def: def, Args: Args{}}
	for _, p := range def.Params {
		c.Args[p.Name] = p.byDefault()
	}
	if !hasParams {
		return c, nil
	}
	given := map[string]bool{}
	for _, kv := range splitParams(def, rest) {
		key, text, ok := strings.Cut(kv, "=")
		key = strings.ToLower(strings.TrimSpace(key))
		if !ok {
			return Call{}, fmt.Errorf("%s: %q is not of the form key=value", def.Name, kv)
		}
		i := slices.IndexFunc(def.Params, func(p Param) bool { return p.Name == key })
		switch {
		case i < 0 && len(def.Params) == 0:
			return Call{}, fmt.Errorf("%s: unknown parameter %q; it has none", def.Name, key)
		case i < 0:
			return Call{}, fmt.Errorf("%s: unknown parameter %q; it has %s", def.Name, key, paramNames(def))
		case given[key]:
			return Call{}, fmt.Errorf("%s: parameter %s is given twice", def.Name, key)
		}
		v, err := def.Params[i].parse(strings.TrimSpace(text))
		if err != nil {
			return Call{}, fmt.Errorf("%s: %w", def.Name, err)
		}
		given[key] = true
		c.Args[key] = v
	}
	return c, nil
}

// splitParams cuts at commas, but not at those that belong to the value of a KindText.
func splitParams(d *Definition, s string) (parts []string) {
	inText, from, to := false, 0, -1 // the latest of the parts is s[from:to]
	for part := range strings.SplitSeq(s, ",") {
		start := to + 1
		to = start + len(part)
		key, _, ok := strings.Cut(part, "=")
		if !ok && inText {
			parts[len(parts)-1] = s[from:to]
			continue
		}
		from = start
		parts = append(parts, part)
		key = strings.ToLower(strings.TrimSpace(key))
		inText = slices.ContainsFunc(d.Params, func(p Param) bool { return p.Name == key && p.Kind == KindText })
	}
	return parts
}

func paramNames(d *Definition) string {
	var ns []string
	for _, p := range d.Params {
		ns = append(ns, p.Name)
	}
	return strings.Join(ns, ", ")
}

// nearest returns the operation whose name or alias takes the fewest edits to reach.
func nearest(name string) string {
	best, least := "", math.MaxInt
	for _, n := range slices.Sorted(maps.Keys(registry)) {
		if d := distance(name, n); d < least {
			best, least = registry[n].Name, d
		}
	}
	return best
}

// distance is the Levenshtein distance.
func distance(a, b string) int {
	if len(a) > 64 {
		a = a[:64]
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d = min(diagonal, row[j], row[j+1]) + 1
			}
			diagonal, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}

// parse reads a value and holds it to the parameter's limits.
func (p Param) parse(s string) (value, error) {
	fail := func(format string, args ...any) (value, error) {
		return value{}, fmt.Errorf("%s=%q: %s", p.Name, Brief(s), fmt.Sprintf(format, args...))
	}
	switch p.Kind {
	case KindBool:
		switch strings.ToLower(s) {
		case "true", "1", "yes", "on":
			return value{number: 1}, nil
		case "false", "0", "no", "off":
			return value{}, nil
		}
		return fail("not true or false")
	case KindChoice:
		if c := strings.ToLower(s); slices.Contains(p.Choices, c) {
			return value{text: c}, nil
		}
		return fail("not one of %s", strings.Join(p.Choices, ", "))
	case KindText:
		text, err := p.Normalise(s)
		if err != nil {
			return fail("%v", err)
		}
		return value{text: text}, nil
	}
	v, err := strconv.ParseFloat(s, 64)
	switch {
	case errors.Is(err, strconv.ErrSyntax) || math.IsNaN(v):
		return fail("not a number")
	case v < p.Min || v > p.Max: // so are numbers beyond float64's range, which ParseFloat makes infinite
		return fail("not from %s to %s", formatNumber(p.Min), formatNumber(p.Max))
	case p.Kind == KindInt && v != math.Trunc(v):
		return fail("not a whole number")
	case p.Odd && v != 0 && math.Mod(v, 2) == 0: // 0 has a meaning of its own, if it is within the limits
		return fail("not an odd number; the nearest are %v and %v", v-1, v+1)
	}
	return value{number: v}, nil
}

func (p Param) format(v value) string {
	switch p.Kind {
	case KindBool:
		return strconv.FormatBool(v.number != 0)
	case KindChoice, KindText:
		return v.text
	}
	return formatNumber(v.number)
}

// Brief returns s as messages show it: a text may be as long as a file.
func Brief(s string) string {
	const most = 120
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}

func formatNumber(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// byDefault returns the value of a parameter that is not given.
func (p Param) byDefault() value {
	v := value{p.Default, p.Text}
	if p.Kind == KindText {
		var err error
		if v.text, err = p.Normalise(p.Text); err != nil {
			panic(err)
		}
	}
	return v
}

// DefaultText returns the default value as it is typed.
func (p Param) DefaultText() string { return p.format(value{p.Default, p.Text}) }

// Describe says what values the parameter takes and what it means.
func (p Param) Describe() string {
	switch {
	case p.Kind == KindBool:
		return "true or false: " + p.Doc
	case p.Kind == KindChoice:
		return strings.Join(p.Choices, ", ") + ": " + p.Doc
	case p.Kind == KindText:
		return p.Doc
	case p.Odd:
		return fmt.Sprintf("odd, %s to %s: %s", formatNumber(p.Min), formatNumber(p.Max), p.Doc)
	default:
		return fmt.Sprintf("%s to %s: %s", formatNumber(p.Min), formatNumber(p.Max), p.Doc)
	}
}

// MarshalJSON gives each kind a default of its own type, and limits only to numbers.
func (p Param) MarshalJSON() ([]byte, error) {
	type plain Param
	type common struct {
		Name    string   `json:"name"`
		Kind    Kind     `json:"kind"`
		Default any      `json:"default"`
		Choices []string `json:"choices,omitempty"`
		Doc     string   `json:"doc"`
	}
	switch p.Kind {
	case KindBool:
		return json.Marshal(common{p.Name, p.Kind, p.Default != 0, nil, p.Doc})
	case KindChoice, KindText:
		return json.Marshal(common{p.Name, p.Kind, p.Text, p.Choices, p.Doc})
	}
	return json.Marshal(plain(p))
}

// MarshalText makes a Border text in JSON.
func (b Border) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// MarshalText makes a Kind text in JSON.
func (k Kind) MarshalText() ([]byte, error) {
	return []byte([]string{"int", "float", "bool", "choice", "text"}[k]), nil
}

// Stage is a part of a chain that needs no agreement among ranks before its end, where a Global may stand.
type Stage struct {
	Steps   []Step
	In, Out Shape
}

// Global returns the operation that ends the stage in a decision, or nil.
func (s Stage) Global() Global {
	if len(s.Steps) == 0 {
		return nil
	}
	g, _ := s.Steps[len(s.Steps)-1].Op.(Global)
	return g
}

// Step is an op with the shapes it reads and makes.
type Step struct {
	Op      Op
	In, Out Shape
}

// Stages binds the chain to pictures of shape in. There is at least one stage; one without steps copies.
func (c Chain) Stages(in Shape) ([]Stage, error) {
	stages := []Stage{{In: in, Out: in}}
	for _, call := range c {
		current := &stages[len(stages)-1]
		ops, err := call.Def.Build(call.Args, current.Out.Channels)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", Brief(call.String()), err)
		}
		for _, op := range ops {
			if n := len(current.Steps); n > 0 {
				if _, ends := current.Steps[n-1].Op.(Global); ends {
					stages = append(stages, Stage{In: current.Out})
					current = &stages[len(stages)-1]
				}
			}
			step := Step{Op: op, In: current.In}
			if n := len(current.Steps); n > 0 {
				step.In = current.Steps[n-1].Out
			}
			step.Out = op.OutShape(step.In)
			current.Steps = append(current.Steps, step)
			current.Out = step.Out
		}
	}
	return stages, nil
}
