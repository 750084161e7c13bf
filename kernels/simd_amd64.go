package kernels

import "golang.org/x/sys/cpu"

func bestPath() string {
	if cpu.X86.HasAVX2 {
		return "avx2"
	}
	return "go"
}
