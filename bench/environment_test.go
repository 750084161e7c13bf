package bench

import (
	"slices"
	"testing"
)

func TestEnvironment(t *testing.T) {
	t.Setenv("HALORUN_NP", "7")
	t.Setenv("HALORUN_KERNELS", "go")
	t.Setenv("OTHER_HALORUN_NP", "8")
	env := Environment()
	for v, want := range map[string]bool{"HALORUN_NP=7": false, "HALORUN_KERNELS=go": true, "OTHER_HALORUN_NP=8": true, "HALORUN_NO_HISTORY=true": true} {
		if slices.Contains(env, v) != want {
			t.Errorf("%s: %t", v, !want)
		}
	}
}
