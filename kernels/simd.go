package kernels

import "halorun/kernels/simd"

//go:generate sh _asm/generate kernels

type isa = simd.Path

const (
	isaGo     = simd.Go
	isaNEON   = simd.NEON
	isaAVX2   = simd.AVX2
	isaAVX512 = simd.AVX512
)

// path is what the fast paths use.
var path, pathError = simd.Chosen()

// Path names the instruction set that the fast paths use: avx512, avx2, neon or go.
func Path() string { return path.String() }

// PathError is not nil if the environment asks for a path that this processor lacks, or that does not exist.
func PathError() error { return pathError }
