package comm

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"golang.org/x/sync/errgroup"
)

// Rect is a rectangle of a picture: rows Y0 to Y1 and the bytes X0 to X1 of each
// row, the last ones not included.
type Rect struct{ Y0, Y1, X0, X1 int64 }

func (r Rect) String() string {
	return fmt.Sprintf("rows %d–%d, bytes %d–%d", r.Y0, r.Y1, r.X0, r.X1)
}

// Empty reports whether r has no bytes.
func (r Rect) Empty() bool { return r.Y0 >= r.Y1 || r.X0 >= r.X1 }

// Intersect returns what is in both.
func (r Rect) Intersect(s Rect) Rect {
	return Rect{max(r.Y0, s.Y0), min(r.Y1, s.Y1), max(r.X0, s.X0), min(r.X1, s.X1)}
}

func (r Rect) bytes() int64 {
	if r.Empty() {
		return 0
	}
	return (r.Y1 - r.Y0) * (r.X1 - r.X0)
}

// Placed is a rectangle at a rank.
type Placed struct {
	Rank int
	Rect Rect
}

// Flow says which rank has which rectangles and which rank needs which. It is
// the same value on every rank. The rectangles in Have do not overlap; those a
// rank needs stand in Need in the order in which it fetches them.
type Flow struct{ Have, Need []Placed }

// Mover moves rows along a Flow: scatter, halo and gather are each one.
//
// Each rank runs Serve, beside as many Fetch as it has needs. A piece is the part
// of one Have rectangle that one Need rectangle asks for; it travels as one
// message, from the rows that lend returns right into the rows given to Fetch.
// Sender and receiver find the same pieces in the same order from the Flow, so
// that no requests are sent.
type Mover struct {
	world *World
	tag   Tag
	lend  func(context.Context, Rect) ([][]byte, error)

	// Ask makes every piece wait until its receiver asks for it, so that none is under way to a receiver that may never take it. It is
	// the same on all ranks, and set before Serve and Fetch.
	Ask bool

	// Done, if it is set, is given back the rows of each lend when they are not in use any more, save after an error. It is set before
	// Serve and Fetch.
	Done func(rows [][]byte)

	all, mine index    // what every rank has, what this one has
	need      [][]Rect // by rank
	fetched   int      // how many of this rank's needs
}

// NewMover prepares a movement under a tag that nothing else uses meanwhile.
//
// lend returns the rows of a rectangle within one that this rank has, one slice a
// row. It may block until they exist. It is called by several goroutines, one for
// each receiver; what it has returned for one is in use until the next call for
// that receiver, or until Serve (or, for this rank's own needs, Fetch) returns.
func (w *World) NewMover(tag Tag, f Flow, lend func(context.Context, Rect) ([][]byte, error)) *Mover {
	checkTag(tag)
	m := &Mover{world: w, tag: tag, lend: lend, need: make([][]Rect, w.Size())}
	m.all = newIndex(f.Have, func(Placed) bool { return true })
	m.mine = newIndex(f.Have, func(p Placed) bool { return p.Rank == w.Rank() })
	for _, p := range f.Need {
		m.need[p.Rank] = append(m.need[p.Rank], p.Rect)
	}
	return m
}

// Serve sends every piece that other ranks need of what this rank has. It
// returns when all are sent, or at the first error. Each piece waits for its
// receiver as a Send does: give ctx a deadline if receivers may take longer than
// Config.CallTimeout from one Fetch to the next.
func (m *Mover) Serve(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for i := 1; i < m.world.Size(); i++ {
		to := (m.world.Rank() + i) % m.world.Size()
		g.Go(func() error { return m.serve(ctx, to) })
	}
	return g.Wait()
}

func (m *Mover) serve(ctx context.Context, to int) error {
	for _, need := range m.need[to] {
		for p := range m.mine.pieces(need) {
			rows, err := m.lend(ctx, p.Rect)
			if err == nil {
				err = checkRows(rows, p.Rect)
			}
			if err == nil {
				err = m.world.sendPiece(ctx, to, m.tag, rows, m.Ask)
			}
			if err != nil {
				return fmt.Errorf("serve %v: %w", p.Rect, err)
			}
			m.done(rows)
		}
	}
	return nil
}

