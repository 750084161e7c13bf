package kernels

// Definition describes an operation as users know it. Each operation's file defines one and registers it:
//
//	var _ = register(Definition{Name: "invert", …})
type Definition struct {
	Name    string   `json:"name"`
	Aliases []string `json:"aliases"`
	Doc     string   `json:"doc"` // one line
	Params  []Param  `json:"params"`
	Border  Border   `json:"border"` // as text
	Global  bool     `json:"global"` // the result at a pixel may depend on the whole picture
	Order   int      `json:"-"`      // place in listings; operations at the same place stand by name

	// Build returns the primitive ops, in order, for a picture of the given number of channels. It checks what Param's
	// limits cannot say; its error says what is wrong and what to do.
	Build func(a Args, channels int) ([]Op, error) `json:"-"`
}

// Args are a call's parameters by name; those not given have their defaults.
type Args map[string]value

// value is a parameter's value: a number, or a text.
type value struct {
	number float64
	text   string
}

// Float returns the parameter of the name, which is a KindFloat.
func (a Args) Float(name string) float64 { return a[name].number }

// Int returns the parameter of the name, which is a KindInt.
func (a Args) Int(name string) int { return int(a[name].number) }

// Bool returns the parameter of the name, which is a KindBool.
func (a Args) Bool(name string) bool { return a[name].number != 0 }

// Text returns the parameter of the name, which is a KindChoice or a KindText, in normalised form.
func (a Args) Text(name string) string { return a[name].text }

// Param is a parameter of an operation.
type Param struct {
	Name    string  `json:"name"`
	Kind    Kind    `json:"kind"`
	Default float64 `json:"default"`
	Min     float64 `json:"min"`
	Max     float64 `json:"max"`
	Odd     bool    `json:"odd,omitempty"` // only odd numbers
	Doc     string  `json:"doc"`

	Text    string   `json:"-"` // the default of a KindChoice or KindText
	Choices []string `json:"-"` // what a KindChoice may be, in lower case
	// Normalise returns the form of a KindText that needs nothing from outside, such as a file: ranks on other hosts are given it. It
	// must return what is normalised unchanged. Its error says what is wrong with the text.
	Normalise func(text string) (string, error) `json:"-"`
}

// Kind is the type of a parameter's value.
type Kind int

const (
	KindInt    Kind = iota // a whole number
	KindFloat              // a number; NaN and infinities are refused
	KindBool               // true or false
	KindChoice             // one of some words
	KindText               // anything that Normalise takes; it may hold commas
)
