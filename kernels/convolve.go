package kernels

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Convolution is a filter given by a kernel of whole numbers: every sample becomes
//
//	saturate((Σ kernel(i,j)·sample + 2^(shift−1)) >> shift)
//
// with the kernel's middle on the sample (a correlation, as OpenCV's filter2D), the border rule reflect-101, and the absolute
// value taken before saturating if abs is set.
type Convolution struct {
	kernel mat.Matrix
	finish
	column []int // with row, the factors of a kernel of rank 1; else nil
	row    []int
}

// outer is the matrix column · rowᵀ, which knows its factors. A decomposition of a kernel as large as a blur's may cost more
// than the filter.
type outer struct{ column, row []int }

func (o outer) Dims() (r, c int)    { return len(o.column), len(o.row) }
func (o outer) At(i, j int) float64 { return float64(o.column[i] * o.row[j]) }
func (o outer) T() mat.Matrix       { return outer{o.row, o.column} }

// NewConvolution returns the filter for the kernel, whose sides are odd and whose entries are whole numbers.
func NewConvolution(kernel mat.Matrix, shift uint, abs bool) (*Convolution, error) {
	r, c := kernel.Dims()
	if r%2 == 0 || c%2 == 0 {
		return nil, fmt.Errorf("a kernel of %d×%d has no middle; its sides must be odd", r, c)
	}
	sum := 0.0
	for i := range r {
		for j := range c {
			v := kernel.At(i, j)
			if v != math.Trunc(v) {
				return nil, fmt.Errorf("kernel entry %v in row %d, column %d is not a whole number", v, i+1, j+1)
			}
			sum += math.Abs(v)
		}
	}
	if sum*255+float64(uint64(1)<<shift) > math.MaxInt32 {
		return nil, fmt.Errorf("the kernel's entries add up to %v; sums of samples would not fit 32 bits", sum)
	}
	k := &Convolution{kernel: kernel, finish: finish{shift: shift, abs: abs}}
	if o, ok := kernel.(outer); ok {
		k.column, k.row = o.column, o.row
	} else {
		k.column, k.row = factor(kernel)
	}
	return k, nil
}

// factor returns whole numbers whose outer product is the kernel, if its singular values say that it has rank 1.
func factor(kernel mat.Matrix) (column, row []int) {
	var svd mat.SVD
	if !svd.Factorize(kernel, mat.SVDNone) {
		return nil, nil
	}
	values := svd.Values(nil)
	if values[0] == 0 || len(values) > 1 && values[1] > 1e-9*values[0] {
		return nil, nil
	}
	r, c := kernel.Dims()
	// Any row that is not zero is a multiple of row; divided by its greatest common divisor it is the smallest one.
	for i := range r {
		g := 0
		row = row[:0]
		for j := range c {
			row = append(row, int(kernel.At(i, j)))
			g = gcd(g, row[j])
		}
		if g == 0 {
			continue
		}
		pivot := 0
		for j := range row {
			row[j] /= g
			if row[j] != 0 {
				pivot = j
			}
		}
		for i := range r {
			column = append(column, int(kernel.At(i, pivot))/row[pivot])
		}
		break
	}
	// Share factors of two evenly, so that sums along either fit few bits.
	for total(column) > total(row) && all(column, func(v int) bool { return v%2 == 0 }) {
		for i := range column {
			column[i] /= 2
		}
		for j := range row {
			row[j] *= 2
		}
	}
	for i := range r {
		for j := range c {
			if float64(column[i]*row[j]) != kernel.At(i, j) {
				return nil, nil
			}
		}
	}
	return column, row
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return max(a, -a)
}

func total(vs []int) int {
	n := 0
	for _, v := range vs {
		n += max(v, -v)
	}
	return n
}

func all(vs []int, ok func(int) bool) bool {
	for _, v := range vs {
		if !ok(v) {
			return false
		}
	}
	return true
}

func (k *Convolution) OutShape(in Shape) Shape { return in }
func (k *Convolution) Border() Border          { return BorderReflect101 }

func (k *Convolution) InRows(out Rows) Rows {
	r, _ := k.kernel.Dims()
	return out.Grow(r / 2)
}

// Bind chooses two passes, in their best form, if the kernel's factors fit them, else the direct form.
func (k *Convolution) Bind(in Shape) Applier {
	if k.shift != 16 || k.abs || !fitsTwoPass(k.column) || !fitsTwoPass(k.row) {
		return newDirect(k.kernel, k.finish, in)
	}
	if reach := binomialReach(k.column, k.row); reach > 0 {
		return newBinomial(reach, in)
	}
	const one = 256 // in fixed point, a weight that leaves no room for another
	switch column, row := slices.Max(k.column), slices.Max(k.row); {
	case column == one && row == one:
		return unchanged{reach: len(k.column) / 2}
	case column == one || row == one || path < isaAVX2:
		return newTwoPass(k.column, k.row, in)
	default:
		return newGauss(k.column, k.row, in, path)
	}
}

// Reference is the double sum itself; in float64 whole numbers of this size are exact.
func (k *Convolution) Reference(in Planes) Planes { return doubleSums(k.kernel, in, k.exactly) }

// doubleSums returns finish(Σ kernel(i,j)·sample) for every sample.
func doubleSums(kernel mat.Matrix, in Planes, finish func(sum float64) float64) Planes {
	h, w := in[0].Dims()
	r, c := kernel.Dims()
	out := newPlanes(len(in), h, w)
	for p, plane := range in {
		for y := range h {
			for x := range w {
				sum := 0.0
				for i := range r {
					yy := BorderReflect101.At(y+i-r/2, h)
					for j := range c {
						sum += float64(kernel.At(i, j) * plane.At(yy, BorderReflect101.At(x+j-c/2, w)))
					}
				}
				out[p].Set(y, x, finish(sum))
			}
		}
	}
	return out
}
