package kernels

import (
	"fmt"
	"math/rand/v2"
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

// settleOn settles the labels on several ranks that take turns: rank of[y] holds row y.
func settleOn(t *testing.T, labels [][]byte, of []int, ranks int) [][]byte {
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
	all := make([]*hysteresis, ranks)
	for r := range all {
		all[r] = newHysteresis(w, runs[r])
	}
	for y, row := range labels {
		all[of[y]].Put(y, row)
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
		all[of[y]].Row(y, out[y])
	}
	return out
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

func newMeeting(all []*hysteresis, of []int) *meeting {
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

func (s *seat) SwapBorders(border func(int) []byte, absorb func(int, []byte)) error {
	mine := make(map[int][]byte)
	for y, r := range s.of {
		if r == s.rank && (y > 0 && s.of[y-1] != r || y+1 < len(s.of) && s.of[y+1] != r) {
			mine[y] = border(y)
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
		absorb(y, b)
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

// TestHysteresis: however rows are spread over ranks, the edges are those of a flood fill over the whole picture.
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
				got := settleOn(t, labels, of, ranks)
				if diff := difference(got, want); diff != "" {
					t.Errorf("%s, %d ranks, %s: %s", name, ranks, kind, diff)
				}
			}
		}
	}
}

// TestHysteresisRuns: it does not matter how the rows of a rank are told, nor what an attempt to settle has found out already.
func TestHysteresisRuns(t *testing.T) {
	labels := maze(37, 130, true)
	want := flood(labels)
	first := newHysteresis(130, []Rows{{0, 20}})
	for y := range 20 {
		first.Put(y, labels[y])
	}
	if err := first.Resolve(alone{}); err != nil {
		t.Fatal(err)
	}
	all := newHysteresis(130, []Rows{{30, 37}, {5, 5}, {0, 12}, {12, 30}})
	for y, row := range labels {
		if y < 20 {
			row = make([]byte, 130)
			first.Local(y, row)
		}
		all.Put(y, row)
	}
	if err := all.Resolve(alone{}); err != nil {
		t.Fatal(err)
	}
	got := makeRows(Shape{130, 37, 1})
	for y, row := range got {
		all.Row(y, row)
	}
	if diff := difference(got, want); diff != "" {
		t.Error(diff)
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
		h := newHysteresis(width, []Rows{{0, height}})
		for y, row := range rows {
			h.Put(y, row)
		}
		if err := h.Resolve(alone{}); err != nil {
			b.Fatal(err)
		}
	}
}
