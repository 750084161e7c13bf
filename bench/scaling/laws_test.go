package scaling

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a), math.Abs(b)) }

// TestStrong holds the arithmetic to Amdahl's law: a job that takes serial + divided/p has the same serial fraction with any number of ranks, and
// it is the one of the base.
func TestStrong(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		serial, divided := rapid.Float64Range(0, 10).Draw(t, "serial"), rapid.Float64Range(0.1, 10).Draw(t, "divided")
		base := rapid.IntRange(1, 8).Draw(t, "base")
		p := base + rapid.IntRange(1, 1000).Draw(t, "more")
		time := func(p int) float64 { return serial + divided/float64(p) }
		s, e, f := strong(base, p, time(base), time(p))
		if f == nil || !near(*f, serial/time(base)) {
			t.Fatalf("serial fraction %v, want %v", f, serial/time(base))
		}
		if !near(s, time(base)/time(p)) || !near(e*float64(p)/float64(base), s) {
			t.Fatalf("speed-up %v, efficiency %v", s, e)
		}
	})
}

// TestWeak holds it to Gustafson's: a fraction of the time is serial, and the scaled speed-up is n − serial·(n−1).
func TestWeak(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		serial := rapid.Float64Range(0, 0.99).Draw(t, "serial")
		base := rapid.IntRange(1, 8).Draw(t, "base")
		times := rapid.IntRange(2, 1000).Draw(t, "times")
		n := float64(times)
		scaled := n - serial*(n-1)
		s, e, f := weak(base, base*times, 3, 3*n/scaled)
		if !near(s, scaled) || !near(e, scaled/n) || f == nil || !near(*f, serial) {
			t.Fatalf("scaled speed-up %v, efficiency %v, serial %v", s, e, f)
		}
	})
}

// TestClosedForms are those that everybody knows.
func TestClosedForms(t *testing.T) {
	if s, e, f := strong(1, 4, 8, 2); s != 4 || e != 1 || *f != 0 {
		t.Errorf("ideal: %v %v %v", s, e, *f)
	}
	if s, e, f := strong(1, 4, 8, 8); s != 1 || e != 0.25 || *f != 1 {
		t.Errorf("no gain at all: %v %v %v", s, e, *f)
	}
	if _, _, f := strong(1, 4, 8, 1); *f >= 0 {
		t.Errorf("more than ideal: %v", *f)
	}
	if s, e, f := strong(2, 2, 8, 8); s != 1 || e != 1 || f != nil {
		t.Errorf("the base: %v %v %v", s, e, f)
	}
	if s, e, f := weak(1, 4, 8, 8); s != 4 || e != 1 || *f != 0 {
		t.Errorf("ideal: %v %v %v", s, e, *f)
	}
	if s, e, f := weak(1, 4, 8, 32); s != 1 || e != 0.25 || *f != 1 {
		t.Errorf("no gain at all: %v %v %v", s, e, *f)
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   Spread
	}{
		{[]float64{3}, Spread{3, 3, 3}}, {[]float64{3, 1}, Spread{2, 1, 3}}, {[]float64{9, 1, 2}, Spread{2, 1, 9}}, {[]float64{4, 1, 9, 2}, Spread{3, 1, 9}},
	} {
		if got := spreadOf(c.values); got != c.want {
			t.Errorf("%v: %v, want %v", c.values, got, c.want)
		}
	}
}

func TestCount(t *testing.T) {
	hosts := []Host{{Cores: 4}, {Cores: 2}, {Cores: 8}}
	for _, c := range []struct {
		placement []int
		threads   int
		want      Place
	}{
		{[]int{0}, 1, Place{Ranks: 1, Cores: 1, Fullest: 1, Hosts: 1}},
		{[]int{0, 0, 0, 0, 1, 1}, 1, Place{Ranks: 6, Cores: 6, Fullest: 4, Hosts: 2}},
		{[]int{0, 0, 0, 0, 1, 1, 1}, 1, Place{Ranks: 7, Cores: 6, Fullest: 4, Hosts: 2, Oversubscribed: true}},
		{[]int{0, 1, 2}, 3, Place{Ranks: 3, Cores: 8, Fullest: 1, Hosts: 3, Oversubscribed: true}},
	} {
		got := Place{Ranks: len(c.placement)}
		got.Count(c.placement, hosts, c.threads)
		if got != c.want {
			t.Errorf("%v: %+v, want %+v", c.placement, got, c.want)
		}
	}
}
