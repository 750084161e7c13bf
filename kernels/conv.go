package kernels

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

var _ = register(Definition{
	Name: "conv", Order: 20, Border: BorderReflect101,
	Doc: "convolution with any kernel (filter2D; ±1 of OpenCV unless the entries are whole numbers)",
	Params: []Param{
		{Name: "kernel", Kind: KindText, Text: "emboss", Normalise: normaliseKernel,
			Doc: "@FILE.csv, rows like 1 2 1;2 4 2;1 2 1, or " + kernelNames + "; its sides are odd and at most 255"},
		{Name: "scale", Kind: KindFloat, Default: 1, Min: -1000, Max: 1000, Doc: "what the kernel is multiplied by"},
		{Name: "normalize", Kind: KindBool, Doc: "first divide the kernel by the sum of its entries, if that is not 0"},
		{Name: "delta", Kind: KindFloat, Default: 0, Min: -65536, Max: 65536, Doc: "what is added to the result"},
	},
	Build: func(a Args, _ int) ([]Op, error) {
		kernel, err := parseKernel(a.Text("kernel"))
		if err != nil {
			return nil, err
		}
		scale := a.Float("scale")
		if a.Bool("normalize") {
			scale /= kernelSum(kernel)
		}
		op, err := newCorrelation(kernel, scale, a.Float("delta"))
		return []Op{op}, err
	},
})

// kernelSum returns the sum of the kernel's entries, or 1 if they cancel out.
func kernelSum(kernel *mat.Dense) float64 {
	sum, size := 0.0, 0.0
	for _, v := range kernel.RawMatrix().Data {
		sum += v
		size += math.Abs(v)
	}
	if math.Abs(sum) <= 1e-9*size {
		return 1
	}
	return sum
}

// correlation is a filter given by a kernel of any numbers: every sample becomes
//
//	saturate(round(Σ scale·kernel(i,j)·sample + delta))
//
// with the kernel's middle on the sample, the border rule reflect-101, and halves rounded to even, as OpenCV's filter2D has it. A
// scheme says how the sum is computed, and how far from the exact one it may be.
type correlation struct {
	kernel *mat.Dense // with the scale in it
	delta  float64
	scheme scheme
}

// newCorrelation returns the filter for a kernel whose sides are odd. The error says that its entries are too large.
func newCorrelation(kernel *mat.Dense, scale, delta float64) (*correlation, error) {
	scaled := mat.DenseCopyOf(kernel)
	scaled.Scale(scale, kernel)
	s, err := newScheme(kernel, scale, scaled, delta)
	return &correlation{scaled, delta, s}, err
}

func (k *correlation) OutShape(in Shape) Shape { return in }
func (k *correlation) Border() Border          { return BorderReflect101 }

func (k *correlation) InRows(out Rows) Rows {
	r, _ := k.kernel.Dims()
	return out.Grow(r / 2)
}

// Bind implements Op.
func (k *correlation) Bind(in Shape) Applier {
	switch {
	case k.scheme.bytes:
		return newDirect(k.scheme.kernel, finish{delta: int(k.scheme.delta)}, in)
	case k.scheme.wide:
		return newCorrelator(k.scheme, in, routines64())
	}
	return newCorrelator(k.scheme, in, routines32())
}

// Tolerance implements Approximate.
func (k *correlation) Tolerance() float64 { return k.scheme.tolerance }

// Exact implements Approximate: it is the double sum itself.
func (k *correlation) Exact(in Planes) Planes {
	return doubleSums(k.kernel, in, func(sum float64) float64 { return sum + k.delta })
}

// Reference rounds what is exact.
func (k *correlation) Reference(in Planes) Planes {
	return doubleSums(k.kernel, in, func(sum float64) float64 { return saturated(sum + k.delta) })
}

// saturated returns the sample nearest to v, the even one of two.
func saturated(v float64) float64 { return min(max(math.RoundToEven(v), 0), 255) }
