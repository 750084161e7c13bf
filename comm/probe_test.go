package comm

import (
	"testing"
)

// Every round pairs everybody, mutually; all rounds together pair everybody with all others.
func TestProbedPairs(t *testing.T) {
	for _, size := range []int{2, 3, 4, 5, 8, 31, 32, 33, 34, 100} {
		met := make(map[[2]int]int)
		for rank := range size {
			peers := probed(rank, size)
			if size > allPairs && len(peers) < probeRounds-1 {
				t.Errorf("%d of %d tries only %v", rank, size, peers)
			}
			for _, p := range peers {
				if p == rank || p < 0 || p >= size {
					t.Fatalf("%d of %d tries %d", rank, size, p)
				}
				met[[2]int{rank, p}]++
			}
		}
		for pair, n := range met {
			if n != 1 || met[[2]int{pair[1], pair[0]}] != 1 {
				t.Errorf("of %d: %v %d times", size, pair, n)
			}
		}
		if size <= allPairs && len(met) != size*(size-1) {
			t.Errorf("of %d: %d ways", size, len(met))
		}
	}
}
