package kernels

import (
	"runtime"
	"testing"
)

// TestStageMemory: a pipeline takes no more memory than its stage says.
func TestStageMemory(t *testing.T) {
	for _, ops := range [][]string{
		{"invert"}, {"blur:size=5"}, {"blur:size=31"}, {"blur:size=301"}, {"blur:size=1023"}, {"sharpen", "sketch", "heatmap"}, {"hsv"},
		{"box:size=5"}, {"box:size=101"}, {"median:size=3"}, {"median:size=5"}, {"median:size=31"}, {"median:size=101"}, {"bilateral"}, {"bilateral:d=31"},
		{"erode:size=5"}, {"erode:size=101"}, {"tophat:size=101"}, {"gradient:size=31"}, {"unsharp:sigma=20"}, {"conv:kernel=emboss"}, {"sobel"},
		{"laplacian"}, {"edges"}, {"edges:l2=true"}, {"blur:size=101", "edges"}, {"otsu"}, {"autocontrast"},
	} {
		for _, in := range []Shape{{700, 1200, 3}, {9000, 1200, 3}, {9000, 1200, 1}, {9000, 3, 3}} {
			chain, err := Parse(ops)
			if err != nil {
				t.Fatal(err)
			}
			stages, err := chain.Stages(in)
			if err != nil {
				t.Fatal(err)
			}
			s := stages[0]
			dst := makeRows(Shape{s.Out.Width, min(40, s.Out.Height), s.Out.Channels})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			p := NewPipeline(s, func(int, [][]byte) error { return nil })
			if err := p.Run(Rows{0, len(dst)}, dst); err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			if took := int64(after.TotalAlloc - before.TotalAlloc); took > s.Memory() {
				t.Errorf("%v of %v: %d bytes, which is %.2f of what was said", ops, in, took, float64(took)/float64(s.Memory()))
			}
		}
	}
}
