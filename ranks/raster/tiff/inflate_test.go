package tiff

import (
	"bytes"
	stdflate "compress/flate"
	stdzlib "compress/zlib"
	"errors"
	"io"
	"testing"

	"github.com/klauspost/compress/zlib"
	"pgregory.net/rapid"
)

// text is what compresses to something of everything: literals, matches near and far, long and short.
func text(t *rapid.T) []byte {
	var b []byte
	for range rapid.IntRange(0, 60).Draw(t, "parts") {
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0:
			b = append(b, rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "noise")...)
		case 1:
			b = append(b, bytes.Repeat([]byte{byte(len(b))}, rapid.IntRange(1, 2000).Draw(t, "run"))...)
		case 2:
			b = append(b, bytes.Repeat([]byte("abcdefghi")[:rapid.IntRange(1, 9).Draw(t, "period")], rapid.IntRange(1, 200).Draw(t, "times"))...)
		default:
			if len(b) > 0 {
				from := rapid.IntRange(0, len(b)-1).Draw(t, "from")
				b = append(b, b[from:min(len(b), from+rapid.IntRange(1, 5000).Draw(t, "n"))]...)
			}
		}
	}
	return b
}

// Whatever was deflated, by two libraries at any level, comes back: whole, and its beginning.
func TestInflate(t *testing.T) {
	var tables inflater
	rapid.Check(t, func(t *rapid.T) {
		want := text(t)
		var packed bytes.Buffer
		level := rapid.IntRange(-2, 9).Draw(t, "level")
		if rapid.Bool().Draw(t, "standard") {
			w, _ := stdzlib.NewWriterLevel(&packed, level)
			w.Write(want)
			w.Close()
		} else {
			w, _ := zlib.NewWriterLevel(&packed, level)
			half := len(want) / 2
			w.Write(want[:half])
			w.Flush()
			w.Write(want[half:])
			w.Close()
		}
		for _, n := range []int{len(want), rapid.IntRange(0, len(want)).Draw(t, "n")} {
			got := make([]byte, n)
			if err := tables.inflate(got, packed.Bytes()); err != nil || !bytes.Equal(got, want[:n]) {
				t.Fatalf("%d of %d bytes: %v", n, len(want), err)
			}
		}
		if err := tables.inflate(make([]byte, len(want)+1), packed.Bytes()); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("more than there is: %v", err)
		}
		cut := rapid.IntRange(0, packed.Len()-5).Draw(t, "cut")
		got := make([]byte, len(want))
		if err := tables.inflate(got, packed.Bytes()[:cut]); err == nil && !bytes.Equal(got, want) {
			t.Fatalf("%d of %d packed bytes are taken for all", cut, packed.Len())
		}
		if sum := packed.Bytes(); len(want) > 0 {
			sum[len(sum)-1]++
			if err := tables.inflate(got, sum); err == nil {
				t.Fatal("a wrong checksum is taken")
			}
		}
	})
}

// Of any bytes the same comes as by the standard library.
func FuzzInflate(f *testing.F) {
	for _, level := range []int{-2, 0, 1, 6, 9} {
		var b bytes.Buffer
		w, err := stdflate.NewWriter(&b, level)
		if err != nil {
			f.Fatal(err)
		}
		for _, row := range noisyRows(40, 20, 3) {
			w.Write(row)
		}
		w.Close()
		f.Add(b.Bytes())
	}
	f.Add([]byte{0x63, 0x00, 0x03, 0x80, 0x00})
	var tables inflater
	f.Fuzz(func(t *testing.T, b []byte) {
		want, err := io.ReadAll(io.LimitReader(stdflate.NewReader(bytes.NewReader(b)), 1<<20))
		if len(want) == 1<<20 {
			return
		}
		packed := append([]byte{0x78, 1}, b...)
		got := make([]byte, len(want))
		ours := tables.inflate(got, packed)
		if err == nil && len(want) > 0 && !bytes.Equal(got, want) {
			t.Fatalf("%d bytes differ: %v", len(want), ours)
		}
		// What is wrong is found, at the latest where more is asked for.
		if more := tables.inflate(make([]byte, len(want)+300), packed); more == nil {
			t.Fatalf("more than %d bytes come; the library says %v", len(want), err)
		}
	})
}
