package kernels

// Pipeline computes a stage's result a few rows at a time, so that they stay in the processor's cache from the first op to
// the last. Each op keeps a window of its latest rows, from which the next op reads its neighbourhood; while the rows
// asked for rise without a gap, none is computed twice.
//
//	read ─► window ─► op ─► window ─► op ─► dst
//
// One goroutine may use a Pipeline at a time.
type Pipeline struct {
	last  puller
	final *node // the last op; nil if there is none
	block int   // rows computed in one go
}

// Reader fills dst, a slice per row, with the rows of the stage's input from y on. They lie within the picture.
type Reader func(y int, dst [][]byte) error

// Lender returns row y of the stage's input, which lies within the picture and stays as it is while the Pipeline is used.
type Lender func(y int) []byte

// blockBytes is how much of a row block each window may add to the cache.
const blockBytes = 192 << 10

// NewPipeline returns a pipeline for the stage s whose input comes from read.
func NewPipeline(s Stage, read Reader) *Pipeline {
	return newPipeline(s, puller{height: s.In.Height, fill: func(out Rows, dst [][]byte) error { return read(out.Lo, dst) }})
}

// NewPipelineOver returns a pipeline for the stage s whose input is in memory and is not copied.
func NewPipelineOver(s Stage, lend Lender) *Pipeline {
	return newPipeline(s, puller{height: s.In.Height, lend: lend, fill: func(out Rows, dst [][]byte) error {
		for i, row := range dst {
			copy(row, lend(out.Lo+i))
		}
		return nil
	}})
}

func newPipeline(s Stage, last puller) *Pipeline {
	var final *node
	for _, step := range s.Steps {
		in := &window{puller: last, stride: stride(step.In.RowBytes()), rowBytes: step.In.RowBytes()}
		final = &node{before: final, in: in, op: step.Op, apply: step.Op.Bind(step.In)}
		last = puller{height: step.Out.Height, fill: final.fill}
	}
	return &Pipeline{last: last, final: final, block: blockOf(s)}
}

// stepBytes is what most ops' scratch memory takes at most: they go by strips of columns.
const stepBytes = 1 << 20

// rowKeeper is an op that has scratch memory of so many rows of its input.
type rowKeeper interface{ keepsRows() int }

// Memory returns about how many bytes a Pipeline of the stage takes at most, without the rows that it is given.
func (s Stage) Memory() int64 {
	var n int64
	block := blockOf(s)
	for i := len(s.Steps) - 1; i >= 0; i-- {
		step := s.Steps[i]
		block = min(step.Op.InRows(Rows{0, block}).Len(), step.In.Height)
		rows := block
		if k, ok := step.Op.(rowKeeper); ok {
			rows += k.keepsRows()
		}
		n += int64(rows)*int64(stride(step.In.RowBytes())) + stepBytes
	}
	return n
}

// blockOf returns how many rows of the stage's result a Pipeline computes in one go.
func blockOf(s Stage) int {
	widest, reach := s.In.RowBytes(), 0
	for _, step := range s.Steps {
		widest = max(widest, step.Out.RowBytes())
		reach = max(reach, step.Op.InRows(Rows{0, 1}).Len()/2)
	}
	return min(max(1, blockBytes/widest, min(8*reach, 32)), 256)
}

// forget drops the rows of the windows: the input has become another one.
func (p *Pipeline) forget() {
	for n := p.final; n != nil; n = n.before {
		n.in.drop(len(n.in.rows))
	}
}

// far makes the last op write its result past the cache, if it can.
func (p *Pipeline) far(s Stage) {
	if op, ok := s.Steps[len(s.Steps)-1].Op.(pointwise); ok && op.far != nil {
		op.row = op.far
		p.final.apply = op
	}
}

// Run computes the rows out of the result into dst, one slice per row.
func (p *Pipeline) Run(out Rows, dst [][]byte) error {
	for y := out.Lo; y < out.Hi; y += p.block {
		rows := Rows{y, min(y+p.block, out.Hi)}
		if err := p.last.fill(rows, dst[y-out.Lo:rows.Hi-out.Lo]); err != nil {
			return err
		}
	}
	return nil
}

// InRows returns the rows of the stage's input that the rows out of its result are made of.
func (s Stage) InRows(out Rows) Rows {
	for i := len(s.Steps) - 1; i >= 0; i-- {
		out = s.Steps[i].Op.InRows(out).Clamp(s.Steps[i].In.Height)
	}
	return out
}

// puller makes rows of a picture of the given height on demand.
type puller struct {
	height int
	fill   func(out Rows, dst [][]byte) error
	lend   Lender // or nil
}

// node is an op between the window it reads and whoever wants its rows.
type node struct {
	before *node // the one that makes its input; nil if there is none
	in     *window
	op     Op
	apply  Applier
	src    [][]byte
}

func (n *node) fill(out Rows, dst [][]byte) error {
	need := n.op.InRows(out)
	if err := n.in.hold(need.Clamp(n.in.height)); err != nil {
		return err
	}
	n.src = n.src[:0]
	border := n.op.Border()
	for y := need.Lo; y < need.Hi; y++ {
		n.src = append(n.src, n.in.row(border.At(y, n.in.height)))
	}
	n.apply.Apply(dst, n.src, out)
	return nil
}

// window holds consecutive rows of an op's input.
type window struct {
	puller
	rowBytes int
	stride   int
	lo       int
	rows     [][]byte // rows lo, lo+1, …
	free     [][]byte
}

func (w *window) row(y int) []byte { return w.rows[y-w.lo] }

// hold makes the window hold exactly the given rows, computing those it lacks.
func (w *window) hold(want Rows) error {
	have := Rows{w.lo, w.lo + len(w.rows)}
	drop := want.Lo - have.Lo
	if drop < 0 || drop > len(w.rows) {
		drop = len(w.rows)
		have.Hi = want.Lo
	}
	w.drop(drop)
	w.lo = want.Lo
	if have.Hi >= want.Hi {
		return nil
	}
	lacking := Rows{have.Hi, want.Hi}
	if w.lend != nil {
		for y := lacking.Lo; y < lacking.Hi; y++ {
			w.rows = append(w.rows, w.lend(y))
		}
		return nil
	}
	w.allocate(lacking.Len())
	first := len(w.rows)
	keep := len(w.free) - lacking.Len()
	w.rows = append(w.rows, w.free[keep:]...)
	w.free = w.free[:keep]
	return w.fill(lacking, w.rows[first:])
}

// drop drops the first n rows.
func (w *window) drop(n int) {
	if w.lend == nil {
		w.free = append(w.free, w.rows[:n]...)
	}
	w.rows = append(w.rows[:0], w.rows[n:]...)
}

// allocate makes sure that n rows are free.
func (w *window) allocate(n int) {
	n -= len(w.free)
	if n <= 0 {
		return
	}
	slab := make([]byte, n*w.stride)
	for i := range n {
		row := slab[i*w.stride:]
		w.free = append(w.free, row[:w.rowBytes:w.rowBytes])
	}
}

// stride returns the distance between rows in memory. Rows a multiple of 4096 bytes apart would fall into the same few
// sets of the first-level cache, so consecutive rows are shifted by five cache lines.
func stride(rowBytes int) int {
	const page, shift = 4096, 5 * 64
	s := (rowBytes + 63) &^ 63
	return s + (shift-s%page+page)%page%1024
}
