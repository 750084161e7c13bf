//go:build !purego

package simd

// Every arm64 processor has NEON. Go's assembler has no multiplication of its integers, so it is used where none is needed.
func available() []Path { return []Path{Go, NEON} }
