package png

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"halorun/ranks/raster/scratch/scratchtest"
)

// readIn reads a whole picture in so much memory.
func readIn(m *Image, memory int64, s *scratchtest.Files) ([]byte, error) {
	stream, err := m.StreamIn(memory, s.Make)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	n := m.Width * m.Channels
	out := make([]byte, n*m.Height)
	for y := range m.Height {
		if err := stream.ReadRows([][]byte{out[y*n : (y+1)*n]}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Passes in a scratch file make the picture that they make in memory.
func TestSpilledEqualsInMemory(outer *testing.T) {
	outer.Parallel()
	rapid.Check(outer, func(t *rapid.T) {
		size := rapid.OneOf(rapid.IntRange(1, 9), rapid.IntRange(1, 200))
		k := rapid.SampledFrom(allKinds()).Draw(t, "kind")
		made := random(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)), k, size.Draw(t, "width"), size.Draw(t, "height"))
		m, err := parse(made.file(0))
		if err != nil {
			t.Fatal(err)
		}
		_, want, err := decode(made.file(0), 7)
		if err != nil {
			t.Fatal(err)
		}
		s := scratchtest.New(outer)
		memory := rapid.Int64Range(0, m.Memory()).Draw(t, "memory")
		got, err := readIn(m, memory, s)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%v, %d×%d in %d bytes: %v", k, m.Width, m.Height, memory, err)
		}
		if spilled := len(s.Made()) > 0; spilled != (k.interlaced && memory < m.Memory()) || s.Open() > 0 {
			t.Errorf("%v, %d×%d in %d of %d bytes: %d scratch files, of which %d stay", k, m.Width, m.Height, memory, m.Memory(), len(s.Made()), s.Open())
		}
	})
}

// A large interlaced picture takes the memory that Least says.
func TestMemoryOfSpilled(t *testing.T) {
	made := random(rand.New(rand.NewPCG(1, 2)), kind{grey, 8, true}, 8, 8)
	made.width, made.height = 3000, 2500
	made.header = made.kind.header(made.width, made.height)
	made.raw = nil
	img := &Image{Width: made.width, Height: made.height, Depth: 8, colour: grey, interlaced: true}
	for _, p := range img.passes() {
		made.raw = append(made.raw, make([]byte, p.height*(1+p.width))...)
	}
	m, err := parse(made.file(0))
	if err != nil {
		t.Fatal(err)
	}
	made = nil
	s := scratchtest.New(t)
	stream, err := m.StreamIn(0, s.Make)
	if err != nil {
		t.Fatal(err)
	}
	row := [][]byte{make([]byte, m.Width)}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range m.Height {
		if err := stream.ReadRows(row); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if spent := int64(after.TotalAlloc - before.TotalAlloc); spent > m.Least()*5/4 || m.Least() > 2<<20 || m.Memory() < 4_500_000 {
		t.Errorf("it takes %d bytes, and says %d to %d", spent, m.Least(), m.Memory())
	}
	stream.Close()
}

// What goes wrong with a scratch file is said, and who fails or stops halfway leaves none.
func TestScratchFails(t *testing.T) {
	m, err := parse(random(rand.New(rand.NewPCG(1, 2)), kind{rgb, 8, true}, 300, 300).file(0))
	if err != nil {
		t.Fatal(err)
	}
	s := scratchtest.New(t)
	for want, make := range map[string]func() (*os.File, error){
		"scratch file: it cannot be made: none":                               func() (*os.File, error) { return nil, errors.New("none") },
		"scratch file /no/such: it cannot be made: no such file or directory": func() (*os.File, error) { return os.Create("/no/such") },
		"scratch file /dev/full: writing 135000 bytes at byte 0: no space left on device; make room there, or allow more memory": func() (*os.File, error) {
			f, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
			s.Add(f)
			return f, err
		},
	} {
		stream, err := m.StreamIn(0, make)
		if err == nil {
			err = stream.ReadRows(makeRows(300, 300, 3))
			stream.Close()
		}
		if err == nil || err.Error() != want {
			t.Errorf("%v, not %s", err, want)
		}
	}
	stream, err := m.StreamIn(0, s.Make)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.ReadRows(makeRows(300, 1, 3)); err != nil {
		t.Error(err)
	}
	file := s.Made()[len(s.Made())-1]
	if err := file.Truncate(1000); err != nil {
		t.Fatal(err)
	}
	if err := stream.ReadRows(makeRows(300, 299, 3)); err != nil && !strings.Contains(err.Error(), "unexpected EOF") {
		t.Error(err)
	}
	if s.Open() != 1 {
		t.Errorf("%d scratch files while it is read", s.Open())
	}
	stream.Close()
	if s.Open() > 0 {
		t.Errorf("%d scratch files are left", s.Open())
	}
}
