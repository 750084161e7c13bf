package bench

import (
	"math"
	"slices"
)

// Median returns the middle of some values, or the mean of the two in the middle.
func Median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	n := len(s)
	if n%2 == 1 {
		return s[n/2]
	}
	return s[n/2-1] + (s[n/2]-s[n/2-1])/2 // a sum might overflow
}

// MedianInterval returns the narrowest interval between two of the values, equally far from the ends, that holds the median of what they
// are drawn from with the given confidence (by the sign test: Conover, Practical Nonparametric Statistics, §3.2). Of few values there is none.
func MedianInterval(values []float64, confidence float64) (low, high float64, ok bool) {
	s := slices.Sorted(slices.Values(values))
	n := len(s)
	// tail is the probability that fewer than k of n values lie below the median.
	tail, k := 0.0, 0
	for k < n/2 {
		more := tail + math.Exp(logChoose(n, k)-float64(n)*math.Ln2)
		if 1-2*more < confidence {
			break
		}
		tail, k = more, k+1
	}
	if k == 0 {
		return 0, 0, false
	}
	return s[k-1], s[n-k], true
}

func logChoose(n, k int) float64 {
	l := func(v int) float64 { r, _ := math.Lgamma(float64(v + 1)); return r }
	return l(n) - l(k) - l(n-k)
}

// exactLimit is up to how many values the U test counts all ways to part them.
const exactLimit = 60

// UTest returns the two-sided p-value of the Mann-Whitney U test: how likely two samples as unlike as a and b are, or more, if both
// are drawn from the same distribution (Mann and Whitney, 1947). It is exact, ties included, for up to 60 values together, and beyond
// that the normal approximation with corrections for ties and continuity.
func UTest(a, b []float64) float64 {
	all := slices.Concat(a, b)
	slices.Sort(all)
	var ties []int // how many values are equal, of each value
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j] == all[i] {
			j++
		}
		ties = append(ties, j-i)
		i = j
	}
	if len(ties) < 2 {
		return 1
	}
	u2 := twiceU(a, b)
	if len(all) <= exactLimit {
		return uExact(ties, len(a), len(b), u2)
	}
	return uNormal(ties, len(a), len(b), u2)
}

// twiceU returns 2·U: of all pairs, 2 for each in which a's value is larger, 1 for each of equals.
func twiceU(a, b []float64) int {
	sorted := slices.Sorted(slices.Values(b))
	u := 0
	for _, v := range a {
		below, _ := slices.BinarySearch(sorted, v)
		upTo := below
		for upTo < len(sorted) && sorted[upTo] == v {
			upTo++
		}
		u += below + upTo
	}
	return u
}

// uExact counts, over all ways to choose which n of the values are a's, how often 2·U is at most, and at least, u2.
func uExact(ties []int, n, m, u2 int) float64 {
	// ways[k][u] is in how many ways k of the values so far are a's with 2·U of u.
	ways := make([][]float64, n+1)
	for k := range ways {
		ways[k] = make([]float64, 2*n*m+1)
	}
	ways[0][0] = 1
	seen := 0
	for _, t := range ties {
		next := make([][]float64, n+1)
		for k := range next {
			next[k] = make([]float64, 2*n*m+1)
		}
		for k := range ways {
			if k > seen || seen-k > m {
				continue
			}
			for take := max(0, seen+t-k-m); take <= min(t, n-k); take++ {
				// Each of those taken is above the b's so far, and ties with those b's of the same value.
				more, times := take*(2*(seen-k)+t-take), math.Round(math.Exp(logChoose(t, take)))
				for u, w := range ways[k] {
					if w > 0 {
						next[k+take][u+more] += w * times
					}
				}
			}
		}
		ways, seen = next, seen+t
	}
	var atMost, atLeast, total float64
	for u, w := range ways[n] {
		total += w
		if u <= u2 {
			atMost += w
		}
		if u >= u2 {
			atLeast += w
		}
	}
	return min(1, 2*min(atMost, atLeast)/total)
}

func uNormal(ties []int, n, m, u2 int) float64 {
	nf, mf := float64(n), float64(m)
	all := nf + mf
	tied := 0.0
	for _, t := range ties {
		f := float64(t)
		tied += f*f*f - f
	}
	variance := nf * mf / 12 * (all + 1 - tied/(all*(all-1)))
	off := math.Abs(float64(u2)/2-nf*mf/2) - 0.5
	return min(1, math.Erfc(max(off, 0)/math.Sqrt(2*variance)))
}
