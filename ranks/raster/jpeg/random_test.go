package jpeg

import (
	"bytes"
	"runtime"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"halorun/ranks/raster/scratch/scratchtest"
)

// Any rows read alone are those of the whole, whether there are restart markers or not, and whoever reads besides.
func TestReadRows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		p := scene(r, sizes.Draw(r, "width"), rapid.IntRange(1, 150).Draw(r, "height"), 3)
		args := append(cjpegOptions(r), "-optimize")
		file := run(t, p.pnm(), "cjpeg", args...)
		m, err := Parse(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			r.Fatal(err)
		}
		progressive, rows := false, false
		for i, a := range args {
			progressive = progressive || a == "-progressive"
			rows = rows || a == "-restart" && !strings.HasSuffix(args[i+1], "B")
		}
		if rows && !progressive && !m.Random() || progressive && m.Random() {
			r.Fatalf("%v: random: %v", args, m.Random())
		}
		want := mustDecode(t, file)
		var all sync.WaitGroup
		for range 4 {
			y := rapid.IntRange(0, m.Height-1).Draw(r, "y")
			n := rapid.IntRange(0, m.Height-y).Draw(r, "n")
			all.Go(func() {
				got, s := newPicture(m.Width, n, m.Channels), newPicture(m.Width, n, m.Channels)
				if err := m.ReadRows(y, got.rows()); err != nil {
					t.Error(err)
				}
				part := &picture{m.Width, n, m.Channels, want.data[y*m.Width*m.Channels:][:len(got.data)]}
				if !bytes.Equal(got.data, part.data) {
					t.Errorf("%v: rows %d to %d differ", args, y, y+n)
				}
				stream, err := m.Stream()
				if err != nil {
					t.Error(err)
					return
				}
				stream.Skip(y)
				if err := stream.ReadRows(s.rows()); err != nil {
					t.Error(err)
				}
				if !bytes.Equal(s.data, part.data) {
					t.Errorf("%v: rows %d to %d behind those that were skipped differ", args, y, y+n)
				}
			})
		}
		all.Wait()
	})
}

// Callers that each read in order, over rows that some read twice, get what is in the whole.
func TestReadOn(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		p := scene(r, sizes.Draw(r, "width"), rapid.IntRange(1, 300).Draw(r, "height"), 3)
		file := run(t, p.pnm(), "cjpeg", cjpegOptions(r)...)
		m, err := Parse(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			r.Fatal(err)
		}
		want := mustDecode(t, file)
		var at [6]int
		for range 20 {
			caller := rapid.IntRange(0, len(at)-1).Draw(r, "caller")
			y := min(max(at[caller]+rapid.IntRange(-20, 40).Draw(r, "step"), 0), m.Height-1)
			n := rapid.IntRange(1, min(m.Height-y, 40)).Draw(r, "n")
			got := newPicture(m.Width, n, m.Channels)
			if err := m.ReadRows(y, got.rows()); err != nil {
				r.Fatal(err)
			}
			if !bytes.Equal(got.data, want.data[y*m.Width*m.Channels:][:len(got.data)]) {
				r.Fatalf("rows %d to %d differ", y, y+n)
			}
			at[caller] = y + n
		}
		if n := len(m.idle.streams); n > mostIdle {
			r.Fatalf("%d streams are kept", n)
		}
		if err := m.ReadRows(m.Height-1, newPicture(m.Width, 2, m.Channels).rows()); err == nil {
			r.Fatal("there is a row below the last")
		}
	})
}

// Two callers that read a half each, in turn, take two passes.
func TestReadOnOnce(t *testing.T) {
	p := newPicture(200, 400, 3)
	file := run(t, p.pnm(), "cjpeg")
	counted := &counter{Reader: bytes.NewReader(file)}
	m, err := Parse(counted, int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	counted.begun = 0
	for y := 0; y < 200; y += 4 {
		for _, from := range []int{y, 200 + y} {
			n := min(10, m.Height-from) // some rows again
			if err := m.ReadRows(from, newPicture(200, n, 3).rows()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if counted.begun != 2 {
		t.Errorf("%d passes", counted.begun)
	}
}

// counter counts how often the data is read from its begin.
type counter struct {
	*bytes.Reader
	begun int
}

func (c *counter) ReadAt(b []byte, at int64) (int, error) {
	if len(b) > 100 && at < 1000 {
		c.begun++
	}
	return c.Reader.ReadAt(b, at)
}

// A Stream takes about the memory that it says, and no more for more rows.
func TestMemory(t *testing.T) {
	p := newPicture(1600, 1200, 3)
	for i := range p.data {
		p.data[i] = byte(i * i >> 7)
	}
	files := scratchtest.New(t)
	for _, args := range [][]string{nil, {"-progressive"}} {
		file := run(t, p.pnm(), "cjpeg", args...)
		m, err := Parse(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		row := newPicture(m.Width, 1, 3).rows()
		takes := func(memory int64) int64 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			s, err := m.StreamIn(memory, files.Make)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			for range m.Height {
				if err := s.ReadRows(row); err != nil {
					t.Fatal(err)
				}
			}
			runtime.ReadMemStats(&after)
			return int64(after.TotalAlloc - before.TotalAlloc)
		}
		if took := takes(m.Memory()); took > m.Memory()*5/4 || took < m.Memory()/3 {
			t.Errorf("%v: it says %d bytes and takes %d", args, m.Memory(), took)
		} else if args == nil && took > 2<<20 {
			t.Errorf("a row of MCUs takes %d bytes", took)
		}
		if took := takes(0); took > m.Least()*5/4 || took < m.Least()/3 || m.Least() > 4<<20 {
			t.Errorf("%v: it says at least %d bytes and takes %d", args, m.Least(), took)
		}
		if took, most := takes(m.Memory()/2), m.Memory()/2; args != nil && took > most {
			t.Errorf("%v: of %d bytes it takes %d", args, most, took)
		}
	}
	if len(files.Made()) != 2 || files.Open() > 0 {
		t.Errorf("%d scratch files, of which %d are left", len(files.Made()), files.Open())
	}
}
