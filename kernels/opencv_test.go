package kernels

import (
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOpenCV compares with what OpenCV 4.6 makes of the golden pictures in more operations and parameters than there are golden results:
// testdata/opencv.py says how.
func TestOpenCV(t *testing.T) {
	sums, err := os.ReadFile("testdata/opencv.txt")
	if err != nil {
		t.Fatal(err)
	}
	inputs, err := filepath.Glob(filepath.Join(goldenDir, "inputs", "*.png"))
	if err != nil || len(inputs) == 0 {
		t.Fatal("no pictures", err)
	}
	for line := range strings.Lines(string(sums)) {
		want, op, _ := strings.Cut(strings.TrimSpace(line), " ")
		t.Run(op, func(t *testing.T) {
			sum := crc32.NewIEEE()
			for _, name := range inputs {
				in, shape := readPNG(t, name)
				out, outShape := runChain(t, []string{op}, in, shape)
				for _, row := range inRGB(out, outShape) {
					sum.Write(row)
				}
			}
			if got := fmt.Sprintf("%08x", sum.Sum32()); got != want {
				t.Errorf("the results' sum is %s, OpenCV's is %s", got, want)
			}
		})
	}
}
