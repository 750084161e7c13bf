package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/cespare/xxhash/v2"
)

// Whatever a file holds, it is opened and read in memory that its size bounds. If sealed, its records carry valid checksums.
func FuzzOpen(f *testing.F) {
	content, _, _ := sample(f, f.TempDir())
	for _, sealed := range []bool{false, true} {
		f.Add(content, sealed)
		f.Add(content[headerSize:], sealed)
		f.Add([]byte{}, sealed)
		f.Add(bytes.Repeat([]byte(recordMagic), 100), sealed)
	}
	path := filepath.Join(f.TempDir(), "segment")
	f.Fuzz(func(t *testing.T, content []byte, sealed bool) {
		if sealed {
			sealRecords(content)
		}
		put(t, path, content)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		openAndRead(t, path, len(content))
		runtime.ReadMemStats(&after)
		if spent, most := after.TotalAlloc-before.TotalAlloc, uint64(4<<20+64*len(content)); spent > most {
			t.Errorf("%d bytes took %d KiB of memory", len(content), spent>>10)
		}
	})
}

func openAndRead(t *testing.T, path string, size int) {
	s, err := Open(path, job)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if n := len(s.Entries())*recordSize + 8*len(s.Inputs()); n > size {
		t.Errorf("%d entries and %d inputs of %d bytes", len(s.Entries()), len(s.Inputs()), size)
	}
	room := 1 << 20 // for rows, which may be packed as tightly as one likes
	for i, e := range s.Entries() {
		if err := e.check(); err != nil {
			t.Error(err)
		}
		if room -= 3*e.size() + 24*(e.Hi-e.Lo); room < 0 || !e.Stored {
			break
		}
		dst := rowsOf(make([]byte, e.size()), e.RowBytes)
		if err := s.Read(i, dst); err == nil {
			if Sum(dst) != e.Sum {
				t.Errorf("%v: wrong rows", e)
			}
		} else if !errors.Is(err, ErrDamaged) {
			t.Error(err)
		}
	}
}

// sealRecords seals what may be taken for records.
func sealRecords(b []byte) {
	le := binary.LittleEndian
	if len(b) >= headerSize && b[0]&1 == 0 {
		copy(b, header(job))
	}
	for at := headerSize; at+recordSize <= len(b); {
		if i := bytes.Index(b[at:], []byte(recordMagic)); i < 0 || at+i+recordSize > len(b) {
			return
		} else {
			at += i
		}
		r, payload := b[at:], b[at+recordSize:]
		if n := le.Uint64(r[48:]); n <= uint64(len(payload)) {
			payload = payload[:n]
			le.PutUint64(r[56:], xxhash.Sum64(payload))
			if n == (le.Uint64(r[24:])-le.Uint64(r[16:]))*le.Uint64(r[32:]) {
				le.PutUint64(r[40:], xxhash.Sum64(payload))
			}
			sealAt(r, at)
			at += int(n)
		}
		at += recordSize
	}
}
