package raster

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func identify(t *testing.T, path, key string) Identity {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	id, err := Identify(f, []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// elsewhere is the identity as another machine would find it.
func (id Identity) elsewhere() Identity {
	id.Boot, id.Device, id.Inode = "another machine's", id.Device+1, id.Inode+1
	return id
}

func TestIdentity(t *testing.T) {
	dir := t.TempDir()
	data := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	name := func(n string) string { return filepath.Join(dir, n) }
	then := time.Unix(1000, 7)
	for n, b := range map[string][]byte{"a": data, "copy": data, "edited": bytes.ToUpper(data), "longer": append(data, 1), "empty": nil, "small": data[:10]} {
		if err := errors.Join(os.WriteFile(name(n), b, 0o666), os.Chtimes(name(n), then, then)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(name("a"), name("hard")); err != nil {
		t.Fatal(err)
	}
	a := identify(t, name("a"), "key")
	for n, want := range map[string]struct{ here, elsewhere bool }{
		"a": {true, true}, "hard": {true, true}, "copy": {false, true}, "edited": {false, false}, "longer": {false, false}, "empty": {false, false},
	} {
		id := identify(t, name(n), "key")
		if a.Same(id) != want.here || id.Same(a) != want.here {
			t.Errorf("%s on the same machine: not %t", n, want.here)
		}
		if a.Same(id.elsewhere()) != want.elsewhere || id.elsewhere().Same(a) != want.elsewhere {
			t.Errorf("%s on another machine: not %t", n, want.elsewhere)
		}
	}
	if a.Same(identify(t, name("a"), "another key").elsewhere()) {
		t.Error("the key does not matter")
	}
	for _, n := range []string{"empty", "small"} {
		if id := identify(t, name(n), "key"); !id.Same(id.elsewhere()) {
			t.Errorf("%s is not the same elsewhere", n)
		}
	}
	b, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var back Identity
	if err := json.Unmarshal(b, &back); err != nil || !back.Same(a) || !back.elsewhere().Same(a) {
		t.Errorf("lost in JSON: %v", err)
	}
}

// A file that is not where another one is unless it is touched is told apart by its time.
func TestIdentityByTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(path, []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	before := identify(t, path, "key")
	if err := os.Chtimes(path, time.Unix(5, 0), time.Unix(5, 0)); err != nil {
		t.Fatal(err)
	}
	if before.Same(identify(t, path, "key").elsewhere()) {
		t.Error("its time does not matter")
	}
}

// One byte that differs in a file small enough to be sampled whole tells two files apart, where size and time do not.
func TestIdentityByContent(t *testing.T) {
	then := time.Unix(1000, 0)
	path := filepath.Join(t.TempDir(), "a")
	for _, size := range []int{1, 100, sampleBytes, sampleBytes + 1, sampleBlocks * sampleBytes} {
		data := bytes.Repeat([]byte{7}, size)
		var before Identity
		for i, at := range []int{-1, 0, size / 2, size - 1} {
			b := bytes.Clone(data)
			if at >= 0 {
				b[at]++
			}
			if err := errors.Join(os.WriteFile(path, b, 0o666), os.Chtimes(path, then, then)); err != nil {
				t.Fatal(err)
			}
			id := identify(t, path, "key")
			id.Boot = "" // as where the system does not tell
			if i == 0 {
				before = id
			} else if before.Same(id) {
				t.Errorf("of %d bytes, number %d does not matter", size, at)
			}
			if !id.Same(id) {
				t.Error("a file differs from itself")
			}
		}
	}
}
