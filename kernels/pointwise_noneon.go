//go:build !arm64 || purego

package kernels

// These are never called here.
func invertNEON(_, _ *byte, _ int)                {}
func keepNEON(_, _ *byte, _ int, _ *byte)         {}
func lookUpNEON(_, _ *byte, _ int, _ *[256]byte)  {}
func coloursNEON(_, _ *byte, _ int, _ *[768]byte) {}
