package kernels

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// flood is hysteresis one pixel after the other.
func flood(labels [][]byte) [][]byte {
	h, w := len(labels), len(labels[0])
	out := make([][]byte, h)
	type pixel struct{ y, x int }
	var todo []pixel
	for y := range labels {
		out[y] = make([]byte, w)
		for x, l := range labels[y] {
			if l == labelStrong {
				out[y][x] = 255
				todo = append(todo, pixel{y, x})
			}
		}
	}
	for len(todo) > 0 {
		p := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for y := max(0, p.y-1); y <= min(h-1, p.y+1); y++ {
			for x := max(0, p.x-1); x <= min(w-1, p.x+1); x++ {
				if labels[y][x] != labelNone && out[y][x] == 0 {
					out[y][x] = 255
					todo = append(todo, pixel{y, x})
				}
			}
		}
	}
	return out
}

// scratchRoom is a room of n bytes, with files to put into what does not fit.
func scratchRoom(t testing.TB, n int64) Room {
	dir := t.TempDir()
	return Room{Bytes: n, Scratch: func() (Scratch, error) {
		f, err := os.CreateTemp(dir, "")
		return scratchFile{f}, err
	}}
}

type scratchFile struct{ *os.File }

func (f scratchFile) Close() { _ = f.File.Close() }

