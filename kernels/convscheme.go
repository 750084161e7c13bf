package kernels

import (
	"fmt"
	"math"
	"math/bits"

	"gonum.org/v1/gonum/mat"
)

// scheme says how a correlation is computed: sums of samples weighed by whole numbers or real ones, in float32 or float64, each
// in one order on all machines, then
//
//	saturate(round(gain·sum + delta))
//
// A sum has one segment for the whole kernel or several for some of its rows each, or, if the kernel has low rank and that takes
// less time, terms that are sums along columns of sums along rows.
type scheme struct {
	rows, columns int // of the kernel
	terms         []term
	kernel        *mat.Dense // if there are no terms
	wide          bool       // float64
	bytes         bool       // 16 bits are enough, if there are no terms
	gain, delta   float64
	tolerance     float64 // how far from the exact value the one that is rounded may be
}

// term is a kernel of rank 1, column · rowᵀ.
type term struct{ column, row []float64 }

const (
	// maxSum is how large a sum of samples may be. In float64 it still has a dozen bits behind the point.
	maxSum = 1 << 40
	// maxTolerance is how far a sum in float32 may be from the exact one; where it would be farther, float64 is used.
	maxTolerance = 1.0 / 16
	// segmentTaps is about how many products are summed up before the sum is added to those of other segments, so that rounding
	// errors do not pile up.
	segmentTaps = 128
	white       = 255 // the largest sample
)

// newScheme returns the fastest scheme of those that are exact, or, if there is none, of those within the tolerance. scaled is
// scale·kernel.
func newScheme(kernel *mat.Dense, scale float64, scaled *mat.Dense, delta float64) (scheme, error) {
	if sum := white * absoluteSum(scaled); !(sum <= maxSum) { // which NaN is not, either
		return scheme{}, fmt.Errorf("the kernel's entries, times the scale, add up to %.3g in absolute value; at most %.3g are possible",
			sum/white, float64(maxSum/white))
	}
	best := scheme{tolerance: math.Inf(1)}
	for _, c := range []struct {
		kernel *mat.Dense
		gain   float64
		wide   bool
	}{{scaled, 1, false}, {kernel, scale, false}, {scaled, 1, true}} {
		s, ok := wholeScheme(c.kernel, c.gain, delta, c.wide)
		if ok && s.tolerance < best.tolerance && (!c.wide || s.tolerance == 0 && s.gain >= 1) {
			best = s
		}
	}
	if best.tolerance <= maxTolerance {
		return best, nil
	}
	s := realScheme(scaled, delta, false)
	if s.tolerance > maxTolerance {
		s = realScheme(scaled, delta, true)
	}
	return s, nil
}

// precision is what an arithmetic can hold.
type precision struct {
	bits  int                     // of a significand
	round func(v float64) float64 // to the nearest number
}

func (p precision) unit() float64 { return math.Ldexp(1, -p.bits) } // the largest relative error of an operation

func precisionOf(wide bool) precision {
	if wide {
		return precision{53, func(v float64) float64 { return v }}
	}
	return precision{24, func(v float64) float64 { return float64(float32(v)) }}
}

// wholeScheme returns a scheme in which all sums are exact in any order, because the entries are whole multiples of some power
// of two and no sum of so many of them has more bits than a significand.
func wholeScheme(kernel *mat.Dense, gain, delta float64, wide bool) (scheme, bool) {
	p := precisionOf(wide)
	unit := math.Inf(1)
	for _, v := range kernel.RawMatrix().Data {
		if v != 0 {
			unit = min(unit, lowestBit(v))
		}
	}
	if math.IsInf(unit, 1) {
		unit = 1
	}
	limit := math.Ldexp(1, p.bits)
	if !(white*absoluteSum(kernel)/unit < limit) || math.Abs(math.Log2(unit)) > 100 {
		return scheme{}, false
	}
	whole := mat.DenseCopyOf(kernel)
	whole.Scale(1/unit, kernel)
	s := scheme{kernel: whole, wide: wide, gain: gain * unit, delta: delta}
	s.rows, s.columns = kernel.Dims()
	sum := white * absoluteSum(whole)
	// What follows the sum is exact, too, if its bits fit.
	last := min(lowestBit(s.gain), lowestBit(delta))
	if s.gain != p.round(s.gain) || delta != p.round(delta) || (float64(sum*math.Abs(s.gain))+math.Abs(delta))/last > limit {
		s.tolerance = finishError(p, delta) + referenceError(kernel, math.Abs(gain))
	}
	s.bytes = fitsBytes(&s)
	if terms := wholeTerms(whole, s.directCost()); terms != nil && white*absoluteSumOf(terms) < limit {
		s.kernel, s.terms, s.bytes = nil, terms, false
	}
	return s, true
}

// fitsBytes tells whether a kernel of whole numbers is for the assembly of small.
func fitsBytes(s *scheme) bool {
	if s.gain != 1 || s.tolerance != 0 || s.delta != math.Trunc(s.delta) {
		return false
	}
	taps := tapsOf(s.kernel)
	small := newSmall(taps, finish{delta: int(s.delta)})
	return small != nil && len(small.signed.taps) == (len(taps)+1)/2
}

