package simd

import (
	"fmt"
	"os"
	"testing"
)

// TestChoose: the best path is the default, and what is asked for is used or refused.
func TestChoose(t *testing.T) {
	both := []Path{Go, AVX2}
	for _, c := range []struct {
		asked string
		want  Path
		err   string
	}{
		{"", AVX2, ""},
		{"go", Go, ""},
		{"avx2", AVX2, ""},
		{"avx512", AVX2, "HALORUN_KERNELS=avx512: this machine has go, avx2"},
		{"AVX2", AVX2, "HALORUN_KERNELS=AVX2: this machine has go, avx2"},
	} {
		got, err := choose(c.asked, both)
		if got != c.want || fmt.Sprint(err) != fmt.Sprint(c.err) && (err != nil || c.err != "") {
			t.Errorf("%q: %v, %v; want %v, %q", c.asked, got, err, c.want, c.err)
		}
	}
	got, err := Chosen()
	if asked := os.Getenv(Variable); asked != "" && err == nil && got.String() != asked {
		t.Errorf("%s is used, not %s", got, asked)
	}
}
