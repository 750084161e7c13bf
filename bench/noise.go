package bench

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Noisy is how wide the interval around a median may be, as a part of it, before it is worth a word.
const Noisy = 0.1

// Scatter is what is known of a median: the interval that holds it, or, of too few values for one, all that were measured.
type Scatter struct {
	Low, High float64
	Part      float64 // how wide that is, as a part of the median
}

// ScatterOf returns how far the median of some times is to be trusted.
func ScatterOf(seconds []float64) Scatter {
	low, high, ok := MedianInterval(seconds, Confidence)
	if !ok {
		low, high = slices.Min(seconds), slices.Max(seconds)
	}
	return Scatter{low, high, (high - low) / Median(seconds)}
}

func (s Scatter) String() string {
	return fmt.Sprintf("%.0f%% (%s to %s)", 100*s.Part, SecondsText(s.Low), SecondsText(s.High))
}

// LeastP is the least p that the U test of n and m values can give, when all of one side are above all of the other.
func LeastP(n, m int) float64 { return min(1, 2*math.Exp(-logChoose(n+m, n))) }

// Uncertain says that medians are so by more than Noisy, and of what.
func Uncertain(which []string) string {
	return fmt.Sprintf("medians are uncertain by more than %.0f%%: %s; more runs (--repeat), a longer job or a machine without other work help", 100*Noisy, strings.Join(which, ", "))
}