// lowestBit returns the value of the lowest bit that is set in v, or infinity for 0.
func lowestBit(v float64) float64 {
	if v == 0 {
		return math.Inf(1)
	}
	fraction, exponent := math.Frexp(math.Abs(v))
	const significand = 53
	return math.Ldexp(1, exponent-significand+bits.TrailingZeros64(uint64(math.Ldexp(fraction, significand))))
}

// finishError bounds the errors of rounding the gain, its product with a sum, delta, and their sum, if the result is not beyond
// black and white; where it is, saturation hides them.
func finishError(p precision, delta float64) float64 {
	return float64(4 * p.unit() * (white + 1 + math.Abs(delta)))
}

// referenceError bounds the rounding errors of the double sum in float64.
func referenceError(kernel *mat.Dense, gain float64) float64 {
	r, c := kernel.Dims()
	return math.Ldexp(float64(r*c+2)*white*gain*absoluteSum(kernel), -53)
}

// sumError bounds the rounding errors of a sum, added up one after the other, each product having gone through at most n roundings
// (Higham, Accuracy and Stability of Numerical Algorithms, 3.1). size is the sum of the products' absolute values.
func sumError(p precision, n int, size float64) float64 {
	nu := float64(float64(n) * p.unit())
	return float64(nu / (1 - nu) * size)
}

// realScheme returns the fastest scheme within the tolerance for a kernel of real numbers, or the most precise one if there is none.
//
// The singular values tell what rank a kernel so near must have at least (Eckart and Young). Terms of it are then found by elimination with
// complete pivoting, and they alone decide: a scheme must not depend on the machine it is found on, as the last bits of singular values
// do. For the same reason the conversions in this file keep compilers from fusing products and sums.
func realScheme(kernel *mat.Dense, delta float64, wide bool) scheme {
	p := precisionOf(wide)
	r, c := kernel.Dims()
	common := finishError(p, delta) + referenceError(kernel, 1)
	s := scheme{rows: r, columns: c, kernel: roundedTo(p, kernel), wide: wide, gain: 1, delta: delta}
	s.tolerance = common + float64(white*distanceOf(kernel, s.kernel)) + sumError(p, s.directRoundings(), white*absoluteSum(s.kernel))

	allowed := max(maxTolerance, s.tolerance)
	rank := 1
	if termsCost(r, c, 1) < s.directCost() {
		rank = leastRank(kernel, allowed/white)
	}
	rest := mat.DenseCopyOf(kernel)
	var terms []term
	for n := 1; n <= min(r, c) && termsCost(r, c, max(n, rank)) < s.directCost(); n++ {
		t, ok := eliminate(rest, p)
		if !ok {
			break
		}
		terms = append(terms, t)
		tolerance := common + float64(white*absoluteSum(rest)) + sumError(p, r+c+n, white*absoluteSumOf(terms))
		if n >= rank && tolerance <= allowed {
			s.kernel, s.terms, s.tolerance = nil, terms, tolerance
			break
		}
	}
	return s
}

// leastRank returns the least rank of the matrices whose difference from the kernel has a Frobenius norm of at most distance.
func leastRank(kernel *mat.Dense, distance float64) int {
	r, c := kernel.Dims()
	var svd mat.SVD
	if !svd.Factorize(kernel, mat.SVDNone) {
		return min(r, c)
	}
	values := svd.Values(nil)
	rank, left := len(values), 0.0
	for rank > 1 {
		left = math.Hypot(left, values[rank-1])
		if left > distance*(1+1e-6) {
			break
		}
		rank--
	}
	return rank
}

// eliminate subtracts from rest a term that makes a row and a column of it nearly 0: those of its largest entry. It returns false if
// rest is 0.
func eliminate(rest *mat.Dense, p precision) (term, bool) {
	r, c := rest.Dims()
	pivotRow, pivotColumn, pivot := 0, 0, 0.0
	for i := range r {
		for j := range c {
			if v := rest.At(i, j); math.Abs(v) > math.Abs(pivot) {
				pivotRow, pivotColumn, pivot = i, j, v
			}
		}
	}
	t := term{make([]float64, r), make([]float64, c)}
	if pivot == 0 {
		return t, false
	}
	for i := range r {
		t.column[i] = coefficient(p, rest.At(i, pivotColumn))
	}
	for j := range c {
		t.row[j] = coefficient(p, rest.At(pivotRow, j)/pivot)
	}
	for i := range r {
		for j := range c {
			rest.Set(i, j, rest.At(i, j)-float64(t.column[i]*t.row[j]))
		}
	}
	return t, true
}

// coefficient rounds an entry, to 0 if it is so small that sums with it would be slow and no different.
func coefficient(p precision, v float64) float64 {
	const negligible = 1.0 / (1 << 60)
	if math.Abs(v) < negligible {
		return 0
	}
	return p.round(v)
}

