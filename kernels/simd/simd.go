// Package simd tells which instruction sets fast paths may use: the processor's best, or what the environment asks for.
package simd

import (
	"fmt"
	"os"
	"strings"
	"sync"
)

// Path is an instruction set that fast paths are written for. A greater one of the same architecture includes the lesser.
type Path int

// The paths. AVX2 includes FMA and BMI2, AVX512 F, BW, DQ, VL, VBMI, VBMI2 and VNNI: Ice Lake, Zen 4 and later.
const (
	Go Path = iota
	NEON
	AVX2
	AVX512
)

func (p Path) String() string { return [...]string{"go", "neon", "avx2", "avx512"}[p] }

// Variable is the environment variable that forces a path.
const Variable = "HALORUN_KERNELS"

// IsPath tells whether there is such a path on some processor.
func IsPath(name string) bool {
	for p := Go; p <= AVX512; p++ {
		if p.String() == name {
			return true
		}
	}
	return false
}

// Available lists the paths that this processor has, rising. The build tag purego leaves Go alone.
func Available() []Path { return available() }

// Chosen returns the best path that the processor has, or what the environment asks for. With the error, which tells that it asks for what
// the processor lacks or what does not exist, comes the best.
var Chosen = sync.OnceValues(func() (Path, error) { return choose(os.Getenv(Variable), available()) })

// choose returns the last of the available paths, or the one that is asked for.
func choose(asked string, available []Path) (Path, error) {
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
	return best, fmt.Errorf("%s=%.120s: this machine has %s", Variable, asked, strings.Join(names, ", "))
}
