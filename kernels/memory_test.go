package kernels

import "testing"

// TestRunnerAgain: a Runner knows nothing of the pictures before, whatever the number of threads.
func TestRunnerAgain(t *testing.T) {
	for _, ops := range [][]string{{"blur:size=5"}, {"invert"}, {"gray", "blur:size=3", "edges", "blur:size=7", "sketch"}, {"equalize", "heatmap"}} {
		chain, err := Parse(ops)
		if err != nil {
			t.Fatal(err)
		}
		s := Shape{8, 14, 3}
		for threads := 1; threads < 4; threads++ {
			r, err := chain.NewRunner(s, threads)
			if err != nil {
				t.Fatal(err)
			}
			for picture := range 3 {
				src := makeRows(s)
				for y, row := range src {
					for i := range row {
						row[i] = byte(i*i*(picture+7) + y*y*picture*3 + y*29)
					}
				}
				got := makeRows(r.Out())
				if err := r.Run(got, src); err != nil {
					t.Fatal(err)
				}
				if diff := difference(got, reference(t, ops, src, s)); diff != "" {
					t.Errorf("%v, %d threads, picture %d: %s", ops, threads, picture, diff)
				}
			}
		}
	}
}