func roundedTo(p precision, kernel *mat.Dense) *mat.Dense {
	rounded := mat.DenseCopyOf(kernel)
	rounded.Apply(func(_, _ int, v float64) float64 { return coefficient(p, v) }, kernel)
	return rounded
}

// wholeTerms returns terms of whole numbers that add up to the kernel, as many as its rank is, or nil if their numbers grow too large or
// its own cost is no greater than theirs.
//
// Rows are combined as Euclid combines numbers, until those that are not 0 are a basis of all the rows' whole combinations; the columns
// undo each step.
func wholeTerms(kernel *mat.Dense, cost int) []term {
	r, c := kernel.Dims()
	if termsCost(r, c, 1) >= cost {
		return nil
	}
	rank := leastRank(kernel, 1e-9*mat.Norm(kernel, 2))
	if termsCost(r, c, rank) >= cost {
		return nil
	}
	rows, columns := mat.DenseCopyOf(kernel), mat.NewDense(r, r, nil)
	for i := range r {
		columns.Set(i, i, 1)
	}
	top := 0
	for j := 0; j < c && top < r; j++ {
		for {
			pivot, others := -1, 0
			for i := top; i < r; i++ {
				if v := math.Abs(rows.At(i, j)); v > 0 {
					others++
					if pivot < 0 || v < math.Abs(rows.At(pivot, j)) {
						pivot = i
					}
				}
			}
			if others == 0 {
				break
			}
			if pivot != top {
				swap(rows.RawRowView(pivot), rows.RawRowView(top))
				for i := range r {
					a, b := columns.At(i, pivot), columns.At(i, top)
					columns.Set(i, pivot, b)
					columns.Set(i, top, a)
				}
			}
			if others == 1 {
				top++
				break
			}
			for i := top + 1; i < r; i++ {
				if q := math.Round(rows.At(i, j) / rows.At(top, j)); q != 0 && !combine(rows, columns, i, top, q) {
					return nil
				}
			}
		}
	}
	if top != rank {
		return nil
	}
	var terms []term
	for t := range top {
		terms = append(terms, term{mat.Col(nil, t, columns), mat.Row(nil, t, rows)})
	}
	return terms
}

func swap(a, b []float64) {
	for i, v := range a {
		a[i], b[i] = b[i], v
	}
}

// combine subtracts q times row j from row i, and adds q times column i to column j, so that the product of the matrices stays. It
// returns false if numbers get too large to be exact.
func combine(rows, columns *mat.Dense, i, j int, q float64) bool {
	const largest = 1 << 40
	_, c := rows.Dims()
	for k := range c {
		v := rows.At(i, k) - float64(q*rows.At(j, k))
		if math.Abs(v) > largest {
			return false
		}
		rows.Set(i, k, v)
	}
	r, _ := columns.Dims()
	for k := range r {
		v := columns.At(k, j) + float64(q*columns.At(k, i))
		if math.Abs(v) > largest {
			return false
		}
		columns.Set(k, j, v)
	}
	return true
}

func absoluteSum(m *mat.Dense) float64 {
	sum := 0.0
	for _, v := range m.RawMatrix().Data {
		sum += math.Abs(v)
	}
	return sum
}

// distanceOf returns the sum of the absolute differences.
func distanceOf(a, b *mat.Dense) float64 {
	var d mat.Dense
	d.Sub(a, b)
	return absoluteSum(&d)
}

// absoluteSumOf bounds the absolute sum of all products that are summed up.
func absoluteSumOf(terms []term) float64 {
	sum := 0.0
	for _, t := range terms {
		column, row := 0.0, 0.0
		for _, v := range t.column {
			column += math.Abs(v)
		}
		for _, v := range t.row {
			row += math.Abs(v)
		}
		sum += float64(column * row)
	}
	return sum
}

// Costs in tenths of a nanosecond a span of sums, as measured with AVX-512 and AVX2. All paths go by them, so that all choose the
// same scheme.
const (
	costOne  = 24  // of a tap for one row of sums
	costTwo  = 36  // of a tap for two rows of sums
	costTerm = 100 // of a term, besides its taps
	costByte = 8   // of a tap in 16 bits
)

// directCost is what a row of sums costs if the kernel is used as it is.
func (s *scheme) directCost() int {
	entries := 0
	for _, v := range s.kernel.RawMatrix().Data {
		if v != 0 {
			entries++
		}
	}
	if s.bytes {
		return costByte * entries
	}
	segments := (s.rows + s.segmentRows() - 1) / s.segmentRows()
	return min(costOne*entries, costTwo/2*(s.rows+segments)*s.columns)
}

// termsCost is what a row costs by n terms for a kernel of r×c.
func termsCost(r, c, n int) int { return n * (costTwo/2*(r+1) + costOne*c + costTerm) }

// segmentRows returns how many rows of the kernel a segment has.
func (s *scheme) segmentRows() int { return max(1, segmentTaps/s.columns) }

// directRoundings returns how many roundings a product may go through.
func (s *scheme) directRoundings() int {
	n := s.segmentRows()
	return min(n, s.rows)*s.columns + (s.rows+n-1)/n
}