// settleOn settles the labels on several ranks that take turns: rank of[y] holds row y.
func settleOn(t *testing.T, labels [][]byte, of []int, ranks int, room Room) [][]byte {
	t.Helper()
	w := len(labels[0])
	runs := make([][]Rows, ranks)
	for y, r := range of {
		if n := len(runs[r]); n > 0 && runs[r][n-1].Hi == y {
			runs[r][n-1].Hi++
		} else {
			runs[r] = append(runs[r], Rows{y, y + 1})
		}
	}
	all := make([]Decision, ranks)
	for r := range all {
		all[r] = decide(t, w, runs[r], room)
	}
	for y, row := range labels {
		if err := all[of[y]].Put(y, row); err != nil {
			t.Fatal(err)
		}
	}
	meeting := newMeeting(all, of)
	defer close(meeting.over)
	errs := make(chan error, ranks)
	for r := range all {
		go func() { errs <- all[r].Resolve(&seat{meeting, r}) }()
	}
	for range all {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	out := make([][]byte, len(labels))
	for y := range out {
		out[y] = make([]byte, w)
		if err := all[of[y]].Row(y, out[y]); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// decide returns the decision of Canny's labels.
func decide(t testing.TB, width int, runs []Rows, room Room) Decision {
	t.Helper()
	d, err := canny{}.Decide(Shape{width, 1, 1}, runs, room)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// meeting is where ranks that are goroutines exchange rows and opinions, in rounds.
type meeting struct {
	of     []int
	ranks  int
	arrive chan func()
	leave  []chan struct{}
	rows   map[int][]byte
	any    bool
	over   chan struct{}
}

type seat struct {
	*meeting
	rank int
}

func newMeeting(all []Decision, of []int) *meeting {
	m := &meeting{of: of, ranks: len(all), arrive: make(chan func()), rows: make(map[int][]byte), over: make(chan struct{})}
	for range all {
		m.leave = append(m.leave, make(chan struct{}))
	}
	go func() {
		for { // a round ends when all have come
			for range m.ranks {
				select {
				case contribute := <-m.arrive:
					contribute()
				case <-m.over:
					return
				}
			}
			for _, l := range m.leave {
				l <- struct{}{}
			}
		}
	}()
	return m
}

func (s *seat) round(contribute func()) {
	s.arrive <- contribute
	<-s.leave[s.rank]
}

func (s *seat) SwapBorders(border func(int) ([]byte, error), absorb func(int, []byte) error) error {
	mine := make(map[int][]byte)
	for y, r := range s.of {
		if r == s.rank && (y > 0 && s.of[y-1] != r || y+1 < len(s.of) && s.of[y+1] != r) {
			b, err := border(y)
			if err != nil {
				return err
			}
			mine[y] = b
		}
	}
	s.round(func() {
		for y, b := range mine {
			s.rows[y] = b
		}
	})
	theirs := make(map[int][]byte)
	for y, r := range s.of {
		if r != s.rank && (y > 0 && s.of[y-1] == s.rank || y+1 < len(s.of) && s.of[y+1] == s.rank) {
			theirs[y] = s.rows[y]
		}
	}
	s.round(func() { s.any = false })
	for y, b := range theirs {
		if err := absorb(y, b); err != nil {
			return err
		}
	}
	return nil
}

func (s *seat) Any(b bool) (bool, error) {
	s.round(func() { s.any = s.any || b })
	all := s.any
	s.round(func() {})
	return all, nil
}

func (s *seat) Sum([]int64) error { panic("hysteresis adds nothing up") }

// maze returns labels whose candidates form one path that winds over the whole picture, strong at one end.
func maze(h, w int, vertical bool) [][]byte {
	labels := make([][]byte, h)
	for y := range labels {
		labels[y] = make([]byte, w)
		for x := range labels[y] {
			a, b, turn := y, x, w-1
			if vertical {
				a, b, turn = x, y, h-1
			}
			if a%2 == 0 || a%4 == 1 && b == turn || a%4 == 3 && b == 0 {
				labels[y][x] = labelCandidate
			}
		}
	}
	labels[0][0] = labelStrong
	return labels
}

// TestHysteresis: however rows are spread over ranks, and be it in memory or in files with strips of one row or more, the edges are
// those of a flood fill over the whole picture.
func TestHysteresis(t *testing.T) {
	pictures := map[string][][]byte{
		"horizontal maze": maze(37, 70, false),
		"vertical maze":   maze(37, 70, true),
		"one word":        maze(9, 64, true),
		"two words":       maze(9, 65, false),
		"a column":        maze(50, 1, true),
		"a row":           maze(1, 200, false),
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for i, density := range []int{3, 4, 5, 8, 30} {
		labels := make([][]byte, 41)
		for y := range labels {
			labels[y] = make([]byte, 63+i)
			for x := range labels[y] {
				if rng.IntN(density) < 2 {
					labels[y][x] = labelCandidate
				}
				if rng.IntN(200) == 0 {
					labels[y][x] = labelStrong
				}
			}
		}
		pictures[fmt.Sprintf("noise %d", density)] = labels
	}
	for name, labels := range pictures {
		want := flood(labels)
		for _, ranks := range []int{1, 2, 3, 7} {
			for kind, owner := range map[string]func(y int) int{
				"bands":  func(y int) int { return y * ranks / len(labels) },
				"dealt":  func(y int) int { return y % ranks },
				"random": func(int) int { return rng.IntN(ranks) },
			} {
				of := make([]int, len(labels))
				for y := range of {
					of[y] = owner(y)
				}
				for where, room := range map[string]Room{"memory": {}, "strips of a row": scratchRoom(t, 0), "strips": scratchRoom(t, 500)} {
					got := settleOn(t, labels, of, ranks, room)
					if diff := difference(got, want); diff != "" {
						t.Errorf("%s, %d ranks, %s, %s: %s", name, ranks, kind, where, diff)
					}
				}
			}
		}
	}
}

// TestHysteresisRuns: it does not matter how the rows of a rank are told, nor what an attempt to settle has found out already, in memory or
// in a file.
func TestHysteresisRuns(t *testing.T) {
	labels := maze(37, 130, true)
	want := flood(labels)
	rooms := []Room{{}, scratchRoom(t, 0), scratchRoom(t, 700)}
	for i, room := range rooms {
		first := decide(t, 130, []Rows{{0, 20}}, room)
		for y := range 20 {
			if err := first.Put(y, labels[y]); err != nil {
				t.Fatal(err)
			}
		}
		if err := first.Resolve(Alone{}); err != nil {
			t.Fatal(err)
		}
		all := decide(t, 130, []Rows{{30, 37}, {5, 5}, {0, 12}, {12, 30}}, rooms[(i+1)%len(rooms)])
		for y, row := range labels {
			if y < 20 {
				row = make([]byte, 130)
				if err := first.Local(y, row); err != nil {
					t.Fatal(err)
				}
			}
			if err := all.Put(y, row); err != nil {
				t.Fatal(err)
			}
		}
		if err := all.Resolve(Alone{}); err != nil {
			t.Fatal(err)
		}
		got := makeRows(Shape{130, 37, 1})
		for y, row := range got {
			if err := all.Row(y, row); err != nil {
				t.Fatal(err)
			}
		}
		if diff := difference(got, want); diff != "" {
			t.Error(diff)
		}
	}
}

// TestHysteresisTodo: more words to look at than the list takes are looked at all the same.
func TestHysteresisTodo(t *testing.T) {
	const words, height = 600, 3 * mostTodo / 600
	h := newHysteresis(64*words, []Rows{{0, height}})
	h.allocate()
	for y := range height {
		weak, _ := h.row(y)
		for i := range weak {
			weak[i] = 1
			h.look(h.find(y) + i)
		}
	}
	if len(h.todo) != mostTodo || !h.full {
		t.Fatalf("%d words are on the list", len(h.todo))
	}
	for i := range words {
		h.edge[h.find(0)-h.stride()+i] = 1 // as if another rank had them
	}
	h.settle()
	for y := range height {
		if weak, edge := h.row(y); slices.Max(weak) != 0 || slices.Min(edge) != 1 {
			t.Fatalf("row %d is not settled", y)
		}
	}
	for _, q := range h.queued {
		if q != 0 {
			t.Fatal("a word is still queued")
		}
	}
}

// TestDecisionsWithoutDisk: a scratch file that fails is an error, never a wrong result.
func TestDecisionsWithoutDisk(t *testing.T) {
	full := errors.New("full")
	none := Room{Scratch: func() (Scratch, error) { return nil, full }}
	for name, g := range map[string]Global{"hysteresis": canny{}, "levels": levelled(nil)} {
		if _, err := g.Decide(Shape{100, 10, 1}, []Rows{{0, 10}}, none); !errors.Is(err, full) {
			t.Errorf("%s: %v", name, err)
		}
		f, err := os.Create(filepath.Join(t.TempDir(), "f"))
		if err != nil {
			t.Fatal(err)
		}
		d, err := g.Decide(Shape{100, 10, 1}, []Rows{{0, 10}}, Room{Scratch: func() (Scratch, error) { return scratchFile{f}, nil }})
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		row := make([]byte, 100)
		if d.Put(3, row) == nil || d.Local(3, row) == nil || d.Row(3, row) == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestBits: gathering and spreading bits are inverse.
func TestBits(t *testing.T) {
	for b := range uint64(256) {
		bytes := spreadBits(b)
		if got := gatherBits(bytes); got != b {
			t.Errorf("%08b: bytes %x, back %08b", b, bytes, got)
		}
	}
}

func BenchmarkHysteresis(b *testing.B) {
	const width, height = 4096, 1024
	rng := rand.New(rand.NewPCG(5, 6))
	rows := make([][]byte, height)
	for y := range rows {
		rows[y] = make([]byte, width)
		for x := range rows[y] {
			if (x+y)%17 == 0 || (x-y+4096)%23 == 0 {
				rows[y][x] = labelCandidate
			}
			if rng.IntN(5000) == 0 {
				rows[y][x] = labelStrong
			}
		}
	}
	b.SetBytes(width * height)
	for b.Loop() {
		h := decide(b, width, []Rows{{0, height}}, Room{})
		for y, row := range rows {
			if err := h.Put(y, row); err != nil {
				b.Fatal(err)
			}
		}
		if err := h.Resolve(Alone{}); err != nil {
			b.Fatal(err)
		}
	}
}
