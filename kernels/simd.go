package kernels

import (
	"fmt"
	"os"
	"strings"
)

//go:generate sh _asm/generate

// isa is an instruction set that fast paths are written for. A greater one of the same architecture includes the lesser.
type isa int

const (
	isaGo isa = iota
	isaNEON
	isaAVX2
	isaAVX512 // F, BW, DQ, VL, VBMI, VBMI2, VNNI: Ice Lake, Zen 4 and later
)

func (i isa) String() string { return [...]string{"go", "neon", "avx2", "avx512"}[i] }

// PathVariable is the environment variable that forces a path.
const PathVariable = "HALORUN_KERNELS"

// IsPath tells whether there is such a path on some processor.
func IsPath(name string) bool {
	for i := isaGo; i <= isaAVX512; i++ {
		if i.String() == name {
			return true
		}
	}
	return false
}

// path is what the fast paths use: the best that the processor has, or what the environment asks for. The build tag purego
// leaves "go" alone.
var path, pathError = choosePath(os.Getenv(PathVariable), availablePaths())

// choosePath returns the last of the available paths, or the one that is asked for.
func choosePath(asked string, available []isa) (isa, error) {
	best := available[len(available)-1]
	if asked == "" {
		return best, nil
	}
	var names []string
	for _, p := range available {
		if p.String() == asked {
			return p, nil
		}
		names = append(names, p.String())
	}
	return best, fmt.Errorf("%s=%s: this machine has %s", PathVariable, Brief(asked), strings.Join(names, ", "))
}

// Path names the instruction set that the fast paths use: avx512, avx2, neon or go.
func Path() string { return path.String() }

// PathError is not nil if the environment asks for a path that this processor lacks, or that does not exist.
func PathError() error { return pathError }
