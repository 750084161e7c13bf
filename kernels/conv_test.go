package kernels

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

// drawKernel draws a kernel: mostly a small one, of whole numbers, fractions of them, or any numbers; of any rank.
func drawKernel(t *rapid.T) string {
	side := rapid.OneOf(rapid.IntRange(0, 1), rapid.IntRange(0, 4), rapid.IntRange(0, 4), rapid.IntRange(0, 12))
	r, c := 2*side.Draw(t, "rows")+1, 2*side.Draw(t, "columns")+1
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "entries"), 0))
	entry := rapid.SampledFrom([]func() float64{
		func() float64 { return float64(rng.IntN(19) - 9) },
		func() float64 { return float64(rng.IntN(81) - 40) },
		func() float64 { return float64(rng.IntN(255)-127) / 256 },
		func() float64 { return rng.NormFloat64() / float64(r) },
		func() float64 { return rng.ExpFloat64() / float64(r*c) },
		func() float64 { return float64(rng.IntN(2)*rng.IntN(2)) / float64(c) },
	}).Draw(t, "kind")
	fill := func(_, _ int, _ float64) float64 { return entry() }
	kernel := mat.NewDense(r, c, nil)
	if rank := rapid.IntRange(0, 3).Draw(t, "rank"); rank > 0 {
		a, b := mat.NewDense(r, rank, nil), mat.NewDense(rank, c, nil)
		a.Apply(fill, a)
		b.Apply(fill, b)
		kernel.Mul(a, b)
	} else {
		kernel.Apply(fill, kernel)
	}
	return formatKernel(kernel)
}

