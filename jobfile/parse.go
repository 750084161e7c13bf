package jobfile

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"halorun/cmdline"
	"halorun/kernels"
)

// File is what a job file says.
type File struct {
	Name          string // for messages
	Input, Output string // "": not said
	Ops           []string
	Flags         []Value // in the file's order
	lines         map[string]int
	opLines       []int
}

// Value is what a flag is given.
type Value struct {
	Flag   cmdline.Flag
	Values []string // several only of a flag that can be repeated
}

// Where returns the place of a key for messages: job.yaml:4.
func (f *File) Where(key string) string { return place(f.Name, f.lines[key]) }

// CheckOps returns an error with its line, if one of the operations is none.
func (f *File) CheckOps() error {
	for i, op := range f.Ops {
		if _, err := kernels.Parse([]string{op}); err != nil {
			line := f.lines[opsKey]
			if i < len(f.opLines) {
				line = f.opLines[i]
			}
			return fmt.Errorf("%s: %w", place(f.Name, line), err)
		}
	}
	return nil
}

func place(name string, line int) string { return fmt.Sprintf("%s:%d", name, max(line, 1)) }

const (
	inputKey  = "input"
	outputKey = "output"
	opsKey    = "ops"
	schemaKey = "$schema" // editors want it
)

// maxBytes is more than the largest chain of operations takes.
const maxBytes = 16 << 20

