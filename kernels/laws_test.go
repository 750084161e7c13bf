package kernels

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

// drawOp draws an operation with parameters of its own.
func drawOp(t *rapid.T, d Definition) string {
	var ps []string
	for _, p := range d.Params {
		var v float64
		var text string
		switch {
		case p.Kind == KindBool:
			v = float64(rapid.IntRange(0, 1).Draw(t, p.Name))
		case p.Kind == KindChoice:
			text = rapid.SampledFrom(p.Choices).Draw(t, p.Name)
		case p.Kind == KindText:
			text = drawKernel(t)
		case p.Odd:
			v = float64(2*rapid.IntRange(int(p.Min)/2, min(20, int(p.Max)/2)).Draw(t, p.Name) + 1)
		case p.Kind == KindInt:
			v = float64(rapid.IntRange(int(p.Min), int(p.Max)).Draw(t, p.Name))
		default:
			v = rapid.OneOf(
				rapid.Float64Range(max(p.Min, -300), min(p.Max, 600)), rapid.Float64Range(p.Min, p.Max),
			).Draw(t, p.Name)
		}
		ps = append(ps, p.Name+"="+p.format(value{v, text}))
	}
	if len(ps) == 0 {
		return d.Name
	}
	return d.Name + ":" + strings.Join(ps, ",")
}

// drawPicture draws a picture of an awkward size: noise, blobs, or a few values only.
func drawPicture(t *rapid.T) ([][]byte, Shape) {
	s := Shape{
		Width:    rapid.SampledFrom([]int{1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 70}).Draw(t, "width"),
		Height:   rapid.IntRange(1, 40).Draw(t, "height"),
		Channels: rapid.SampledFrom([]int{1, 3}).Draw(t, "channels"),
	}
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	kind := rapid.IntRange(0, 2).Draw(t, "kind")
	rows := makeRows(s)
	for y := range rows {
		for x := range rows[y] {
			switch kind {
			case 0:
				rows[y][x] = byte(rng.IntN(256))
			case 1:
				rows[y][x] = byte(255 * rng.IntN(2))
			default:
				rows[y][x] = byte(128 + 100*((x/9+y/7)%2) - 50 + rng.IntN(30))
			}
		}
	}
	return rows, s
}

// stagesOf returns the stages of a chain.
func stagesOf(t testing.TB, ops []string, s Shape) []Stage {
	t.Helper()
	chain, err := Parse(ops)
	if err != nil {
		t.Fatal(err)
	}
	stages, err := chain.Stages(s)
	if err != nil {
		t.Fatal(err)
	}
	return stages
}

// reference runs a chain through the references alone.
func reference(t testing.TB, ops []string, rows [][]byte, s Shape) [][]byte {
	t.Helper()
	planes := planesOf(rows, s)
	for _, stage := range stagesOf(t, ops, s) {
		for _, step := range stage.Steps {
			if a, ok := step.Op.(Approximate); ok && a.Tolerance() > 0 {
				planes = approximate(t, a, planes, s)
			} else {
				planes = step.Op.Reference(planes)
			}
			s = step.Out
		}
	}
	return rowsOf(planes, s)
}

func planesOf(rows [][]byte, s Shape) Planes {
	planes := newPlanes(s.Channels, s.Height, s.Width)
	for y, row := range rows {
		for i, v := range row {
			planes[i%s.Channels].Set(y, i/s.Channels, float64(v))
		}
	}
	return planes
}

func rowsOf(planes Planes, s Shape) [][]byte {
	rows := makeRows(s)
	for y, row := range rows {
		for i := range row {
			row[i] = byte(planes[i%s.Channels].At(y, i/s.Channels))
		}
	}
	return rows
}

