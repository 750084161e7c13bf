package launcher

import (
	"slices"
	"testing"
	"testing/synctest"
)

// However long a call takes, what is told of members meanwhile keeps nobody waiting, and only the latest is told.
func TestReporterTellsTheLatest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReporter()
		stuck := make(chan struct{})
		r.report(t.Context(), func() { <-stuck })
		synctest.Wait() // the call has begun
		var got []int
		for i := range 1000 {
			r.latest(uint32(i%2), func() { got = append(got, i) })
		}
		synctest.Wait()
		close(stuck)
		r.close(t.Context(), t.Context())
		slices.Sort(got)
		if !slices.Equal(got, []int{998, 999}) {
			t.Errorf("told is %v", got)
		}
	})
}

// What was told last is told before the end.
func TestReporterEnds(t *testing.T) {
	for range 100 {
		r := newReporter()
		n := 0
		r.latest(1, func() { n++ })
		r.report(t.Context(), func() { n++ })
		r.close(t.Context(), t.Context())
		if n != 2 {
			t.Fatalf("%d of 2 calls", n)
		}
	}
}