// TestKernelText: all ways to write a kernel mean the same, and have one normal form.
func TestKernelText(t *testing.T) {
	dir := t.TempDir()
	file := func(content string) string {
		f, err := os.CreateTemp(dir, "")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(content); err != nil {
			t.Fatal(err)
		}
		return "@" + f.Name()
	}
	const want = "-2,-1,0;-1,1,1;0,1,2"
	for _, text := range []string{
		want, "emboss", "Emboss", "-2 -1 0;-1 1 1;0 1 2", "-2, -1, -0; -1, 1, 1.0; 0,1,+2", " -2e0 -1 0 ; -1 1 1;\t0 1 0x1p1",
		file("-2,-1,0\n-1,1,1\n0,1,2\n"), file("-2, -1, 0\r\n-1, 1, 1\r\n0, 1, 2\r\n"), file("\ufeff-2;-1;0\n-1;1;1\n0;1;2"),
		file("# emboss\n\n-2\t-1\t0\n -1  1 1 # middle\n0 1 2\n\n"), file("-2 -1 0\r-1 1 1\r0 1 2\r"),
	} {
		chain, err := Parse([]string{"conv:delta=3,kernel=" + text + ",scale=2"})
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		const normal = "conv:kernel=" + want + ",scale=2,normalize=false,delta=3"
		if got := chain[0].String(); got != normal {
			t.Errorf("%q: %s, want %s", text, got, normal)
		}
		if again, err := Parse([]string{chain[0].String()}); err != nil || again[0].String() != normal {
			t.Errorf("%q: again: %v, %v", text, again, err)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		text := drawKernel(r)
		if got, err := normaliseKernel(text); err != nil || got != text {
			r.Errorf("%q: %q, %v", text, got, err)
		}
	})
	for name := range namedKernels {
		if k, err := parseKernel(name); err != nil || formatKernel(k) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestKernelTextErrors: what is no kernel is refused, in one line that says why.
func TestKernelTextErrors(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return "@" + filepath.Join(dir, name)
	}
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil && runtime.GOOS == "linux" {
		t.Fatal(err)
	}
	row := func(n int) string { return strings.TrimSuffix(strings.Repeat("1,", n), ",") }
	for _, c := range []struct{ text, want string }{
		{"", "no kernel"},
		{"embos", "no such kernel"},
		{"1 2;3 4", "2×2 (rows × columns) has no middle"},
		{"1 2 3;4 5 6", "2×3 (rows × columns) has no middle"},
		{"1 2 1;2 4;1 2 1", "row 2 has 2 entries, but row 1 has 3"},
		{"1 2 1;2;1 2 1", "row 2 has 1 entry, but"},
		{"1 2 1;;1 2 1", "row 2 is empty"},
		{"1 nan 1", "row 1, entry 2 is NaN; entries must be finite"},
		{"1 -inf 1", "row 1, entry 2 is -Inf; entries must be finite"},
		{"1 2 1e999", "row 1, entry 3 is 1e999, which is too large"},
		{"1,,1", "row 1, entry 2 is missing"},
		{"1 2 x", `row 1, entry 3 is "x", which is not a number`},
		{"1 2 3\n4 5 6\n7 8 9", "it has more than one line; between rows there are semicolons"},
		{row(257), "row 1 has 257 entries; a kernel's sides go up to 255"},
		{strings.TrimSuffix(strings.Repeat("1;", 257), ";"), "more than 255 rows"},
		{"@", "the name of a file must follow"},
		{"@" + filepath.Join(dir, "missing.csv"), "no such file"},
		{"@" + dir, "it is a directory"},
		{"@" + fifo, "it is not a regular file"},
		{"@\x00", "invalid argument"},
		{write("empty", ""), "it holds no numbers"},
		{write("comments", "# nothing\n\n"), "it holds no numbers"},
		{write("ragged", "# a\n1 2 3\n\n4 5\n"), "line 4 has 2 entries, but line 2 has 3"},
		{write("even", "1,2\n3,4\n"), "2×2"},
		{write("decimal commas", "1,5;2;3\n"), `line 1, entry 1 is "1,5", which is not a number`},
		{write("inline", "1 2 1;2 4 2;1 2 1\n"), `line 1, entry 1 is "1 2 1", which is not a number`},
		{write("binary", "\x89PNG\r\n\x1a\n\x00\x00"), "which is not a number"},
		{write("huge", strings.Repeat(" ", maxKernelFile+1)), "it is longer than 4 MiB"},
		{write("long", strings.Repeat("x", maxKernelFile)), "which is not a number"},
	} {
		_, err := Parse([]string{"conv:kernel=" + c.text})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.ContainsAny(err.Error(), "\r\n") || len(err.Error()) > 1000 {
			t.Errorf("%.40q: %.1000v, want %q", c.text, err, c.want)
		}
	}
	for _, c := range []struct{ op, want string }{
		{"conv:kernel=1e30", "the kernel's entries, times the scale, add up to 1e+30 in absolute value"},
		{"conv:kernel=1e308 1e308 1e308", "add up to +Inf"},
		{"conv:kernel=1e8,scale=1000", "add up to 1e+11"},
		{"conv:kernel=" + row(255) + ";" + row(255) + ";1e30" + row(255)[1:], "…: the kernel's entries"},
	} {
		chain, err := Parse([]string{c.op})
		if err != nil {
			t.Fatal(err)
		}
		_, err = chain.Stages(Shape{5, 5, 3})
		if err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 1000 {
			t.Errorf("%.40q: %v, want %q", c.op, err, c.want)
		}
	}
}

// schemeOf returns the scheme for a kernel.
func schemeOf(t *testing.T, kernel *mat.Dense, scale, delta float64) scheme {
	t.Helper()
	op, err := newCorrelation(kernel, scale, delta)
	if err != nil {
		t.Fatal(err)
	}
	return op.scheme
}

// TestSchemes: kernels of low rank get terms, and what can be exact is.
func TestSchemes(t *testing.T) {
	whole := func(r, c, rank int, entry func() float64) *mat.Dense {
		a, b := mat.NewDense(r, rank, nil), mat.NewDense(rank, c, nil)
		fill := func(_, _ int, _ float64) float64 { return entry() }
		a.Apply(fill, a)
		b.Apply(fill, b)
		k := mat.NewDense(r, c, nil)
		k.Mul(a, b)
		return k
	}
	rng := rand.New(rand.NewPCG(4, 4))
	digit := func() float64 { return float64(rng.IntN(9) - 4) }
	normal := func() float64 { return rng.NormFloat64() / 31 }
	taps := gaussianTaps(31, 0)
	for _, c := range []struct {
		name         string
		kernel       *mat.Dense
		scale, delta float64
		terms        int
		exact, wide  bool
		bytes        bool
	}{
		{"fixed point", mat.DenseCopyOf(outer{taps, taps}), 1.0 / 65536, 0, 1, true, false, false},
		{"sharpen", namedKernels["sharpen"], 1, 0, 0, true, false, true},
		{"tripled", namedKernels["sharpen"], 3, -1.5, 0, true, false, false},
		{"ninth", namedKernels["sharpen"], 1.0 / 9, 0, 0, false, false, false},
		{"rank 1", whole(15, 9, 1, digit), 1, 0, 1, true, false, false},
		{"rank 2", whole(15, 15, 2, digit), 1, 7, 2, true, false, false},
		{"any rank", whole(9, 9, 9, digit), 1, 7, 0, true, false, false},
		{"large", mat.NewDense(1, 3, []float64{70000, -70000, 1}), 1, 0, 0, true, true, false},
		{"real rank 1", whole(31, 31, 1, normal), 1, 0, 1, false, false, false},
		{"real rank 3", whole(31, 31, 3, normal), 1, 0, 3, false, false, false},
		{"real", whole(9, 9, 9, normal), 1, 0, 0, false, false, false},
		{"real and large", whole(9, 9, 9, normal), 1000, 0, 0, false, true, false},
		{"zero", mat.NewDense(3, 3, nil), 1, 0, 0, true, false, true},
		{"scaled to zero", whole(9, 9, 9, normal), 0, 0, 0, true, false, true},
	} {
		s := schemeOf(t, c.kernel, c.scale, c.delta)
		if len(s.terms) != c.terms || (s.tolerance == 0) != c.exact || s.wide != c.wide || s.bytes != c.bytes || s.tolerance > maxTolerance {
			t.Errorf("%s: %d terms, tolerance %v, wide is %t, bytes is %t", c.name, len(s.terms), s.tolerance, s.wide, s.bytes)
		}
	}
}

// TestTermsAddUp: terms of whole numbers make the kernel again, of which they are as many as its rank.
func TestTermsAddUp(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(r, "entries"), 0))
		h, w, rank := rapid.IntRange(1, 12).Draw(r, "h"), rapid.IntRange(1, 12).Draw(r, "w"), rapid.IntRange(1, 4).Draw(r, "rank")
		a, b := mat.NewDense(h, rank, nil), mat.NewDense(rank, w, nil)
		fill := func(_, _ int, _ float64) float64 { return float64(rng.IntN(9) - 4) }
		a.Apply(fill, a)
		b.Apply(fill, b)
		kernel := mat.NewDense(h, w, nil)
		kernel.Mul(a, b)
		terms := wholeTerms(kernel, math.MaxInt)
		if len(terms) > min(rank, h, w) {
			r.Fatalf("%d terms for a kernel of rank %d", len(terms), rank)
		}
		sum := mat.NewDense(h, w, nil)
		for _, t := range terms {
			var k mat.Dense
			k.Outer(1, mat.NewVecDense(h, t.column), mat.NewVecDense(w, t.row))
			sum.Add(sum, &k)
		}
		if terms != nil && !mat.Equal(sum, kernel) {
			r.Fatalf("the terms add up to\n%v, want\n%v", mat.Formatted(sum), mat.Formatted(kernel))
		}
	})
}