// Read reads a job file; - is stdin. The flags are those that it may have.
func Read(name string, stdin io.Reader, flags []cmdline.Flag) (*File, error) {
	from := stdin
	if name == "-" {
		name = "stdin"
	} else {
		f, err := os.Open(name)
		if err == nil {
			var st os.FileInfo
			if st, err = f.Stat(); err == nil && st.IsDir() {
				err = errors.New("it is a folder")
			}
			defer f.Close()
		}
		if err != nil {
			return nil, fmt.Errorf("the job file %s cannot be read: %w", name, bare(err))
		}
		from = f
	}
	b, err := io.ReadAll(io.LimitReader(from, maxBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the job file %s cannot be read: %w", name, bare(err))
	case len(b) > maxBytes:
		return nil, fmt.Errorf("the job file %s is larger than %d MiB, which no job needs", name, maxBytes>>20)
	}
	return Parse(name, b, flags)
}

func bare(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// Parse reads the text of a job file. The error is one line that begins with the file's name and the line.
func Parse(name string, text []byte, flags []cmdline.Flag) (*File, error) {
	f := &File{Name: name, lines: make(map[string]int)}
	root, err := tree(text)
	if err != nil {
		return nil, syntax(name, string(text), err)
	}
	if root == nil {
		return f, nil // what is missing the command line may have
	}
	if root.Kind != yaml.MappingNode {
		return nil, f.wrong(root, "a job file has lines of the form key: value, such as np: 8")
	}
	for i := 0; i < len(root.Content); i += 2 {
		if err := f.take(root.Content[i], root.Content[i+1], flags); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// tree returns what stands at the top of the only document, or nil if there is nothing.
func tree(text []byte) (*yaml.Node, error) {
	if root := jsonTree(text); root != nil {
		return root, nil
	}
	d := yaml.NewDecoder(strings.NewReader(string(text)))
	var document, another yaml.Node
	switch err := d.Decode(&document); {
	case err == io.EOF:
		return nil, nil
	case err != nil:
		return nil, err
	}
	if d.Decode(&another) != io.EOF {
		return nil, errors.New("yaml: a job file has one document, and here is another, or something after its end")
	}
	if len(document.Content) == 0 || document.Content[0].Tag == "!!null" {
		return nil, nil
	}
	return document.Content[0], nil
}

func (f *File) wrong(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%s: %s", place(f.Name, n.Line), fmt.Sprintf(format, args...))
}

// take takes a key and what it is.
func (f *File) take(key, value *yaml.Node, flags []cmdline.Flag) error {
	if key.Kind != yaml.ScalarNode {
		return f.wrong(key, "a key is a word, such as np")
	}
	flag, known := lookup(key.Value, flags)
	name := key.Value
	if known {
		name = flag.Name
	}
	if before := f.lines[name]; before > 0 {
		return f.wrong(key, "%s is given twice, first in line %d", name, before)
	}
	f.lines[name] = key.Line
	var err error
	switch name {
	case schemaKey:
	case inputKey:
		f.Input, err = f.text(inputKey, value)
	case outputKey:
		f.Output, err = f.text(outputKey, value)
	case opsKey:
		err = f.operations(value)
	default:
		if !known {
			return f.unknown(key, flags)
		}
		var values []string
		values, err = f.values(flag, value)
		f.Flags = append(f.Flags, Value{flag, values})
	}
	return err
}

// lookup finds a flag by its name or a long alias.
func lookup(key string, flags []cmdline.Flag) (cmdline.Flag, bool) {
	for _, f := range flags {
		if f.Name == key || len(key) > 1 && slices.Contains(f.Aliases, key) {
			return f, true
		}
	}
	return cmdline.Flag{}, false
}

// otherNames are words that people may take for keys.
var otherNames = map[string]string{"chain": opsKey, "operations": opsKey, "op": opsKey, "ranks": "np", "size": "np"}

func (f *File) unknown(key *yaml.Node, flags []cmdline.Flag) error {
	all := []string{inputKey, outputKey, opsKey}
	near := ""
	for _, flag := range flags {
		all = append(all, flag.Name)
		if slices.Contains(flag.Aliases, strings.TrimLeft(key.Value, "-")) {
			near = flag.Name
		}
	}
	near = cmp.Or(near, otherNames[key.Value], cmdline.Nearest(key.Value, all))
	if near != "" {
		near = " did you mean " + near + "?"
	}
	return f.wrong(key, "unknown key %.100q;%s there are %s", key.Value, near, strings.Join(all, ", "))
}

// text returns a text, such as the name of a file, which may look like a number.
func (f *File) text(key string, n *yaml.Node) (string, error) {
	n = follow(n)
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || n.Tag == "!!bool" || n.Tag == "!!binary" {
		return "", f.wrong(n, "%s is %s; give a text", key, looks(n))
	}
	if n.Value == "" {
		return "", f.wrong(n, "%s is empty; give a text", key)
	}
	return n.Value, nil
}

// follow returns what an alias stands for.
func follow(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

// looks says what stands there instead of what should.
func looks(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.MappingNode:
		return "a table of keys and values"
	case n.Tag == "!!null":
		return "without a value"
	}
	return fmt.Sprintf("%.100q", n.Value)
}

// operations takes the chain: a list, or one text with spaces between operations.
func (f *File) operations(n *yaml.Node) error {
	n = follow(n)
	const form = "an operation is a text such as blur:size=31, without a space behind the colon"
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
		f.Ops = kernels.SplitChain(n.Value)
		for range f.Ops {
			f.opLines = append(f.opLines, n.Line)
		}
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		return f.wrong(n, "ops is %s; give a list of operations, such as [blur:size=31, edges]", looks(n))
	}
	for _, op := range n.Content {
		line := op.Line
		op = follow(op)
		if op.Kind != yaml.ScalarNode || op.Tag != "!!str" {
			return f.wrong(&yaml.Node{Line: line}, "ops has %s; %s", strings.Replace(looks(op), "without a value", "an empty entry", 1), form)
		}
		f.Ops = append(f.Ops, op.Value)
		f.opLines = append(f.opLines, line)
	}
	return nil
}

// values returns what a flag is given.
func (f *File) values(flag cmdline.Flag, n *yaml.Node) ([]string, error) {
	at := n
	n = follow(n)
	wrong := func() error {
		return f.wrong(at, "%s is %s; give %s", flag.Name, looks(n), flag.Allowed())
	}
	if n.Kind == yaml.SequenceNode && (flag.Kind == cmdline.Lines || flag.List()) {
		values := []string{}
		for _, item := range n.Content {
			v, err := f.scalar(flag, item)
			if err != nil {
				return nil, err
			}
			values = append(values, v)
		}
		if flag.List() {
			values = []string{strings.Join(values, ",")}
		}
		return values, nil
	}
	if n.Kind != yaml.ScalarNode {
		return nil, wrong()
	}
	v, err := f.scalar(flag, n)
	return []string{v}, err
}

// tags are the types of values that a flag takes. A text may look like a number; what is a text by its quotes is no number.
var tags = map[cmdline.Kind][]string{
	cmdline.Switch: {"!!bool"},
	cmdline.Whole:  {"!!int"},
	cmdline.Real:   {"!!int", "!!float"},
	cmdline.Time:   {"!!str"},
	cmdline.Text:   {"!!str", "!!int", "!!float", "!!timestamp"},
	cmdline.Lines:  {"!!str", "!!int", "!!float", "!!timestamp"},
}

func (f *File) scalar(flag cmdline.Flag, n *yaml.Node) (string, error) {
	at := n
	n = follow(n)
	if n.Tag == "!!float" && (flag.Kind == cmdline.Whole || flag.Limits != nil) {
		n = whole(n)
	}
	if n.Kind != yaml.ScalarNode || !slices.Contains(tags[flag.Kind], n.Tag) || flag.Check(n.Value) != nil {
		what := looks(n)
		if n.Tag == "!!str" && flag.Kind != cmdline.Text {
			what = "the text " + what
		}
		return "", f.wrong(at, "%s is %s; give %s", flag.Name, what, flag.Allowed())
	}
	if n.Value == "" {
		return "", f.wrong(at, "%s is empty; give %s, or leave it out", flag.Name, flag.Allowed())
	}
	return n.Value, nil
}

// maxExact is up to where all whole numbers are float64s, too.
const maxExact = 1 << 53

// whole makes 2.0 a 2, which it is to JSON, and to the schema.
func whole(n *yaml.Node) *yaml.Node {
	f, err := strconv.ParseFloat(n.Value, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > maxExact {
		return n
	}
	same := *n
	same.Tag, same.Value = "!!int", strconv.FormatInt(int64(f), 10)
	return &same
}
