package journal_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"halorun/ranks/journal"
)

func file(t testing.TB) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func all(t testing.TB, r *journal.Reader) (got []string) {
	t.Helper()
	for {
		b, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if b == nil {
			return got
		}
		got = append(got, string(b))
	}
}

var id = journal.ID{1, 2, 3}

// What is appended is read, also by who reads while it grows, and by who comes later; and a second process goes on with it.
func TestFollow(t *testing.T) {
	f := file(t)
	early := journal.NewReader(f, id)
	rng := rand.New(rand.NewPCG(1, 2))
	var want, seen []string
	for range 5 {
		l, err := journal.Open(f, id)
		if err != nil {
			t.Fatal(err)
		}
		for range 40 {
			var batch [][]byte
			for range 1 + rng.IntN(3) {
				p := bytes.Repeat([]byte{byte(rng.IntN(256))}, rng.IntN(9000))
				if rng.IntN(20) == 0 {
					p = bytes.Repeat([]byte("\xd7jrn"), 70000)
				}
				batch = append(batch, p)
				want = append(want, string(p))
			}
			if err := l.Append(batch...); err != nil {
				t.Fatal(err)
			}
			if rng.IntN(3) == 0 {
				seen = append(seen, all(t, early)...)
			}
		}
		if err := l.Sync(); err != nil {
			t.Error(err)
		}
	}
	seen = append(seen, all(t, early)...)
	late := all(t, journal.NewReader(f, id))
	if fmt.Sprint(seen) != fmt.Sprint(want) || fmt.Sprint(late) != fmt.Sprint(want) {
		t.Errorf("of %d records %d and %d were read, or others", len(want), len(seen), len(late))
	}
	if got := all(t, journal.NewReader(f, journal.ID{9})); len(got) > 0 {
		t.Errorf("another job reads %d records", len(got))
	}
}

// A process may die in the middle of a write, at any byte; who goes on appends behind it. No record is hidden, none is made up.
func TestTorn(t *testing.T) {
	f := file(t)
	l, err := journal.Open(f, id)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Append([]byte("first"), []byte("the second, which is torn")); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	for cut := 24 + len("first"); cut < len(whole); cut++ {
		g := file(t)
		if _, err := g.Write(whole[:cut]); err != nil {
			t.Fatal(err)
		}
		r := journal.NewReader(g, id)
		if got := all(t, r); len(got) != 1 || got[0] != "first" {
			t.Fatalf("cut at %d: %q", cut, got)
		}
		next, err := journal.Open(g, id)
		if err != nil {
			t.Fatal(err)
		}
		if err := next.Append([]byte("third")); err != nil {
			t.Fatal(err)
		}
		if got := all(t, r); len(got) != 1 || got[0] != "third" {
			t.Fatalf("cut at %d, then: %q", cut, got)
		}
	}
}

// Whichever byte is another one, the record that it is in is missing, and no other.
func TestDamage(t *testing.T) {
	f := file(t)
	l, err := journal.Open(f, id)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if err := l.Append(fmt.Appendf(nil, "record %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	whole, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	each := len(whole) / 5
	for at := range whole {
		b := bytes.Clone(whole)
		b[at] ^= 0x41
		got := all(t, journal.NewReader(bytes.NewReader(b), id))
		if len(got) != 4 {
			t.Fatalf("byte %d: %q", at, got)
		}
		for i, g := range got {
			if i >= at/each {
				i++
			}
			if g != fmt.Sprintf("record %d", i) {
				t.Fatalf("byte %d: %q", at, got)
			}
		}
	}
}

func TestTooLong(t *testing.T) {
	l, err := journal.Open(file(t), id)
	if err != nil {
		t.Fatal(err)
	}
	if l.Append(make([]byte, journal.MaxRecord+1)) == nil {
		t.Error("a record beyond the limit was taken")
	}
	if err := l.Append(make([]byte, journal.MaxRecord)); err != nil {
		t.Error(err)
	}
}

// FuzzReader: whatever the file is, reading it ends, and gives nothing that was not appended.
func FuzzReader(f *testing.F) {
	g := file(f)
	l, err := journal.Open(g, id)
	if err != nil {
		f.Fatal(err)
	}
	if err := l.Append([]byte("one"), nil, []byte("\xd7jrn\x03\x00\x00\x00")); err != nil {
		f.Fatal(err)
	}
	b, err := os.ReadFile(g.Name())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:20])
	f.Add([]byte("\xd7jrn\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, p := range all(t, journal.NewReader(bytes.NewReader(b), id)) {
			if p != "one" && p != "" && p != "\xd7jrn\x03\x00\x00\x00" {
				t.Errorf("%q was never appended", p)
			}
		}
	})
}