// TestCorrelationRoutines: assembly does what Go does, bit for bit, and writes nothing else.
func TestCorrelationRoutines(t *testing.T) {
	t.Run("float32", func(t *testing.T) { testRoutines(t, routines32(), goRoutines32) })
	t.Run("float64", func(t *testing.T) { testRoutines(t, routines64(), goRoutines64) })
}

func testRoutines[T float32 | float64](t *testing.T, fast, slow routines[T]) {
	rng := rand.New(rand.NewPCG(5, 5))
	const guard = 12345
	guarded := func(n int) []T { return slices.Repeat([]T{guard}, n+2) }
	same := func(what string, got, want []T) {
		t.Helper()
		for i := range got {
			if got[i] != want[i] || math.Signbit(float64(got[i])) != math.Signbit(float64(want[i])) {
				t.Fatalf("%s: number %d: %v, want %v", what, i, got[i], want[i])
			}
		}
	}
	for count := range 4 {
		n := count * span
		for skip := range 3 {
			bytes := make([]byte, n+skip)[skip:]
			for i := range bytes {
				bytes[i] = byte(rng.Uint32())
			}
			got, want := guarded(n), guarded(n)
			fast.load(got[1:1+n], bytes)
			slow.load(want[1:1+n], bytes)
			same(fmt.Sprintf("load of %d", n), got, want)
		}
	}
	src := make([]T, 1000)
	for i := range src {
		src[i] = T(rng.NormFloat64() * 100)
	}
	for round, count := range []int{0, 1, 2, 3, 4, 5, 31, 128} {
		n := (round%3 + 1) * span
		for _, add := range []bool{false, true} {
			taps := make([]weighted[T], count)
			for i := range taps {
				taps[i] = weighted[T]{rng.IntN(len(src) - n - 3), [2]T{T(rng.NormFloat64()), T(rng.IntN(3) - 1)}}
			}
			from := src[rng.IntN(3):]
			got, want := guarded(n), guarded(n)
			fast.one(got[1:1+n], from, taps, add)
			slow.one(want[1:1+n], from, taps, add)
			same(fmt.Sprintf("%d taps for one row", count), got, want)
			got2, want2 := guarded(n), guarded(n)
			fast.two(got[1:1+n], got2[1:1+n], from, taps, add)
			slow.two(want[1:1+n], want2[1:1+n], from, taps, add)
			same(fmt.Sprintf("%d taps for the first of two rows", count), got, want)
			same(fmt.Sprintf("%d taps for the second of two rows", count), got2, want2)
		}
	}
	for count := range 4 {
		sums := make([]T, count*span)
		for i := range sums {
			switch rng.IntN(4) {
			case 0:
				sums[i] = T(rng.IntN(300)-20) / 2 // halves are rounded to even
			case 1:
				sums[i] = math.MaxFloat32 * T(rng.IntN(3)-1) / 1024
			default:
				sums[i] = T(rng.Float32()*300 - 20)
			}
		}
		for _, gain := range []T{1, -1, 0.5, 1.0 / 9, 0} {
			got, want := bytes.Repeat([]byte{77}, len(sums)+2), bytes.Repeat([]byte{77}, len(sums)+2)
			fast.finish(got[1:1+len(sums)], sums, gain, 0.25)
			slow.finish(want[1:1+len(sums)], sums, gain, 0.25)
			if !bytes.Equal(got, want) {
				t.Fatalf("finish of %d with gain %v: %v, want %v", len(sums), gain, got, want)
			}
			for i, s := range sums {
				if v := float64(T(s*gain) + 0.25); want[1+i] != byte(saturated(v)) {
					t.Fatalf("finish of %v: %d", v, want[1+i])
				}
			}
		}
	}
}