// Fetch brings the i-th rectangle that this rank needs into dst, one slice a row.
// Calls are made one after the other, i = 0, 1, 2, …
func (m *Mover) Fetch(ctx context.Context, i int, dst [][]byte) error {
	needs := m.need[m.world.Rank()]
	if i != m.fetched || i >= len(needs) {
		return fmt.Errorf("fetch number %d of %d, after %d", i, len(needs), m.fetched)
	}
	m.fetched++
	if err := m.fetch(ctx, needs[i], dst); err != nil {
		return fmt.Errorf("fetch %v: %w", needs[i], err)
	}
	return nil
}

func (m *Mover) fetch(ctx context.Context, need Rect, dst [][]byte) error {
	if need.Empty() {
		return nil
	}
	if err := checkRows(dst, need); err != nil {
		return err
	}
	if err := m.covered(need); err != nil {
		return err
	}
	ctx, cancel := m.world.bounded(ctx)
	defer cancel()
	for p := range m.all.pieces(need) {
		rows := make([][]byte, p.Rect.Y1-p.Rect.Y0)
		for y := range rows {
			rows[y] = dst[p.Rect.Y0-need.Y0+int64(y)][p.Rect.X0-need.X0 : p.Rect.X1-need.X0]
		}
		if err := m.fetchPiece(ctx, p, rows); err != nil {
			return fmt.Errorf("%v: %w", p.Rect, err)
		}
	}
	return nil
}

func (m *Mover) fetchPiece(ctx context.Context, p Placed, rows [][]byte) error {
	if p.Rank != m.world.Rank() {
		return m.world.recvWhole(ctx, p.Rank, m.tag, rows)
	}
	own, err := m.lend(ctx, p.Rect)
	if err == nil {
		err = checkRows(own, p.Rect)
	}
	if err != nil {
		return err
	}
	for y, row := range rows {
		copy(row, own[y])
	}
	m.done(own)
	return nil
}

func (m *Mover) done(rows [][]byte) {
	if m.Done != nil {
		m.Done(rows)
	}
}

// covered reports a part of need that nobody has, or that two have.
func (m *Mover) covered(need Rect) error {
	var bytes int64
	for p := range m.all.pieces(need) {
		bytes += p.Rect.bytes()
	}
	if bytes != need.bytes() {
		return fmt.Errorf("%d of its %d bytes are at some rank; each must be at exactly one", bytes, need.bytes())
	}
	return nil
}

// checkRows tells whether rows have the shape of r.
func checkRows(rows [][]byte, r Rect) error {
	if int64(len(rows)) != r.Y1-r.Y0 {
		return fmt.Errorf("%d rows for %v", len(rows), r)
	}
	for y, row := range rows {
		if int64(len(row)) != r.X1-r.X0 {
			return fmt.Errorf("row %d has %d bytes for %v", r.Y0+int64(y), len(row), r)
		}
	}
	return nil
}

// index finds the rectangles that touch given rows by binary search.
type index struct {
	rects []Placed // by Y0, then X0
	reach []int64  // reach[i] is the largest Y1 of rects[:i+1]
}

func newIndex(have []Placed, keep func(Placed) bool) index {
	var x index
	for _, p := range have {
		if !p.Rect.Empty() && keep(p) {
			x.rects = append(x.rects, p)
		}
	}
	slices.SortFunc(x.rects, func(a, b Placed) int {
		return cmp.Or(cmp.Compare(a.Rect.Y0, b.Rect.Y0), cmp.Compare(a.Rect.X0, b.Rect.X0))
	})
	x.reach = make([]int64, len(x.rects))
	reach := int64(0)
	for i, p := range x.rects {
		reach = max(reach, p.Rect.Y1)
		x.reach[i] = reach
	}
	return x
}

// pieces yields the parts of need, from top to bottom, with the ranks that have
// them.
func (x index) pieces(need Rect) iter.Seq[Placed] {
	return func(yield func(Placed) bool) {
		first, _ := slices.BinarySearch(x.reach, need.Y0+1)
		for _, p := range x.rects[first:] {
			if p.Rect.Y0 >= need.Y1 {
				return
			}
			part := p.Rect.Intersect(need)
			if !part.Empty() && !yield(Placed{p.Rank, part}) {
				return
			}
		}
	}
}