// approximate returns what the fast path alone makes of a picture of shape s, and holds it to the exact values: it must have rounded
// numbers within the tolerance of them.
func approximate(t testing.TB, op Approximate, in Planes, s Shape) Planes {
	t.Helper()
	rows, out := rowsOf(in, s), makeRows(op.OutShape(s))
	p := NewPipelineOver(Stage{Steps: []Step{{op, s, op.OutShape(s)}}, In: s, Out: op.OutShape(s)}, func(y int) []byte { return rows[y] })
	if err := p.Run(Rows{0, len(out)}, out); err != nil {
		t.Fatal(err)
	}
	got, exact := planesOf(out, op.OutShape(s)), op.Exact(in)
	for c := range got {
		got[c].Apply(func(y, x int, v float64) float64 {
			e := exact[c].At(y, x)
			if v < saturated(e-op.Tolerance()) || v > saturated(e+op.Tolerance()) {
				t.Fatalf("row %d, column %d, channel %d: %v, want %v within %v, rounded", y, x, c, v, e, op.Tolerance())
			}
			return v
		}, got[c])
	}
	return got
}

func difference(got, want [][]byte) string {
	for y := range want {
		for i := range want[y] {
			if got[y][i] != want[y][i] {
				return fmt.Sprintf("row %d, sample %d: %d, want %d", y, i, got[y][i], want[y][i])
			}
		}
	}
	return ""
}

// TestFastEqualsReference holds every operation's fast path to its reference.
func TestFastEqualsReference(t *testing.T) {
	for _, d := range Definitions() {
		t.Run(d.Name, func(t *testing.T) {
			rapid.Check(t, func(r *rapid.T) {
				op := []string{drawOp(r, d)}
				rows, s := drawPicture(r)
				got, _ := runChain(t, op, rows, s)
				if diff := difference(got, reference(t, op, rows, s)); diff != "" {
					r.Fatalf("%s on %v: %s", op, s, diff)
				}
			})
		})
	}
}

// TestChainsEqualReference holds chains, fused as a rank fuses them, to the references one after the other.
func TestChainsEqualReference(t *testing.T) {
	defs := Definitions()
	rapid.Check(t, func(r *rapid.T) {
		var ops []string
		for range rapid.IntRange(1, 4).Draw(r, "ops") {
			ops = append(ops, drawOp(r, rapid.SampledFrom(defs).Draw(r, "op")))
		}
		rows, s := drawPicture(r)
		got, _ := runChain(t, ops, rows, s)
		if diff := difference(got, reference(t, ops, rows, s)); diff != "" {
			r.Fatalf("%s on %v: %s", ops, s, diff)
		}
	})
}

// TestPiecesEqualWhole computes a stage in pieces of any height, from any row on.
func TestPiecesEqualWhole(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		ops := []string{drawOp(r, rapid.SampledFrom(Definitions()).Draw(r, "op")), "blur:size=5"}
		rows, s := drawPicture(r)
		stage := stagesOf(t, ops, s)[0]
		var read []Rows
		reader := func(y int, dst [][]byte) error {
			read = append(read, Rows{y, y + len(dst)})
			for i := range dst {
				copy(dst[i], rows[y+i])
			}
			return nil
		}
		whole := makeRows(stage.Out)
		if err := NewPipeline(stage, reader).Run(Rows{0, s.Height}, whole); err != nil {
			t.Fatal(err)
		}
		p := NewPipeline(stage, reader)
		for y := rapid.IntRange(0, s.Height-1).Draw(r, "from"); y < s.Height; {
			piece := Rows{y, min(s.Height, y+rapid.IntRange(1, 9).Draw(r, "rows"))}
			got := makeRows(Shape{stage.Out.Width, piece.Len(), stage.Out.Channels})
			if err := p.Run(piece, got); err != nil {
				t.Fatal(err)
			}
			if diff := difference(got, whole[piece.Lo:piece.Hi]); diff != "" {
				r.Fatalf("%s on %v, rows %v: %s", ops, s, piece, diff)
			}
			y = piece.Hi + rapid.IntRange(0, 3).Draw(r, "gap")
		}
		for _, rows := range read {
			if rows.Lo < 0 || rows.Hi > s.Height {
				r.Fatalf("rows %v were asked of a picture of %d", rows, s.Height)
			}
		}
	})
}

