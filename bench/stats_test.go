package bench

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a), math.Abs(b)) }

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{2, 1}, 1.5}, {[]float64{5, 1, 9}, 5}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := Median(c.values); got != c.want {
			t.Errorf("median of %v: %v, want %v", c.values, got, c.want)
		}
	}
}

// TestMedianInterval holds the order statistics to the table of the sign test (Conover, table A3 at p = 1/2).
func TestMedianInterval(t *testing.T) {
	for n, k := range map[int]int{1: 0, 2: 0, 5: 0, 6: 1, 8: 1, 9: 2, 10: 2, 11: 2, 12: 3, 15: 4, 16: 4, 17: 5, 20: 6, 25: 8} {
		values := make([]float64, n)
		for i := range values {
			values[i] = float64(n - i)
		}
		low, high, ok := MedianInterval(values, 0.95)
		if ok != (k > 0) || ok && (low != float64(k) || high != float64(n+1-k)) {
			t.Errorf("of %d: %v to %v, %v; want the %d-th from either end", n, low, high, ok, k)
		}
	}
}

func upTo(n int) (values []float64) {
	for i := range n {
		values = append(values, float64(i))
	}
	return values
}

// TestUTestClosedForm: when all of one side lie below all of the other, one way of all to part them is as extreme at either end.
func TestUTestClosedForm(t *testing.T) {
	for n := 1; n <= 12; n++ {
		for m := 1; m <= 12; m++ {
			all := upTo(n + m)
			ways := 1.0
			for i := range n {
				ways = ways * float64(m+i+1) / float64(i+1)
			}
			if got, want := UTest(all[:n], all[n:]), min(1, 2/ways); !near(got, want) {
				t.Errorf("%d below %d: p %v, want %v", n, m, got, want)
			}
		}
	}
}

// TestUTestTable holds p to critical values of U at 0.05, two-sided (Mann and Whitney's table; Conover, table A7).
func TestUTestTable(t *testing.T) {
	for _, c := range [][3]int{{4, 4, 0}, {5, 5, 2}, {6, 6, 5}, {7, 7, 8}, {8, 8, 13}, {10, 10, 23}, {5, 8, 6}, {4, 10, 5}, {20, 20, 127}} {
		n, m, u := c[0], c[1], c[2]
		single := make([]int, n+m) // no ties
		for i := range single {
			single[i] = 1
		}
		if at, above := uExact(single, n, m, 2*u), uExact(single, n, m, 2*u+2); at > 0.05 || above <= 0.05 {
			t.Errorf("%d and %d: p of U=%d is %v, of one more %v", n, m, u, at, above)
		}
	}
}

// TestUTestCountsAllWays compares with a plain count of all ways to choose whose values are whose, ties included.
func TestUTestCountsAllWays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(0, 4), 2, 12).Draw(t, "values")
		for i := range values {
			values[i] = math.Round(values[i])
		}
		n := rapid.IntRange(1, len(values)-1).Draw(t, "n")
		u := twiceU(values[:n], values[n:])
		atMost, atLeast, total := 0, 0, 0
		for chosen := range 1 << len(values) {
			var a, b []float64
			for i, v := range values {
				if chosen>>i&1 == 1 {
					a = append(a, v)
				} else {
					b = append(b, v)
				}
			}
			if len(a) != n {
				continue
			}
			plain := 0
			for _, x := range a {
				for _, y := range b {
					switch {
					case x > y:
						plain += 2
					case x == y:
						plain++
					}
				}
			}
			total++
			if plain <= u {
				atMost++
			}
			if plain >= u {
				atLeast++
			}
		}
		want := min(1, 2*float64(min(atMost, atLeast))/float64(total))
		if got := UTest(values[:n], values[n:]); !near(got, want) {
			t.Fatalf("p %v, want %v", got, want)
		}
	})
}

func TestUTestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sample := rapid.SliceOfN(rapid.Float64Range(1, 9), 1, 70)
		a, b := sample.Draw(t, "a"), sample.Draw(t, "b")
		p := UTest(a, b)
		if !(p >= 0 && p <= 1) {
			t.Fatalf("p is %v", p)
		}
		if q := UTest(b, a); math.Abs(p-q) > 1e-9 {
			t.Fatalf("p is %v one way and %v the other", p, q)
		}
		if q := UTest(a, a); q < 0.999 {
			t.Fatalf("a sample differs from itself with p %v", q)
		}
	})
}

// TestUTestLimit: where counting ends, the approximation takes over without a jump.
func TestUTestLimit(t *testing.T) {
	all := upTo(exactLimit)
	a, b := []float64{}, []float64{}
	for i, v := range all {
		if i%2 == 0 {
			a = append(a, v)
		} else {
			b = append(b, v+8)
		}
	}
	single := slices.Repeat([]int{1}, exactLimit)
	exact, normal := uExact(single, len(a), len(b), twiceU(a, b)), uNormal(single, len(a), len(b), twiceU(a, b))
	if math.Abs(exact-normal) > 0.05*exact {
		t.Errorf("exact %v, approximately %v", exact, normal)
	}
}
