package kernels

import (
	"fmt"
	"os"
	"testing"

	"halorun/kernels/simd"
)

// TestMain ends the tests where the environment asks for a path that this processor lacks.
func TestMain(m *testing.M) {
	if err := PathError(); err != nil {
		fmt.Println("not tested:", err)
		return
	}
	os.Exit(m.Run())
}

// eachVectorPath runs a test by the instructions of each isa with 32 bytes a register or more that this processor has, whatever the
// path that the environment asks for. A build without assembly has none.
func eachVectorPath(t *testing.T, run func(t *testing.T, by isa)) {
	for _, by := range simd.Available() {
		if by >= isaAVX2 {
			t.Run(by.String(), func(t *testing.T) { run(t, by) })
		}
	}
}