// TestCorrelationInPieces: batches and strips do not show, nor does how many rows are asked for.
func TestCorrelationInPieces(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	gauss := mat.DenseCopyOf(outer{gaussianTaps(9, 0), gaussianTaps(15, 0)})
	noise := mat.NewDense(11, 7, nil)
	noise.Apply(func(_, _ int, _ float64) float64 { return rng.NormFloat64() / 10 }, noise)
	diagonal := mat.NewDense(9, 9, nil)
	for i := range 9 {
		diagonal.Set(i, i, 1.0/9)
	}
	kernels := map[string]*mat.Dense{"gauss": gauss, "noise": noise, "diagonal": diagonal, "sharpen": namedKernels["sharpen"]}
	for name, kernel := range kernels {
		for _, scale := range []float64{1.0 / 65536, 1, 1000} {
			op, err := newCorrelation(kernel, scale, 1)
			if err != nil {
				t.Fatal(err)
			}
			s := Shape{stripNumbers/3 + 10, 70, 3}
			rows := noisy(rng, s)
			src := make([][]byte, 0, 100)
			need := op.InRows(Rows{0, s.Height})
			for y := need.Lo; y < need.Hi; y++ {
				src = append(src, rows[BorderReflect101.At(y, s.Height)])
			}
			whole, single := makeRows(s), makeRows(s)
			apply := op.Bind(s)
			apply.Apply(whole, src, Rows{0, s.Height})
			for y := range single {
				apply.Apply(single[y:y+1], src[y:y+need.Len()-s.Height+1], Rows{y, y + 1})
			}
			if diff := difference(single, whole); diff != "" {
				t.Errorf("%s by %v: %s", name, scale, diff)
			}
			// The last strip is a narrow one.
			wide := Shape{stripNumbers/3 + 10, 3, 3}
			approximate(t, op, planesOf(rows[:wide.Height], wide), wide)
			if n := testing.AllocsPerRun(1, func() { apply.Apply(single[:3], src, Rows{0, 3}) }); n > 0 {
				t.Errorf("%s by %v: %v allocations", name, scale, n)
			}
		}
	}
}
