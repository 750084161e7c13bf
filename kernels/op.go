package kernels

import (
	"fmt"

	"gonum.org/v1/gonum/mat"
)

// Shape is the size of a picture: Width × Height pixels of Channels interleaved 8-bit samples. Three channels are in the
// order red, green, blue.
type Shape struct {
	Width, Height, Channels int
}

// RowBytes returns the number of bytes in a row.
func (s Shape) RowBytes() int { return s.Width * s.Channels }

func (s Shape) String() string { return fmt.Sprintf("%d×%d×%d", s.Width, s.Height, s.Channels) }

// Rows is the half-open interval of rows [Lo, Hi).
type Rows struct{ Lo, Hi int }

// Len returns the number of rows; an interval that ends before it begins has none.
func (r Rows) Len() int { return max(0, r.Hi-r.Lo) }

// Clamp returns the part of r that lies in a picture of height h.
func (r Rows) Clamp(h int) Rows { return r.Intersect(Rows{0, h}) }

// Intersect returns the rows that are in both r and o.
func (r Rows) Intersect(o Rows) Rows {
	lo := max(r.Lo, o.Lo)
	return Rows{lo, max(lo, min(r.Hi, o.Hi))}
}

// Grow returns r with n more rows at each end, which may lie beyond the picture.
func (r Rows) Grow(n int) Rows { return Rows{r.Lo - n, r.Hi + n} }

func (r Rows) String() string { return fmt.Sprintf("[%d,%d)", r.Lo, r.Hi) }

// Op is one step of a stage: an operation bound to its parameters. An Op is immutable and safe for concurrent use.
type Op interface {
	// OutShape returns the shape of the result for a picture of shape in.
	OutShape(in Shape) Shape
	// InRows returns the rows of the input which the rows out of the result are made of. They may lie beyond the
	// picture's edge; Border says what stands there.
	InRows(out Rows) Rows
	// Border is the rule for what lies beyond the picture's edge, in both directions.
	Border() Border
	// Bind returns the fast path for pictures of shape in, with scratch memory of its own.
	Bind(in Shape) Applier
	// Reference computes the whole result in float64, slowly and obviously right. It judges the fast path.
	Reference(in Planes) Planes
}

// Applier computes rows of a result. One goroutine may use it at a time.
type Applier interface {
	// Apply computes the rows out of the result into dst, one slice of a whole row each. src holds the rows
	// InRows(out), where those beyond the picture's edge are rows of the picture already, chosen by Border (so one
	// slice may stand there several times). dst and src do not overlap, and no src row is written.
	Apply(dst, src [][]byte, out Rows)
}

// Global is an Op whose result at a pixel may depend on the whole picture. Its Apply computes what can be told from the
// neighbourhood alone; a Decision then turns these rows into the result, in agreement with all other ranks.
type Global interface {
	Op
	// Decide returns an empty decision over the given runs of the local rows: in is the shape that Apply made.
	Decide(in Shape, runs []Rows, room Room) (Decision, error)
	// DecisionBytes returns how much memory a decision over all rows of a picture of shape in takes.
	DecisionBytes(in Shape) int64
}

// Decision collects the local rows of a Global on one rank and settles the result among all ranks. Put may be called by
// several goroutines for different rows, then Resolve once, then Row by several goroutines.
type Decision interface {
	// Put stores the local row y.
	Put(y int, row []byte) error
	// Local writes row y into dst as another decision's Put takes it, with what an attempt to Resolve may have found out: it holds
	// whatever the other ranks are.
	Local(y int, dst []byte) error
	// Resolve makes the rows final. All ranks call it at the same time.
	Resolve(Peers) error
	// Row writes the final row y into dst.
	Row(y int, dst []byte) error
	// Bytes returns how much memory the rows take.
	Bytes() int64
	// Close gives the scratch file back, if there is one.
	Close()
}

// Peers is what a Decision needs of the other ranks.
type Peers interface {
	// SwapBorders gives every local row that has a neighbouring row on another rank to that rank: border(y) returns it,
	// in the decision's own representation of a fixed length, and absorb(y, b) receives the neighbours' row y.
	SwapBorders(border func(y int) ([]byte, error), absorb func(y int, b []byte) error) error
	// Any tells whether the condition holds on any rank.
	Any(bool) (bool, error)
	// Sum adds up v, whose length is the same on all ranks, over them, in place.
	Sum(v []int64) error
}

// Approximate is an Op whose fast path may round a sample to another neighbour of the exact value than Reference does, if that lies
// within the tolerance of the middle between them. The fast path still gives the same bytes on every machine.
type Approximate interface {
	Op
	// Exact returns what Reference rounds.
	Exact(in Planes) Planes
	// Tolerance returns how far from the exact value the fast path's may lie, in units of a sample; 0 if it is exact.
	Tolerance() float64
}

// Planes holds a picture for the reference: one matrix a channel, Height rows by Width columns, values 0 to 255.
type Planes []*mat.Dense

// Border is a rule for the samples beyond a picture's edge. It acts on each op of a chain, at the picture's edge and never
// at a tile's.
type Border int

const (
	// BorderNone is for operations that read no neighbours.
	BorderNone Border = iota
	// BorderReflect101 mirrors at the edge sample, which is not repeated: dcb|abcd|cba.
	BorderReflect101
	// BorderReplicate repeats the edge sample: aaa|abcd|ddd.
	BorderReplicate
)

func (b Border) String() string {
	return [...]string{"none", "reflect-101", "replicate"}[b]
}

// At returns the index in [0, n) of the sample that stands at index i, which may lie outside.
func (b Border) At(i, n int) int {
	if b == BorderReflect101 && n > 1 {
		period := 2 * (n - 1)
		i = ((i % period) + period) % period
		return min(i, period-i)
	}
	return min(max(i, 0), n-1)
}
