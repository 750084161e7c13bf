package bench

import (
	"os"
	"slices"
	"strings"
)

// Environment returns the environment of programs that are measured. What a user has set for jobs of his own is not for them, but for the
// choice of instructions; nor are they for the history of jobs.
func Environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "HALORUN_") && !strings.HasPrefix(v, "HALORUN_KERNELS=") && !strings.HasPrefix(v, "HALORUN_TEST_")
	})
	return append(env, "HALORUN_NO_HISTORY=true")
}
