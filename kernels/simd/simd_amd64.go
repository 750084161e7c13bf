//go:build !purego

package simd

import "golang.org/x/sys/cpu"

func available() []Path {
	paths := []Path{Go}
	x := &cpu.X86
	if x.HasAVX2 && x.HasFMA && x.HasBMI2 {
		paths = append(paths, AVX2)
		if x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL && x.HasAVX512VBMI && x.HasAVX512VBMI2 && x.HasAVX512VNNI {
			paths = append(paths, AVX512)
		}
	}
	return paths
}
