package ranks_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"halorun/kernels"
	"halorun/ranks"
)

// drawOp draws an operation with parameters that keep pictures of some dozen rows interesting.
func drawOp(t *rapid.T) string {
	d := rapid.SampledFrom(kernels.Definitions()).Draw(t, "op")
	var ps []string
	for _, p := range d.Params {
		lo, hi := max(p.Min, -80), min(p.Max, 150)
		var v any
		switch {
		case p.Kind == kernels.KindBool:
			v = rapid.Bool().Draw(t, p.Name)
		case p.Kind == kernels.KindChoice:
			v = rapid.SampledFrom(p.Choices).Draw(t, p.Name)
		case p.Kind == kernels.KindText:
			v = rapid.SampledFrom([]string{"emboss", "0.3 0.4 0.3", "1;0;0;0;-1", "0.1 0.2 0.3;0.7 -1 0.6;0.5 0.1 0.2"}).Draw(t, p.Name)
		case p.Odd:
			v = 2*rapid.IntRange(int(lo)/2, min(25, int(hi)/2)).Draw(t, p.Name) + 1
		case p.Kind == kernels.KindInt:
			v = rapid.IntRange(int(lo), int(hi)).Draw(t, p.Name)
		default:
			v = rapid.Float64Range(lo, hi).Draw(t, p.Name)
		}
		ps = append(ps, fmt.Sprintf("%s=%v", p.Name, v))
	}
	return strings.TrimSuffix(d.Name+":"+strings.Join(ps, ","), ":")
}

// TestAnyChain is the law over all operations: whatever the chain and the picture, the bytes depend on nothing else.
func TestAnyChain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(r *rapid.T) {
		var ops []string
		for range rapid.IntRange(1, 4).Draw(r, "ops") {
			ops = append(ops, drawOp(r))
		}
		width := rapid.SampledFrom([]int{1, 2, 5, 8, 31, 64, 65, 130, 200}).Draw(r, "width")
		height, channels := rapid.IntRange(1, 70).Draw(r, "height"), rapid.SampledFrom([]int{1, 3}).Draw(r, "channels")
		in := filepath.Join(dir, "in.ppm")
		picture(t, in, width, height, channels, rapid.Uint64().Draw(r, "seed"))
		job := ranks.Job{Input: ranks.File{Name: in, Path: in}, Ops: ops, Format: rapid.SampledFrom([]string{"ppm", "png"}).Draw(r, "format")}
		want := run(t, job, setup{size: 1})
		n := rapid.IntRange(1, 8).Draw(r, "n")
		s := setup{
			size: n, threads: rapid.IntRange(1, 3).Draw(r, "threads"), head: rapid.IntRange(0, n).Draw(r, "head"),
			tileRows: rapid.SampledFrom([]int{0, 1, 2, 3, 7, 64}).Draw(r, "tileRows"), private: rapid.Bool().Draw(r, "private"), hosts: 1,
			tight: rapid.Bool().Draw(r, "tight"),
		}
		if got := run(t, job, s); !bytes.Equal(got, want) {
			r.Fatalf("%s on %d×%d×%d, %+v: the file differs from that of one rank", ops, width, height, channels, s)
		}
	})
}
