package kernels

import (
	"fmt"
	"os"
	"testing"
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
	for _, by := range availablePaths() {
		if by >= isaAVX2 {
			t.Run(by.String(), func(t *testing.T) { run(t, by) })
		}
	}
}

// TestChoosePath: the best path is the default, and what is asked for is used or refused.
func TestChoosePath(t *testing.T) {
	both := []isa{isaGo, isaAVX2}
	for _, c := range []struct {
		asked string
		want  isa
		err   string
	}{
		{"", isaAVX2, ""},
		{"go", isaGo, ""},
		{"avx2", isaAVX2, ""},
		{"avx512", isaAVX2, "HALORUN_KERNELS=avx512: this machine has go, avx2"},
		{"AVX2", isaAVX2, "HALORUN_KERNELS=AVX2: this machine has go, avx2"},
	} {
		got, err := choosePath(c.asked, both)
		if got != c.want || fmt.Sprint(err) != fmt.Sprint(c.err) && (err != nil || c.err != "") {
			t.Errorf("%q: %v, %v; want %v, %q", c.asked, got, err, c.want, c.err)
		}
	}
	if asked := os.Getenv(PathVariable); asked != "" && Path() != asked {
		t.Errorf("%s is used, not %s", Path(), asked)
	}
}
