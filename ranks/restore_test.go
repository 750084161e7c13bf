package ranks

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"halorun/kernels"
	"halorun/ranks/ledger"
)

// What is in the ledger is promised only if nobody has it and it is sound, and given back whole or not at all.
func TestLoadAndRestore(t *testing.T) {
	dir := t.TempDir()
	tile := func(lo, hi int) [][]byte {
		rows := newRows(hi-lo, 10)
		for i, row := range rows {
			for x := range row {
				row[x] = byte(100*x + 7*(lo+i))
			}
		}
		return rows
	}
	w, err := ledger.Create(dir, "a-m7", ledger.JobID{}, ledger.Options{Damage: func() func(int) bool {
		n := 0
		return func(int) bool { n++; return n == 4 }
	}()})
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []kernels.Rows{{Lo: 10, Hi: 15}, {Lo: 0, Hi: 5}, {Lo: 3, Hi: 8}, {Lo: 15, Hi: 20}, {Lo: 1, Hi: 2}} {
		if err := w.Add(ledger.Entry{Lo: at.Lo, Hi: at.Hi, RowBytes: 10}, tile(at.Lo, at.Hi)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r := New(time.Now(), Probe{})
	defer r.Close()
	r.picture = &Picture{stages: []kernels.Stage{{Out: kernels.Shape{Width: 10, Height: 20, Channels: 1}}}}
	r.book = &book{Checkpoint: Checkpoint{Dir: dir, Name: "a"}, name: "a-m0", pacer: NewPacer(CheckpointOff, 0)}

	const segment = "a-m7.0001.seg"
	for _, c := range []struct {
		have rowSet
		want []kernels.Rows
	}{
		{nil, []kernels.Rows{{Lo: 10, Hi: 15}, {Lo: 0, Hi: 5}, {Lo: 3, Hi: 8}, {Lo: 1, Hi: 2}}},
		{rowSet{{Lo: 0, Hi: 7}, {Lo: 10, Hi: 20}}, []kernels.Rows{{Lo: 3, Hi: 8}}},
		{rowSet{{Lo: 5, Hi: 20}}, []kernels.Rows{{Lo: 0, Hi: 5}, {Lo: 3, Hi: 8}, {Lo: 1, Hi: 2}}},
	} {
		if got := r.load([]string{segment, "none.seg"}, []rowSet{c.have}).Stored[0]; !reflect.DeepEqual(got, c.want) {
			t.Errorf("have %v: %v is restored; want %v", c.have, got, c.want)
		}
	}
	for _, want := range []kernels.Rows{{Lo: 0, Hi: 5}, {Lo: 2, Hi: 4}, {Lo: 4, Hi: 5}, {Lo: 4, Hi: 8}, {Lo: 1, Hi: 2}, {Lo: 1, Hi: 3}} {
		rows, err := r.restored(0, want)
		if err != nil || !reflect.DeepEqual(bytes.Join(rows, nil), bytes.Join(tile(want.Lo, want.Hi), nil)) {
			t.Errorf("rows %v: %v, %v", want, rows, err)
		}
	}
	for _, want := range []kernels.Rows{{Lo: 2, Hi: 9}, {Lo: 15, Hi: 16}, {Lo: 19, Hi: 20}} {
		if _, err := r.restored(0, want); !errors.Is(err, ErrNotRestored) {
			t.Errorf("rows %v: %v", want, err)
		}
	}
	if err := os.Truncate(filepath.Join(dir, segment), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := r.restored(0, kernels.Rows{Lo: 0, Hi: 5}); !errors.Is(err, ErrNotRestored) {
		t.Errorf("what is gone now: %v", err)
	}
}