// TestPipelineReadsOnce: while the rows asked for rise without a gap, each input row is read once.
func TestPipelineReadsOnce(t *testing.T) {
	stages := stagesOf(t, []string{"sharpen", "blur:size=9", "sketch"}, Shape{20, 100, 3})
	next := 30 - 1 - 4 - 1 - 2
	p := NewPipeline(stages[0], func(y int, dst [][]byte) error {
		if y != next {
			t.Errorf("row %d is read when row %d is due", y, next)
		}
		next += len(dst)
		return nil
	})
	for y := 30; y < 60; y += 3 {
		if err := p.Run(Rows{y, y + 3}, makeRows(Shape{20, 3, 1})); err != nil {
			t.Fatal(err)
		}
	}
	if want := 60 + 1 + 4 + 1 + 2; next != want {
		t.Errorf("rows up to %d were read, want %d", next, want)
	}
}

// TestSeparability: the singular values tell kernels with factors from those without, and the factors are exact.
func TestSeparability(t *testing.T) {
	gaussian := gaussianTaps(9, 1.7)
	for _, c := range []struct {
		name      string
		kernel    mat.Matrix
		separable bool
	}{
		{"gaussian", mat.DenseCopyOf(outer{gaussian, gaussian}), true},
		{"box", mat.NewDense(3, 3, []float64{1, 1, 1, 1, 1, 1, 1, 1, 1}), true},
		{"sobel", mat.NewDense(3, 3, []float64{-1, 0, 1, -2, 0, 2, -1, 0, 1}), true},
		{"row", mat.NewDense(1, 3, []float64{2, 4, 6}), true},
		{"sharpen", mat.NewDense(3, 3, []float64{-1, -1, -1, -1, 9, -1, -1, -1, -1}), false},
		{"laplacian", mat.NewDense(3, 3, []float64{0, 1, 0, 1, -4, 1, 0, 1, 0}), false},
		{"nearly", mat.NewDense(3, 3, []float64{10000, 10000, 10000, 10000, 10001, 10000, 10000, 10000, 10000}), false},
		{"zero", mat.NewDense(3, 3, nil), false},
	} {
		k, err := NewConvolution(c.kernel, 0, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := k.row != nil; got != c.separable {
			t.Errorf("%s: separable is %t", c.name, got)
		}
		if c.separable && !mat.Equal(outer{k.column, k.row}, c.kernel) {
			t.Errorf("%s: factors %v and %v", c.name, k.column, k.row)
		}
	}
}

// TestKernelsAreChecked: what is no kernel is refused.
func TestKernelsAreChecked(t *testing.T) {
	for name, m := range map[string]mat.Matrix{
		"even":     mat.NewDense(2, 3, nil),
		"fraction": mat.NewDense(1, 1, []float64{0.5}),
		"huge":     mat.NewDense(1, 1, []float64{1e9}),
	} {
		if _, err := NewConvolution(m, 0, false); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestConvolutionDirect holds the direct form to the reference for any kernel.
func TestConvolutionDirect(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h, w := 2*rapid.IntRange(0, 3).Draw(r, "h")+1, 2*rapid.IntRange(0, 3).Draw(r, "w")+1
		kernel := mat.NewDense(h, w, nil)
		for i := range h {
			for j := range w {
				kernel.Set(i, j, float64(rapid.IntRange(-300, 300).Draw(r, "entry")))
			}
		}
		op, err := NewConvolution(kernel, uint(rapid.IntRange(0, 12).Draw(r, "shift")), rapid.Bool().Draw(r, "abs"))
		if err != nil {
			t.Fatal(err)
		}
		rows, s := drawPicture(r)
		p := NewPipeline(Stage{Steps: []Step{{op, s, s}}, In: s, Out: s}, func(y int, dst [][]byte) error {
			for i := range dst {
				copy(dst[i], rows[y+i])
			}
			return nil
		})
		got := makeRows(s)
		if err := p.Run(Rows{0, s.Height}, got); err != nil {
			t.Fatal(err)
		}
		if diff := difference(got, rowsOf(op.Reference(planesOf(rows, s)), s)); diff != "" {
			r.Fatal(diff)
		}
	})
}
