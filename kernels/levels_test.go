package kernels

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/sync/errgroup"
)

// TestTally: rows of all lengths are copied and counted, as are their extremes.
func TestTally(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for n := range 200 {
		row, _ := guarded(rng, n)
		low := rng.IntN(256)
		for i := range row {
			row[i] = byte(low + rng.IntN(256-low))
		}
		var want histogram
		for _, v := range row {
			want[v]++
		}
		dst, intact := guarded(rng, n)
		all := tally{room: int64(rng.IntN(300))} // less than there will be, at times
		all.copyAndCount(dst, row)
		all.unpair()
		if all.samples != want || !bytes.Equal(dst, row) || !intact() {
			t.Fatalf("%d samples: counted %v, want %v; copied %v, want %v", n, all.samples, want, dst, row)
		}
		if n == 0 {
			continue
		}
		clear(dst)
		ends := tally{room: pairsRoom}
		ends.copyAndCountExtremes(dst, row)
		ends.unpair()
		lowest, highest := ends.samples.within(0)
		if lowest != int(slices.Min(row)) || highest != int(slices.Max(row)) || !bytes.Equal(dst, row) || !intact() {
			t.Fatalf("extremes of %v: %d and %d", row, lowest, highest)
		}
	}
}

// TestTallyIsWide: more pairs of a kind than a counter holds are counted still.
func TestTallyIsWide(t *testing.T) {
	tally := tally{room: pairsRoom}
	row := make([]byte, 1<<10)
	tally.copyAndCount(make([]byte, len(row)), row)
	tally.pairs[0], tally.room = pairsRoom, 0 // as it is after many such rows
	tally.copyAndCount(make([]byte, len(row)), row)
	tally.unpair()
	if want := int64(2*pairsRoom + len(row)); tally.samples[0] != want {
		t.Errorf("counted %d, want %d", tally.samples[0], want)
	}
}

// TestLevelsInParallel: rows may be put by several goroutines at the same time, into memory or a file, and come out through the table.
func TestLevelsInParallel(t *testing.T) {
	s := Shape{Width: 100, Height: 64, Channels: 1}
	for where, room := range map[string]Room{"memory": {}, "file": scratchRoom(t, 6399)} {
		var got histogram
		table := new([256]byte)
		for v := range table {
			table[v] = byte(v) ^ 0x55
		}
		d, err := levelled(func(h *histogram) *[256]byte { got = *h; return table }).Decide(s, []Rows{{0, 64}}, room)
		if err != nil {
			t.Fatal(err)
		}
		var group errgroup.Group
		for i := range 8 {
			group.Go(func() error {
				for y := i; y < s.Height; y += 8 {
					if err := d.Put(y, bytes.Repeat([]byte{byte(y)}, s.Width)); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
		if err := d.Resolve(Alone{}); err != nil {
			t.Fatal(err)
		}
		for v, n := range got {
			if want := int64(s.Width); v < s.Height && n != want || v >= s.Height && n != 0 {
				t.Errorf("%s: %d samples of %d", where, n, v)
			}
		}
		local, final := make([]byte, s.Width), make([]byte, s.Width)
		for y := range s.Height {
			if err := errors.Join(d.Local(y, local), d.Row(y, final)); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(local, bytes.Repeat([]byte{byte(y)}, s.Width)) || !bytes.Equal(final, bytes.Repeat([]byte{byte(y) ^ 0x55}, s.Width)) {
				t.Errorf("%s: row %d: %d, then %d", where, y, local[0], final[0])
			}
		}
		d.Close()
	}
}

// TestOtsu: the threshold is one with the greatest variance between the classes, the first of them.
func TestOtsu(t *testing.T) {
	for _, c := range []struct {
		levels []int
		want   int
	}{
		{[]int{7}, 0},        // there are no two classes
		{[]int{10, 200}, 10}, // any value from 10 to 199 parts them as well
		{[]int{0, 255}, 0},
		{[]int{20, 20, 21, 21, 90, 91, 91}, 21},
		{[]int{0, 1, 2, 3}, 1},
	} {
		var h histogram
		for _, v := range c.levels {
			h[v] += 1000
		}
		if got := otsu(&h); got != c.want {
			t.Errorf("%v: %d, want %d", c.levels, got, c.want)
		}
	}
}

// TestWithin: so many samples may lie beyond the limits, and no more.
func TestWithin(t *testing.T) {
	var h histogram
	for v := 10; v < 110; v++ {
		h[v] = 7
	}
	for _, c := range []struct {
		cutoff          float64
		lowest, highest int
	}{
		{0, 10, 109}, {0.9, 10, 109}, {1, 11, 108}, {10.5, 20, 99}, {49, 59, 60}, {49.9, 59, 60},
	} {
		if lowest, highest := h.within(c.cutoff); lowest != c.lowest || highest != c.highest {
			t.Errorf("cutoff %v: %d and %d, want %d and %d", c.cutoff, lowest, highest, c.lowest, c.highest)
		}
	}
}
