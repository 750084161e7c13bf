package jpeg

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"halorun/ranks/raster/scratch/scratchtest"
)

// sameSpilled fails unless a file is the same picture in any memory, and its scratch file is gone behind it.
func sameSpilled(t *testing.T, r *rapid.T, files *scratchtest.Files, file []byte, want *picture) {
	t.Helper()
	m, err := Parse(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		r.Fatal(err)
	}
	before, memory := len(files.Made()), rapid.Int64Range(0, m.Memory()).Draw(r, "memory")
	s, err := m.StreamIn(memory, files.Make)
	if err != nil {
		r.Fatal(err)
	}
	got, err := rowsOf(m, s, 100)
	if err != nil {
		r.Fatal(err)
	}
	same(t, "spilled", got, want)
	if made := len(files.Made()) > before; made != (m.buffered() && memory < m.Memory()) || files.Open() > 0 {
		r.Fatalf("in %d of %d bytes: a scratch file %v, %d left", memory, m.Memory(), made, files.Open())
	}
}

// Pages of coefficients go to the file and come back.
func TestPages(t *testing.T) {
	p := newPicture(300, 2000, 3)
	for i := range p.data {
		p.data[i] = byte(i * i >> 9)
	}
	files := scratchtest.New(t)
	file := run(t, p.pnm(), "cjpeg", "-progressive", "-restart", "3B")
	want := mustDecode(t, file)
	m, err := Parse(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	for _, memory := range []int64{0, m.Memory() / 4, m.Memory() - 1} {
		s, err := m.StreamIn(memory, files.Make)
		if err != nil {
			t.Fatal(err)
		}
		if c := s.bander.(*buffered).coefs; len(c[0].spilled.there) < 2 {
			t.Errorf("in %d bytes there is one page", memory)
		}
		s.Skip(700)
		rows := newPicture(m.Width, m.Height-700, 3)
		if err := s.ReadRows(rows.rows()); err != nil {
			t.Fatal(err)
		}
		s.Close()
		if !bytes.Equal(rows.data, want.data[700*300*3:]) {
			t.Errorf("in %d bytes the lower rows differ", memory)
		}
	}
	if files.Open() > 0 {
		t.Errorf("%d scratch files are left", files.Open())
	}
}

// What goes wrong with a scratch file is said.
func TestScratchFails(t *testing.T) {
	p := newPicture(100, 500, 1)
	for i := range p.data {
		p.data[i] = byte(i * i >> 5)
	}
	file := run(t, p.pnm(), "cjpeg", "-progressive")
	m, err := Parse(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	for want, make := range map[string]func() (*os.File, error){
		"scratch file: it cannot be made: none":                     func() (*os.File, error) { return nil, errors.New("none") },
		"scratch file /dev/full: writing 7168 bytes at byte 0: no ": func() (*os.File, error) { return os.OpenFile("/dev/full", os.O_RDWR, 0) },
	} {
		s, err := m.StreamIn(0, make)
		if err == nil {
			err = s.ReadRows(p.rows())
			s.Close()
		}
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, not %s", err, want)
		}
	}
	files := scratchtest.New(t)
	s, err := m.StreamIn(0, files.Make)
	if err == nil {
		err = s.ReadRows(p.rows()[:1])
	}
	if err != nil {
		t.Fatal(err)
	}
	if files.Open() != 1 {
		t.Error("there is no scratch file")
	}
	if err := files.Made()[0].Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.ReadRows(p.rows()[1:]); err == nil || !strings.HasSuffix(err.Error(), ": file already closed") {
		t.Error(err)
	}
	for range 2 {
		s.Close()
	}
}
