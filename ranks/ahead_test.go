package ranks

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"

	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"halorun/kernels"
)

// Whoever takes whatever rows, however far apart, gets the rows that were decoded, and what is held stays within the room.
func TestAheadGivesTheRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := kernels.Shape{Width: slabBytes / rapid.IntRange(1, 4).Draw(t, "slabRows"), Height: rapid.IntRange(1, 40).Draw(t, "height"), Channels: 1}
		lanes := make([][]kernels.Rows, rapid.IntRange(1, 4).Draw(t, "lanes"))
		for l := range lanes {
			for y := 0; y < in.Height; {
				y += rapid.IntRange(0, 9).Draw(t, "gap")
				r := kernels.Rows{Lo: y, Hi: y + rapid.IntRange(1, 9).Draw(t, "rows")}.Clamp(in.Height)
				if r.Len() > 0 {
					lanes[l] = append(lanes[l], r)
				}
				y = r.Hi + 1
			}
		}
		room := rapid.Int64Range(0, 12).Draw(t, "room") * slabBytes
		next := 0
		read := func(y int, dst [][]byte) error {
			if y != next {
				t.Errorf("row %d is decoded when row %d is due", y, next)
			}
			next += len(dst)
			for i, row := range dst {
				for x := range row {
					row[x] = byte(y + i + x)
				}
			}
			return nil
		}
		a := newAhead(read, in, lanes, room, func() (*os.File, error) {
			f, err := os.CreateTemp("", "")
			if err != nil {
				return nil, err
			}
			return f, os.Remove(f.Name())
		})
		defer a.close()
		g, ctx := errgroup.WithContext(t.Context())
		g.Go(func() error { return a.run(ctx) })
		for _, chunks := range lanes {
			g.Go(func() error {
				for _, c := range chunks {
					rows := newRows(c.Len(), in.RowBytes())
					if err := a.take(ctx, c.Lo, rows); err != nil {
						return err
					}
					for i, row := range rows {
						for _, x := range []int{0, in.Width / 2, in.Width - 1} {
							if row[x] != byte(c.Lo+i+x) {
								return errors.New("another row")
							}
						}
					}
				}
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		if len(a.held) != 0 || len(a.free) > a.room {
			t.Errorf("%d slabs are held at the end, and there were %d, with room for %d", len(a.held), len(a.free), a.room)
		}
		if err := a.take(t.Context(), 0, newRows(1, in.RowBytes())); slices.Concat(lanes...) != nil && err == nil {
			t.Error("a row is given once more than planned")
		}
	})
}

// Who waits for rows is told why they do not come.
func TestAheadFails(t *testing.T) {
	in := kernels.Shape{Width: slabBytes, Height: 9, Channels: 1}
	bad := errors.New("bad")
	a := newAhead(func(y int, dst [][]byte) error {
		if y == 4 {
			return bad
		}
		return nil
	}, in, [][]kernels.Rows{{{Hi: 9}}}, 1<<30, nil)
	defer a.close()
	var g errgroup.Group
	g.Go(func() error { return a.take(t.Context(), 0, newRows(9, in.RowBytes())) })
	if err := a.run(t.Context()); err != bad {
		t.Error(err)
	}
	if err := g.Wait(); err != bad {
		t.Error(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(bad)
	b := newAhead(nil, in, [][]kernels.Rows{{{Hi: 9}}}, 1<<30, nil)
	if err := b.take(ctx, 0, newRows(1, in.RowBytes())); err != bad {
		t.Error(err)
	}
}
