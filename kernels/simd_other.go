//go:build !amd64

package kernels

func bestPath() string { return "go" }

// These are never called here.
func weighAVX2(_, _ *uint64, _ *byte, _, _ int) {}
func widenAVX2(_ *byte, _, _ *uint64, _ int)    {}
func weighWideAVX2(_, _ *byte, _, _ int)        {}
