//go:build !purego

package kernels

import "golang.org/x/sys/cpu"

func availablePaths() []isa {
	paths := []isa{isaGo}
	x := &cpu.X86
	if x.HasAVX2 && x.HasFMA && x.HasBMI2 {
		paths = append(paths, isaAVX2)
		if x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL && x.HasAVX512VBMI && x.HasAVX512VBMI2 && x.HasAVX512VNNI {
			paths = append(paths, isaAVX512)
		}
	}
	return paths
}
