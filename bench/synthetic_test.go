package bench

import (
	"bytes"
	"context"
	"testing"
)

func TestParseSynthetic(t *testing.T) {
	for s, want := range map[string][2]int{"synthetic:40000x30000": {40000, 30000}, "synthetic:1x1": {1, 1}, "synthetic:16777216x4096": {1 << 24, 4096}} {
		if w, h, ok, err := ParseSynthetic(s); err != nil || !ok || w != want[0] || h != want[1] {
			t.Errorf("%s: %d×%d %v %v", s, w, h, ok, err)
		}
	}
	for _, s := range []string{"synthetic:", "synthetic:10", "synthetic:10x", "synthetic:0x5", "synthetic:-1x5", "synthetic:+1x5", "synthetic:1x5x6", "synthetic:1 x5",
		"synthetic:1e3x5", "synthetic:99999999999999999999x1", "synthetic:16777217x1", "synthetic:16777216x16777216"} {
		if _, _, ok, err := ParseSynthetic(s); err == nil || !ok {
			t.Errorf("%s: %v %v", s, ok, err)
		}
	}
	for _, s := range []string{"", "a.png", "./synthetic:4x4", "Synthetic:4x4"} {
		if _, _, ok, err := ParseSynthetic(s); err != nil || ok {
			t.Errorf("%s: %v %v", s, ok, err)
		}
	}
}

// TestWriteSynthetic: the file is that of the picture in memory, also where a row alone is a block and where the last block is not whole.
func TestWriteSynthetic(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {1, 700}, {601, 1201}, {400001, 2}} {
		picture, err := Photo(size[0], size[1])
		if err != nil {
			t.Fatal(err)
		}
		var got, want bytes.Buffer
		if err := WritePPM(&want, picture); err != nil {
			t.Fatal(err)
		}
		if err := WriteSynthetic(context.Background(), &got, size[0], size[1]); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Errorf("%v: the file is another picture", size)
		}
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := WriteSynthetic(ended, new(bytes.Buffer), 8, 8); err == nil {
		t.Error("it went on after the end")
	}
}
