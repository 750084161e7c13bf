package launcher

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// referenceLines is lineWriter on all of a text at once.
func referenceLines(text string) []string {
	var lines []string
	for l := range strings.Lines(text) {
		body := strings.TrimSuffix(l, "\n")
		for len(body) > maxLine {
			lines = append(lines, body[:maxLine])
			body = body[maxLine:]
		}
		lines = append(lines, body)
	}
	return lines
}

// However a text is cut into writes, the same lines come out.
func TestLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Lines whose lengths lie around those at which something happens.
		var text strings.Builder
		for _, n := range rapid.SliceOfN(rapid.SampledFrom([]int{0, 1, 7, 100, maxLine - 1, maxLine, maxLine + 1, 3 * maxLine}), 0, 4).
			Draw(t, "lengths") {
			text.WriteString(strings.Repeat("x", n) + "\n")
		}
		text.WriteString(rapid.SampledFrom([]string{"", "an unfinished line"}).Draw(t, "end"))
		rest := text.String()
		var got []string
		w := &lineWriter{emit: func(l []byte) { got = append(got, string(l)) }}
		for len(rest) > 0 {
			n := min(len(rest), rapid.SampledFrom([]int{1, 2, 32 << 10, maxLine, 2 * maxLine}).Draw(t, "write"))
			if m, err := w.Write([]byte(rest[:n])); m != n || err != nil {
				t.Fatalf("wrote %d of %d bytes: %v", m, n, err)
			}
			rest = rest[n:]
		}
		w.flush()
		if want := referenceLines(text.String()); !slices.Equal(got, want) {
			t.Fatalf("%d lines came; want %d", len(got), len(want))
		}
	})
}

// What was emitted may be kept.
func TestLinesAreKept(t *testing.T) {
	var got [][]byte
	w := &lineWriter{emit: func(l []byte) { got = append(got, l) }}
	for _, s := range []string{"one\ntw", "o\nthree", "\nfour\n"} {
		b := []byte(s)
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
		clear(b)
	}
	if got := bytes.Join(got, []byte{'|'}); string(got) != "one|two|three|four" {
		t.Errorf("kept %q", got)
	}
}
