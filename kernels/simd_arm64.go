//go:build !purego

package kernels

// Every arm64 processor has NEON. Go's assembler has no multiplication of its integers, so it is used where none is needed.
func availablePaths() []isa { return []isa{isaGo, isaNEON} }
