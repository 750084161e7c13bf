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

// Param is a parameter of an operation.
type Param struct {
	Name    string  `json:"name"`
	Kind    Kind    `json:"kind"`
	Default float64 `json:"default"`
	Min     float64 `json:"min"`
	Max     float64 `json:"max"`
	Odd     bool    `json:"odd,omitempty"` // only odd numbers
	Doc     string  `json:"doc"`
}

// Kind is the type of a parameter's value.
type Kind int

const (
	KindInt   Kind = iota // a whole number
	KindFloat             // a number; NaN and infinities are refused
	KindBool              // true or false, 1 or 0 in Args
)
