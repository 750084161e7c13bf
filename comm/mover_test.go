package comm_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"halorun/comm"
	"halorun/comm/commtest"
)

// value is the byte at a place of the picture that tests move about.
func value(y, x int64) byte { return byte(y*31 + x*7 + y*x) }

// rowsOf returns r's rows, all of one allocation, filled by value if filled.
func rowsOf(r comm.Rect, filled bool) [][]byte {
	width := r.X1 - r.X0
	all := make([]byte, (r.Y1-r.Y0)*width)
	rows := make([][]byte, r.Y1-r.Y0)
	for i := range rows {
		rows[i] = all[int64(i)*width:][:width]
		for x := range rows[i] {
			if filled {
				rows[i][x] = value(r.Y0+int64(i), r.X0+int64(x))
			}
		}
	}
	return rows
}

// move serves a flow and fetches everything this rank needs.
func move(ctx context.Context, w *comm.World, tag comm.Tag, f comm.Flow) error {
	m := w.NewMover(tag, f, func(_ context.Context, r comm.Rect) ([][]byte, error) { return rowsOf(r, true), nil })
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return m.Serve(ctx) })
	g.Go(func() error {
		i := 0
		for _, p := range f.Need {
			if p.Rank != w.Rank() {
				continue
			}
			rows := rowsOf(p.Rect, false)
			if err := m.Fetch(ctx, i, rows); err != nil {
				return err
			}
			if !slices.EqualFunc(rows, rowsOf(p.Rect, true), slices.Equal[[]byte]) {
				return fmt.Errorf("%v: wrong bytes", p.Rect)
			}
			i++
		}
		return nil
	})
	return g.Wait()
}

// cuts returns 0 ≤ a < b < … = end, at random.
func cuts(t *rapid.T, end int64, label string) []int64 {
	c := rapid.SliceOfNDistinct(rapid.Int64Range(0, end), 0, 6, rapid.ID[int64]).Draw(t, label)
	c = append(c, 0, end)
	slices.Sort(c)
	return slices.Compact(c)
}

func randomFlow(t *rapid.T, n int) comm.Flow {
	const height, width = 37, 23
	rank := rapid.IntRange(0, n-1)
	var f comm.Flow
	xs := cuts(t, width, "columns")
	for i := range len(xs) - 1 {
		ys := cuts(t, height, "rows")
		for j := range len(ys) - 1 {
			f.Have = append(f.Have, comm.Placed{Rank: rank.Draw(t, "owner"), Rect: comm.Rect{Y0: ys[j], Y1: ys[j+1], X0: xs[i], X1: xs[i+1]}})
		}
	}
	for range rapid.IntRange(0, 12).Draw(t, "needs") {
		y0, x0 := rapid.Int64Range(0, height).Draw(t, "y0"), rapid.Int64Range(0, width).Draw(t, "x0")
		f.Need = append(f.Need, comm.Placed{Rank: rank.Draw(t, "needer"), Rect: comm.Rect{
			Y0: y0, Y1: rapid.Int64Range(y0, height).Draw(t, "y1"), X0: x0, X1: rapid.Int64Range(x0, width).Draw(t, "x1"),
		}})
	}
	return f
}

// Whoever has what, everyone gets the bytes it needs.
func TestMover(t *testing.T) {
	const n, movers = 3, 40
	var flows []comm.Flow
	gen := rapid.Custom(func(t *rapid.T) comm.Flow { return randomFlow(t, n) })
	for seed := range movers {
		flows = append(flows, gen.Example(seed))
	}
	for _, o := range []commtest.Options{{}, {Memory: true, Config: func(c *comm.Config) { c.EagerLimit = -1 }}} {
		commtest.Run(t, n, o, func(ctx context.Context, w *comm.World) error {
			g, ctx := errgroup.WithContext(ctx)
			for i, f := range flows {
				g.Go(func() error { return move(ctx, w, comm.Tag(i), f) })
			}
			return g.Wait()
		})
	}
}

// Halo rows of single-row tiles that go round all ranks: many small pieces.
func TestMoverCyclicRows(t *testing.T) {
	const n, height, width, reach = 4, 101, 300, 50
	var f comm.Flow
	for y := range int64(height) {
		f.Have = append(f.Have, comm.Placed{Rank: int(y) % n, Rect: comm.Rect{Y0: y, Y1: y + 1, X1: width}})
		f.Need = append(f.Need, comm.Placed{Rank: int(y) % n, Rect: comm.Rect{Y0: max(0, y-reach), Y1: min(height, y+reach+1), X1: width}})
	}
	commtest.Run(t, n, commtest.Options{}, func(ctx context.Context, w *comm.World) error { return move(ctx, w, 1, f) })
}

func TestMoverRefuses(t *testing.T) {
	lend := func(_ context.Context, r comm.Rect) ([][]byte, error) { return rowsOf(r, true), nil }
	row := func(y0, y1 int64) comm.Rect { return comm.Rect{Y0: y0, Y1: y1, X1: 5} }
	commtest.Run(t, 1, commtest.Options{}, func(ctx context.Context, w *comm.World) error {
		f := comm.Flow{
			Have: []comm.Placed{{Rect: row(0, 3)}, {Rect: row(4, 9)}},
			Need: []comm.Placed{{Rect: row(2, 5)}, {Rect: row(0, 3)}, {Rect: row(0, 3)}},
		}
		m := w.NewMover(1, f, lend)
		for _, c := range []struct {
			i    int
			dst  [][]byte
			want string
		}{
			{1, nil, "fetch number 1 of 3, after 0"},
			{0, rowsOf(row(2, 5), false), "fetch rows 2–5, bytes 0–5: 10 of its 15 bytes are at some rank"},
			{1, rowsOf(row(0, 2), false), "2 rows for rows 0–3"},
			{2, rowsOf(comm.Rect{Y1: 3, X1: 4}, false), "row 0 has 4 bytes"},
			{3, nil, "fetch number 3 of 3, after 3"},
		} {
			if err := m.Fetch(ctx, c.i, c.dst); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		}
		bad := w.NewMover(1, comm.Flow{Have: f.Have[:1], Need: f.Need[1:2]}, func(context.Context, comm.Rect) ([][]byte, error) { return nil, nil })
		if err := bad.Fetch(ctx, 0, rowsOf(row(0, 3), false)); err == nil || !strings.Contains(err.Error(), "0 rows for") {
			t.Errorf("lending nothing: %v", err)
		}
		return nil
	})
}

// One need among very many tiles is found without looking at all of them.
func BenchmarkFetchAmongTiles(b *testing.B) {
	const tiles = 10_000
	var f comm.Flow
	for y := range int64(tiles) {
		f.Have = append(f.Have, comm.Placed{Rect: comm.Rect{Y0: y, Y1: y + 1, X1: 8}})
		f.Need = append(f.Need, comm.Placed{Rect: comm.Rect{Y0: y, Y1: y + 1, X1: 8}})
	}
	rows := rowsOf(comm.Rect{Y1: 1, X1: 8}, true)
	commtest.Run(b, 1, commtest.Options{}, func(ctx context.Context, w *comm.World) error {
		for i := 0; i < b.N; {
			m := w.NewMover(1, f, func(context.Context, comm.Rect) ([][]byte, error) { return rows, nil })
			for j := 0; j < tiles && i < b.N; i, j = i+1, j+1 {
				if err := m.Fetch(ctx, j, rows); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
