package png

import (
	"bytes"
	"testing"
)

// encode encodes a whole picture.
func encode(t testing.TB, o Options, rows [][]byte) []byte {
	t.Helper()
	e, err := NewEncoder(o)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := e.NewWriter(&out)
	if err := w.Begin(); err != nil {
		t.Fatal(err)
	}
	for y := 0; y < o.Height; y += e.SegmentRows() {
		b, err := e.Encode(nil, y, rows[y:min(o.Height, y+e.SegmentRows())])
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > e.Bound() {
			t.Fatalf("a segment of %d bytes is beyond %d", len(b), e.Bound())
		}
		if err := w.WriteSegment(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
