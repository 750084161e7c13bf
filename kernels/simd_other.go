//go:build (!amd64 && !arm64) || purego

package kernels

func availablePaths() []isa { return []isa{isaGo} }
