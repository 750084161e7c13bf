package bench

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestParseSynthetic(t *testing.T) {
	for s, want := range map[string]Size{"synthetic:40000x30000": {40000, 30000}, "synthetic:1x1": {1, 1}, "synthetic:16777216x4096": {1 << 24, 4096}} {
		if got, ok, err := ParseSynthetic(s); err != nil || !ok || got != want {
			t.Errorf("%s: %v %v %v", s, got, ok, err)
		}
	}
	for _, s := range []string{"synthetic:", "synthetic:10", "synthetic:10x", "synthetic:0x5", "synthetic:5x0", "synthetic:-1x5", "synthetic:+1x5", "synthetic:1x5x6", "synthetic:1 x5",
		"synthetic:1e3x5", "synthetic:99999999999999999999x1", "synthetic:16777217x1", "synthetic:16777216x16777216"} {
		if _, ok, err := ParseSynthetic(s); err == nil || !ok {
			t.Errorf("%s: %v %v", s, ok, err)
		}
	}
	for _, s := range []string{"", "a.png", "./synthetic:4x4", "Synthetic:4x4"} {
		if _, ok, err := ParseSynthetic(s); err != nil || ok {
			t.Errorf("%s: %v %v", s, ok, err)
		}
	}
}

// TestPaint: the file is that of the picture in memory, and so are the rows that are handed out, also where a row alone is a block and where the
// last block is not whole.
func TestPaint(t *testing.T) {
	name := filepath.Join(t.TempDir(), "p.ppm")
	for _, size := range []Size{{1, 1}, {1, 700}, {641, 37}, {601, 1201}, {3, 2000}, {400001, 5}} {
		picture, err := Photo(size.Width, size.Height)
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		if err := WritePPM(&want, picture); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(size.Outline(name), size.Paint(t.Context(), name)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil || !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%v: the file is another picture, %v", size, err)
		}
		handed := bytes.NewBufferString(size.header())
		if err := synthetic(t.Context(), size, func(_ int, rows [][]byte) error {
			for _, row := range rows {
				handed.Write(row)
			}
			return nil
		}); err != nil || !bytes.Equal(handed.Bytes(), want.Bytes()) {
			t.Errorf("%v: the rows are those of another picture, %v", size, err)
		}
	}
	ended, cancel := context.WithCancelCause(t.Context())
	why := errors.New("ended")
	cancel(why)
	if err := (Size{8, 8}).Paint(ended, name); err != why {
		t.Errorf("painted after the end: %v", err)
	}
	if err := synthetic(ended, Size{8, 8}, func(int, [][]byte) error { return nil }); err != why {
		t.Errorf("handed out after the end: %v", err)
	}
}
