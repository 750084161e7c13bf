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

// Args are a call's parameters by name; those not given have their defaults.
type Args map[string]float64

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

// Parse reads a chain from arguments of the form name or name:key=value,key=value. The error is one line.
func Parse(args []string) (Chain, error) {
	if len(args) == 0 {
		return nil, fmt.Errorf("no operation is given; 'halorun ops' lists them")
	}
	var chain Chain
	for _, a := range args {
		c, err := parseCall(a)
		if err != nil {
			return nil, err
		}
		chain = append(chain, c)
	}
	return chain, nil
}

func parseCall(arg string) (Call, error) {
	name, rest, hasParams := strings.Cut(arg, ":")
	name = strings.ToLower(strings.TrimSpace(name))
	def := registry[name]
	if def == nil {
		return Call{}, fmt.Errorf("unknown operation %q; did you mean %s? 'halorun ops' lists them", name, nearest(name))
	}
	c := Call{Def: def, Args: Args{}}
	for _, p := range def.Params {
		c.Args[p.Name] = p.Default
	}
	if !hasParams {
		return c, nil
	}
	given := map[string]bool{}
	for _, kv := range strings.Split(rest, ",") {
		key, value, ok := strings.Cut(kv, "=")
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
		v, err := def.Params[i].parse(strings.TrimSpace(value))
		if err != nil {
			return Call{}, fmt.Errorf("%s: %w", def.Name, err)
		}
		given[key] = true
		c.Args[key] = v
	}
	return c, nil
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
func (p Param) parse(s string) (float64, error) {
	if p.Kind == KindBool {
		switch strings.ToLower(s) {
		case "true", "1", "yes", "on":
			return 1, nil
		case "false", "0", "no", "off":
			return 0, nil
		}
		return 0, fmt.Errorf("%s=%q: not true or false", p.Name, s)
	}
	v, err := strconv.ParseFloat(s, 64)
	switch {
	case errors.Is(err, strconv.ErrSyntax) || math.IsNaN(v):
		return 0, fmt.Errorf("%s=%q: not a number", p.Name, s)
	case v < p.Min || v > p.Max: // so are numbers beyond float64's range, which ParseFloat makes infinite
		return 0, fmt.Errorf("%s=%q: not from %s to %s", p.Name, s, p.format(p.Min), p.format(p.Max))
	case p.Kind == KindInt && v != math.Trunc(v):
		return 0, fmt.Errorf("%s=%q: not a whole number", p.Name, s)
	case p.Odd && math.Mod(v, 2) == 0:
		return 0, fmt.Errorf("%s=%q: not an odd number; the nearest are %v and %v", p.Name, s, v-1, v+1)
	}
	return v, nil
}

func (p Param) format(v float64) string {
	if p.Kind == KindBool {
		return strconv.FormatBool(v != 0)
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// DefaultText returns the default value as it is typed.
func (p Param) DefaultText() string { return p.format(p.Default) }

// Describe says what values the parameter takes and what it means.
func (p Param) Describe() string {
	switch {
	case p.Kind == KindBool:
		return "true or false: " + p.Doc
	case p.Odd:
		return fmt.Sprintf("odd, %s to %s: %s", p.format(p.Min), p.format(p.Max), p.Doc)
	default:
		return fmt.Sprintf("%s to %s: %s", p.format(p.Min), p.format(p.Max), p.Doc)
	}
}

// MarshalJSON gives a truth value a default of its own kind, and no limits.
func (p Param) MarshalJSON() ([]byte, error) {
	type plain Param
	if p.Kind != KindBool {
		return json.Marshal(plain(p))
	}
	return json.Marshal(struct {
		Name    string `json:"name"`
		Kind    Kind   `json:"kind"`
		Default bool   `json:"default"`
		Doc     string `json:"doc"`
	}{p.Name, p.Kind, p.Default != 0, p.Doc})
}

// MarshalText makes a Border text in JSON.
func (b Border) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// MarshalText makes a Kind text in JSON.
func (k Kind) MarshalText() ([]byte, error) { return []byte([]string{"int", "float", "bool"}[k]), nil }

// Stage is a part of a chain that needs no agreement among ranks before its end, where a Global may stand.
type Stage struct {
	Steps   []Step
	In, Out Shape
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
			return nil, fmt.Errorf("%s: %w", call, err)
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
